import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { RefusedReference } from "../database/refused-reference.ts";
import { taskChanges } from "../database/schema.ts";
import { defineStatement, type Value } from "../database/statement.ts";
import type { CallIdentity, UserDatabase } from "../database/user-database.ts";
import { ApplicationError, ApprovalNeeded, refusedField } from "../errors.ts";
import { listFirst, listIds, MOST_NAMED } from "../excerpt.ts";
import { quote } from "../quote.ts";
import { type TasksChanged, tasksOf } from "./change-tasks.ts";
import { isClaimLive } from "./ready.ts";
import { tasks } from "./task-rows.ts";

/** Where a person can be asked, they are asked about a change of a task that somebody holds, all claims at once. */
const undo = defineStatement((query, value: Value<"userId" | "number" | "unasked">) => {
  const held = query
    .select({ id: tasks.id })
    .from(tasks)
    .innerJoin(taskChanges, and(eq(taskChanges.userId, tasks.userId), eq(taskChanges.taskId, tasks.id)))
    .where(and(eq(tasks.userId, value("userId")), eq(taskChanges.change, value("number")), isClaimLive));
  const unasked = sql`nullif(${value("unasked")}, '')::integer * (not exists ${held})::integer`;
  return query.execute(sql`select undo_change(${value("number")}::bigint, ${unasked}) as undo`);
});

const standingSchema = z.object({
  change: z.int(),
  task_id: z.int(),
  title: z.string().nullable(),
  operation: z.string(),
  fields: z.array(z.string()),
  undoes: z.int().nullable(),
});
type StandingChange = z.output<typeof standingSchema>;

/** What `undo_change` (drizzle/0022_undo.sql) answers. */
const undoSchema = z
  .object({
    rows: z.tuple([
      z.object({
        undo: z.union([
          z.object({ undone: z.array(z.object({ id: z.int(), deed: z.string(), fields: z.array(z.string()) })) }),
          z.object({ nothing: z.enum(["as before", "a claim"]), undone_by: z.int().nullable() }),
          z.object({ in_the_way: z.array(standingSchema) }),
          z.object({ asks: z.array(z.object({ id: z.int(), deed: z.string() })) }),
          z.object({ refused: z.literal("unknown"), last: z.int() }),
          z.object({ refused: z.literal("older"), baseline: z.int() }),
          z.object({ refused: z.literal("large"), most: z.int() }),
        ]),
      }),
    ]),
  })
  .transform(({ rows: [{ undo }] }) => undo);

/** What an undo made of the tasks. */
export interface ChangeUndone extends TasksChanged {
  /** What was done to each task, by its id; of a call that is repeated it tells the deletions alone. */
  readonly remarks: ReadonlyMap<number, string>;
  /** Why nothing was done, or which tasks are deleted by it. */
  readonly comment: string | undefined;
}

/**
 * Takes a change of the person back, whatever it was: what it made is deleted, what it deleted is there again, what it
 * changed is as before. It does all of that or nothing.
 *
 * @param number the change's
 * @param unasked how many tasks it may change where the person has not said yes to it, delete none and end no claim; undefined
 *   where they need not
 * @throws ApplicationError `not_found` for a number that the log does not have; `conflict`, naming them, where later
 *   changes stand in the way; `invalid_input` where the change is too large
 * @throws ApprovalNeeded
 */
export async function undoChange(
  database: UserDatabase,
  call: CallIdentity,
  number: number,
  unasked: number | undefined,
): Promise<ChangeUndone> {
  const undone = await database
    .changeTasks(call, () => [undo({ userId: database.userId, number, unasked: unasked ?? "" })])
    .catch((error: unknown) => {
      throw error instanceof RefusedReference ? againstReferences(number, error) : error;
    });
  const { changes: changed, ...answer } = tasksOf(undone);
  // What is there again, or completed again, was counted when it was made and completed.
  const changes = changed.map((change) => ({ ...change, isCompletion: false }));
  const deleted = changes.filter(({ operation }) => operation === "delete").map(({ task }) => task.id);
  const remarks = new Map(deleted.map((id) => [id, "deleted"]));
  const comment = deleted.length === 0 ? undefined : `That deleted ${listIds(deleted)}.`;
  if (undone.results === undefined) return { ...answer, changes, remarks, comment };

  const result = undoSchema.parse(undone.results[0]);
  if ("undone" in result) {
    for (const { id, deed, fields } of result.undone) remarks.set(id, remarkOn(deed, fields));
    return { ...answer, changes, remarks, comment };
  }
  if ("nothing" in result) {
    return { ...answer, changes, remarks, comment: reasonOf(number, result.nothing, result.undone_by) };
  }
  throw refusalOf(number, result);
}

function remarkOn(deed: string, fields: readonly string[]): string {
  if (deed === "delete") return "deleted";
  return deed === "restore" ? "restored" : `${fields.join(", ")} as before`;
}

function reasonOf(number: number, nothing: "as before" | "a claim", undoneBy: number | null): string {
  if (nothing === "a claim")
    return `Change ${number} was about claims alone, which are not undone; nothing was changed.`;
  return undoneBy === null
    ? `All is as before change ${number} already; nothing was changed.`
    : `Change ${number} was undone before, by change ${undoneBy}; nothing was changed.`;
}

type Refusal = Exclude<z.output<typeof undoSchema>, { undone: unknown } | { nothing: unknown }>;

function refusalOf(number: number, refusal: Refusal): ApplicationError {
  if ("asks" in refusal) return needsApproval(number, refusal.asks);
  if ("in_the_way" in refusal) return inTheWay(number, refusal.in_the_way);
  switch (refusal.refused) {
    case "unknown":
      return new ApplicationError("not_found", `There is no change ${number}; the last is ${refusal.last}.`);
    case "older":
      return new ApplicationError(
        "not_found",
        `Change ${number} is not kept: what can be undone begins after change ${refusal.baseline}.`,
      );
    case "large":
      return refusedField(
        "invalid_input",
        "undo",
        `names a change of more than ${refusal.most} tasks; an undo takes no more back`,
      );
  }
}

function needsApproval(number: number, steps: readonly { id: number; deed: string }[]): ApprovalNeeded {
  const idsOf = (deed: string) => steps.flatMap((step) => (step.deed === deed ? [step.id] : []));
  const restored = idsOf("restore").length;
  const [deleted, changed] = [idsOf("delete"), idsOf("update")];
  // What is restored cannot be named: nobody sees a deleted task.
  const restores = restored > 0 && `restores ${restored} ${restored === 1 ? "task" : "tasks"}`;
  const listed = new Intl.ListFormat("en-GB");
  const isMixed = deleted.length > 0 && changed.length > 0;
  const does = (named: string) =>
    isMixed
      ? [restores, `deletes ${tellIds(deleted)}`, `changes ${tellIds(changed)} (${named})`]
      : [restores, deleted.length > 0 && `deletes ${named}`, changed.length > 0 && `changes ${named}`];
  return new ApprovalNeeded(`Undoing change ${number} ${deleted.length > 0 ? "deletes tasks" : "changes tasks"}`, {
    deed: (named) => `undo change ${number}, which ${listed.format(does(named).filter((part) => part !== false))}`,
    taskIds: [...deleted, ...changed],
    count: steps.length,
  });
}

function tellIds(ids: readonly number[]): string {
  return ids.length > MOST_NAMED ? `${ids.length} tasks` : listIds(ids);
}

/** What the change has put an end to, tasks that have come to refer to each other since do not let be again. */
function againstReferences(number: number, { refused, cause }: RefusedReference): ApplicationError {
  const { field, message } = refused;
  return new ApplicationError(
    "conflict",
    `Change ${number} cannot be undone: ${field} ${message}. Nothing was changed.`,
    { cause },
  );
}

function inTheWay(number: number, standing: readonly StandingChange[]): ApplicationError {
  const inOrder = [...standing].sort((one, other) => one.change - other.change);
  const named = listFirst(inOrder, (change) => tellLater(number, change));
  return new ApplicationError(
    "conflict",
    `Change ${number} cannot be undone because of later changes: ${named}. Nothing was changed.`,
  );
}

function tellLater(number: number, { change, task_id: id, title, operation, fields, undoes }: StandingChange): string {
  const task = title === null ? `#${id}` : `#${id} ${quote(title)}`;
  if (undoes === number) return `change ${change} undid it for ${task}`;
  return `change ${change} ${didTo(task, operation, fields)}${undoes === null ? "" : `, undoing change ${undoes}`}`;
}

function didTo(task: string, operation: string, fields: readonly string[]): string {
  switch (operation) {
    case "insert":
      return `made ${task}`;
    case "delete":
      return `deleted ${task}`;
    case "restore":
      return `restored ${task}`;
    default:
      return `changed ${fields.join(", ")} of ${task}`;
  }
}
