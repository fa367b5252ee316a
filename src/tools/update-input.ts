import * as z from "zod";
import { ApplicationError, refusedField } from "../errors.ts";
import { quote } from "../quote.ts";
import { MOST_CLAIMED } from "../tasks/claim-tasks.ts";
import { namesOf, optionalInputs, pluck } from "../tasks/field-table.ts";
import type { Lease } from "../tasks/lease.ts";
import { openStatuses } from "../tasks/ready.ts";
import type { TaskEdit } from "../tasks/task-edit.ts";
import { LONGEST_DESCRIPTION, taskFields } from "../tasks/task-fields.ts";
import { text } from "../text.ts";
import { atomicInput, callInputs, claimInput, expectedVersionSchema, taskInputs } from "./call-inputs.ts";
import { checkMatch, matchInputs } from "./match-input.ts";
import { counts } from "./tool-input.ts";

const clearableSchema = z.enum(namesOf(pluck(taskFields, "empty")));

/** How long a claim holds where nothing is said of that, in minutes. */
export const USUAL_LEASE = 30;

/** What goes with an undo. */
const BESIDE_UNDO: readonly string[] = ["undo", "claim", ...Object.keys(callInputs)];

/** What update_task takes. */
export const updateInput = z
  .strictObject({
    ...taskInputs,
    task_ids: taskInputs.task_ids.describe(
      "Left out with undo and claim_next, and to renew or release all tasks of a claim.",
    ),
    ...matchInputs,
    ...optionalInputs(taskFields, "update"),
    clear: z
      .array(clearableSchema)
      .max(clearableSchema.options.length)
      .optional()
      .describe("Fields to empty; an empty value empties nothing."),
    add_tags: taskFields.tags.input.optional(),
    remove_tags: taskFields.tags.input.optional(),
    append: text({ minimum: 1, maximum: LONGEST_DESCRIPTION, isComposed: true })
      .optional()
      .describe("A line to add to the description."),
    atomic: atomicInput,
    expected_version: expectedVersionSchema,
    undo: z
      .int()
      .min(1)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe("In place of all but note and claim: the number of a change to undo, whatever it did."),
    claim_minutes: z
      .int()
      .min(1)
      .max(1440)
      .optional()
      .describe("Claims the task for so long, or renews the claim given."),
    claim_next: z
      .int()
      .min(1)
      .max(MOST_CLAIMED)
      .register(counts, {})
      .optional()
      .describe(
        `In place of task_ids: claims so many of the next ready tasks, with these tags if given, for claim_minutes or ${USUAL_LEASE}.`,
      ),
    claim: claimInput,
    release: z.boolean().optional().describe("Ends the claim; say in note what is left."),
    ...callInputs,
  })
  .superRefine(checkMatch);

export type UpdateInput = z.output<typeof updateInput>;

/** Whether a call takes a claim, of which its change is the number. */
export function isClaim({ claim, claim_minutes: minutes, claim_next: count }: UpdateInput): boolean {
  return count !== undefined || (minutes !== undefined && claim === undefined);
}

/**
 * The tags of a call that claims the next task.
 *
 * @throws ApplicationError `invalid_input` for anything else that is about one task
 */
export function readTagsAlone(asked: UpdateInput): readonly string[] | undefined {
  const { claim_next: _count, claim_minutes: _minutes, note: _note, idempotency_key: _key, tags, ...others } = asked;
  const other = Object.entries(others).find(([, value]) => value !== undefined && value !== false)?.[0];
  if (other !== undefined)
    throw refusedField(
      "invalid_input",
      other,
      "must be left out beside claim_next, which takes tags and claim_minutes",
    );
  return tags;
}

/**
 * What becomes of the claim of the task; undefined where nothing does.
 *
 * @param isPersonAsked whether a person is there to be asked: who ends any claim that there is
 * @throws ApplicationError `invalid_input`
 */
export function readLease(
  { claim, claim_minutes: minutes, release, status }: UpdateInput,
  isPersonAsked: boolean,
): Lease | undefined {
  if (!release) {
    if (minutes === undefined) return undefined;
    if (status === undefined || openStatuses.some((open) => open === status)) return { minutes };
    throw refusedField(
      "invalid_input",
      "claim_minutes",
      `must be left out beside status ${status}, which ends a claim`,
    );
  }
  if (minutes !== undefined)
    throw refusedField("invalid_input", "release", "cannot go with claim_minutes; do one of the two");
  if (claim === undefined && !isPersonAsked)
    throw refusedField("invalid_input", "claim", "must be given with release: the number of the claim to end");
  return { release };
}

/** @throws ApplicationError `invalid_input` for a field that says what is to be done beside an undo */
export function requireUndoAlone(given: object): void {
  const others = Object.entries(given).flatMap(([field, value]) =>
    value === undefined || value === false || BESIDE_UNDO.includes(field) ? [] : [field],
  );
  if (others.length > 0) {
    throw refusedField("invalid_input", "undo", `takes a whole change back: leave out ${others.join(", ")}, or undo`);
  }
}

/**
 * Makes sure that an edit can be meant.
 *
 * @param count of how many tasks
 * @throws ApplicationError `invalid_input` where nothing is to change, or one thing is to become two
 */
export function requireChange({ clear = [], ...edit }: TaskEdit, count: number): void {
  const both = clear.find((field) => edit[field] !== undefined);
  if (both !== undefined)
    throw refusedField("invalid_input", "clear", `names ${both}, which is also given a value; do one of the two`);
  for (const [part, whole] of PARTS) {
    if (edit[part] === undefined || (edit[whole] === undefined && !clear.includes(whole))) continue;
    throw refusedField(
      "invalid_input",
      part,
      `cannot go with ${edit[whole] === undefined ? "clear of " : ""}${whole}; do one of the two`,
    );
  }
  const removed = new Set(edit.remove_tags?.map((tag) => tag.toLowerCase()));
  const again = edit.add_tags?.find((tag) => removed.has(tag.toLowerCase()));
  if (again !== undefined)
    throw refusedField("invalid_input", "remove_tags", `names ${quote(again)}, which add_tags adds; do one of the two`);
  if (count > 1 && edit.title !== undefined) throw refusedField("invalid_input", "title", "goes with one task alone");
  if (isEdit({ clear, ...edit })) return;
  const names = [...Object.keys(taskFields), ...PARTS.map(([part]) => part)];
  const last = names.pop();
  const message = `Give at least one field to change: ${names.join(", ")} or ${last}. An empty value, such as null, empties nothing: to empty a field, name it in clear`;
  throw new ApplicationError("invalid_input", message, { fields: [{ field: "", message }] });
}

/** What changes a part of a field, and so cannot go with a new value of that. */
const PARTS = [
  ["add_tags", "tags"],
  ["remove_tags", "tags"],
  ["append", "description"],
] as const;

export function isEdit({ clear = [], ...edit }: TaskEdit): boolean {
  return clear.length > 0 || fieldsGiven(edit).length > 0 || PARTS.some(([part]) => edit[part] !== undefined);
}

/** The fields that are given a new value. */
export function fieldsGiven(edit: TaskEdit): string[] {
  return Object.values(namesOf(taskFields)).filter((name) => edit[name] !== undefined);
}
