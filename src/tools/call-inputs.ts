import * as z from "zod";
import { refusedField } from "../errors.ts";
import { unpublishedFields } from "../input.ts";
import { isObject } from "../json.ts";
import { MOST_NAMED_TASKS } from "../tasks/change-several.ts";
import { taskIdSchema } from "../tasks/task-id.ts";
import { text } from "../text.ts";
import { idempotencyKeySchema } from "./idempotency-key.ts";

/** The tasks that a call names. */
export interface NamedTasks {
  readonly task_id?: number | undefined;
  readonly task_ids?: readonly number[] | undefined;
}

/** The key that every tool which changes tasks takes. */
const keySchema = idempotencyKeySchema
  .optional()
  .describe("Unique text: a repeat with it within 24 hours does nothing.");

const noteSchema = text({ minimum: 1, maximum: 500, isComposed: true })
  .optional()
  .describe("What was done or decided, for the next one who looks.");

/** What every tool that changes tasks takes beside what it does. */
export const callInputs = { note: noteSchema, idempotency_key: keySchema };

/** The version that a tool expects of the task it changes. */
export const expectedVersionSchema = z
  .int()
  .min(1)
  .max(2_147_483_647)
  .optional()
  .describe("Only if this is still its version.");

/** How a tool takes the tasks that it is about: one, or several. */
export const taskInputs = {
  task_id: taskIdSchema.optional().register(unpublishedFields, {}),
  task_ids: z
    .array(taskIdSchema.meta({ description: undefined }))
    .max(MOST_NAMED_TASKS)
    .optional()
    .describe("Ids of tasks."),
};

/** Whether a call about several tasks is all or nothing. */
export const atomicInput = z.boolean().optional().describe("All or none.");

/** The tasks that a call names, each once. */
export function namedTasks({ task_id: id, task_ids: ids = [] }: NamedTasks): number[] {
  return [...new Set([...(id === undefined ? [] : [id]), ...ids])];
}

/** Whether a call names a task. */
export function namesTask(named: NamedTasks): boolean {
  return named.task_id !== undefined || named.task_ids !== undefined;
}

/** How one is refused that names none: before a person is asked about it. */
export const refusedWithoutTask = refusedWithout("task_ids");

/**
 * How a call is refused that lacks a field which its schema cannot demand: beside all else that does not fit.
 *
 * @param others what may be given in its place
 */
export function refusedWithout(field: string, ...others: readonly string[]) {
  return {
    path: [field],
    error: tellRequired(others),
    when: ({ value }: { readonly value: unknown }) => isObject(value),
  };
}

/** What goes on after the name of a field that is missing, where others would do too. */
function tellRequired(others: readonly string[] = []): string {
  return ["is required", ...others].join(", or ");
}

/**
 * The tasks that a call names, which must be one at least.
 *
 * @param inPlace what may be given in place of `task_ids`
 * @throws ApplicationError `invalid_input`
 */
export function requireTasks(
  named: NamedTasks & { readonly expected_version?: number | undefined },
  inPlace?: readonly string[],
): [number, ...number[]] {
  const [first, ...others] = namedTasks(named);
  if (first === undefined) throw refusedField("invalid_input", "task_ids", tellRequired(inPlace));
  if (others.length >= MOST_NAMED_TASKS) {
    throw refusedField("invalid_input", "task_ids", `must have at most ${MOST_NAMED_TASKS} items, task_id among them`);
  }
  if (others.length > 0 && named.expected_version !== undefined) {
    const message = "goes with one task alone: leave it out, or change one task after the other";
    throw refusedField("invalid_input", "expected_version", message);
  }
  return [first, ...others];
}

/** What the tools take as well that change a task which is there. */
export const claimInput = z
  .int()
  .min(1)
  .max(Number.MAX_SAFE_INTEGER)
  .optional()
  .describe("The number of your claim: the change that made it.");

/** What the tools take as well that end one task or several. */
export const endingInputs = {
  atomic: atomicInput,
  expected_version: expectedVersionSchema,
  claim: claimInput.describe("The number of your claim."),
  ...callInputs,
};
