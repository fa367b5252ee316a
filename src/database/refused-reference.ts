import * as z from "zod";
import { ApplicationError, type FieldError } from "../errors.ts";

/** What `raise_reference` tells of the task that was to refer to another. */
const detailSchema = z.discriminatedUnion("problem", [
  z.object({ problem: z.literal("missing"), id: z.int() }),
  z.object({ problem: z.literal("taken"), id: z.int() }),
  z.object({ problem: z.literal("itself"), task_id: z.int() }),
  z.object({ problem: z.literal("circle"), task_id: z.int(), path: z.array(z.int()) }),
  z.object({ problem: z.literal("wait"), task_id: z.int(), through: z.int() }),
  z.object({
    problem: z.literal("depth"),
    task_id: z.int(),
    deepest: z.int(),
    top: z.int(),
    levels: z.int(),
    most: z.int(),
    room: z.int(),
  }),
]);
type Problem = z.output<typeof detailSchema>;

/** A task was to refer to another as it may not, as subtasks in a circle; nothing was changed. */
export class RefusedReference extends ApplicationError {
  /** What the field must be, or would come to: it goes on after the field's name. */
  readonly refused: FieldError;
  /** The id of a task that was to refer to itself. */
  readonly itself: number | undefined;

  constructor(field: string, problem: Problem, cause: unknown) {
    const refused = { field, message: tellProblem(problem) };
    super("invalid_input", `${field} ${refused.message}`, { fields: [refused], cause });
    this.refused = refused;
    this.itself = problem.problem === "itself" ? problem.task_id : undefined;
  }
}

/**
 * The error of a call that was to let a task refer to another as it may not: it names them, and says what would be taken.
 *
 * @param field the field of the reference
 * @param detail of Postgres' error, JSON
 * @param cause the error itself
 */
export function refusedReference(field: string, detail: string | undefined, cause: unknown): RefusedReference {
  return new RefusedReference(field, asItself(detailSchema.parse(JSON.parse(detail ?? ""))), cause);
}

/** The error of a task that was to refer to one that is not there. */
export function missingReference(field: string, id: number): RefusedReference {
  return new RefusedReference(field, { problem: "missing", id }, undefined);
}

/** What is thrown of a task that was to be made: one that names the id which it would have got names a task that is not there. */
export function referenceOfNew(error: unknown): unknown {
  if (!(error instanceof RefusedReference) || error.itself === undefined) return error;
  return missingReference(error.refused.field, error.itself);
}

/** Which trigger refuses a task that refers to itself depends on their names: to some it is a circle of one. */
function asItself(detail: Problem): Problem {
  const isItself =
    (detail.problem === "circle" && detail.path.every((id) => id === detail.task_id)) ||
    (detail.problem === "wait" && detail.through === detail.task_id);
  return isItself ? { problem: "itself", task_id: detail.task_id } : detail;
}

function tellProblem(detail: Problem): string {
  switch (detail.problem) {
    case "missing":
      return `must be the id of a task that is there: there is no task #${detail.id}`;
    case "taken":
      return `is that of #${detail.id} by now, which has its place in the series`;
    case "itself":
      return `must be another task than #${detail.task_id} itself`;
    case "circle": {
      const circle = detail.path.map((id) => `#${id}`).join(" under ");
      return `must be a task that is not below #${detail.task_id}: it would make a circle, ${circle}`;
    }
    case "wait":
      return `must be tasks that do not wait for #${detail.task_id}: #${detail.through} does, itself or by way of others`;
    case "depth": {
      const { task_id: id, deepest, top, levels, most, room } = detail;
      const where = room < 0 ? "is too deep itself to be a subtask" : `fits below a task at level ${room} or higher up`;
      return `must leave no task more than ${most} levels below another: #${deepest} would be ${levels} below #${top}. #${id}, with what is below it, ${where}; a task without a parent is at level 0`;
    }
  }
}
