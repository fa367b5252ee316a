import * as z from "zod";
import { ApplicationError } from "../errors.ts";
import { quote } from "../quote.ts";
import { shorten } from "../shorten.ts";
import { type TaskEdit, type TasksChanged, updateTask } from "../tasks/change-tasks.ts";
import { claimNext, leaseClaimed, MOST_CLAIMED } from "../tasks/claim-tasks.ts";
import { namesOf, optionalInputs, pluck } from "../tasks/field-table.ts";
import type { Lease } from "../tasks/lease.ts";
import { tellMaker } from "../tasks/logged-change.ts";
import { openStatuses } from "../tasks/ready.ts";
import type { Task } from "../tasks/task.ts";
import { taskFields } from "../tasks/task-fields.ts";
import { taskIdSchema } from "../tasks/task-id.ts";
import { undoChange } from "../tasks/undo-change.ts";
import { callInputs, claimInput, expectedVersionSchema } from "./call-inputs.ts";
import { tellBeginning } from "./listed-task.ts";
import { rules } from "./rules.ts";
import { CHANGES_WITHOUT_APPROVAL } from "./tool.ts";
import { counts } from "./tool-input.ts";
import { defineWritingTool } from "./writing-tool.ts";

const clearableSchema = z.enum(namesOf(pluck(taskFields, "empty")));

/** How long a claim holds where nothing is said of that, in minutes. */
const USUAL_LEASE = 30;

/** How much is shown of the last notes of tasks that are claimed, all together, and of each and of its maker's name, as `weigh` counts. */
const NOTES = 400;
const SHORTEST_NOTE = 25;

/** What goes with an undo. */
const BESIDE_UNDO: readonly string[] = ["undo", "claim", ...Object.keys(callInputs)];

const input = z.strictObject({
  task_id: taskIdSchema
    .optional()
    .describe("The task's id; left out with undo and claim_next, and to renew or release all tasks of a claim."),
  ...optionalInputs(taskFields, "update"),
  clear: z
    .array(clearableSchema)
    .max(clearableSchema.options.length)
    .optional()
    .describe("Fields to empty; an empty value empties nothing."),
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
      `In place of task_id: claims so many of the next ready tasks, with these tags if given, for claim_minutes or ${USUAL_LEASE}.`,
    ),
  claim: claimInput,
  release: z.boolean().optional().describe("Ends the claim; say in note what is left."),
  ...callInputs,
});

export const updateTaskTool = defineWritingTool({
  name: "update_task",
  title: "Update task",
  description: `Changes one task. ${rules.update} ${rules.undo} ${rules.claim} ${rules.failure}`,
  input,
  example: { task_id: 1, due: "2026-12-01T17:00:00", clear: ["tags"] },
  annotations: { destructiveHint: true, idempotentHint: true },
  async run(asked, database, call, { isConfirmed }) {
    const { task_id: id, expected_version: expectedVersion, undo, claim_next: count, ...rest } = asked;
    const { claim, claim_minutes: minutes, release, note: _note, idempotency_key: _key, ...edit } = rest;
    if (undo !== undefined) {
      requireUndoAlone(asked);
      return undoChange(database, call, undo, isConfirmed === false ? CHANGES_WITHOUT_APPROVAL : undefined);
    }
    if (count !== undefined) {
      const tags = readTagsAlone(asked);
      const claimed = await claimNext(database, call, { count, minutes: minutes ?? USUAL_LEASE, tags });
      return claimed.changes.length > 0
        ? withLastNotes(claimed)
        : { ...claimed, comment: "No task is ready to be claimed." };
    }
    const lease = readLease(asked, isConfirmed !== undefined);
    const isWhole = id === undefined && claim !== undefined && expectedVersion === undefined && !isEdit(edit);
    if (isWhole && lease !== undefined) {
      return asRenewed(asked, await leaseClaimed(database, { ...call, claim }, lease));
    }
    if (id === undefined) throw invalid("task_id", "is required");
    if (claim !== undefined && lease === undefined && !isEdit(edit)) {
      throw invalid(
        "claim",
        "says under which claim to act: give what to change too, claim_minutes to renew it, or release",
      );
    }
    if (lease === undefined || isEdit(edit)) requireChange(edit);
    return asRenewed(asked, withLastNotes(await updateTask(database, call, id, edit, expectedVersion, lease)));
  },
  done: (asked) => {
    if (asked.undo !== undefined) return `Undid change ${asked.undo}:`;
    if (isClaim(asked)) return "Claimed";
    return asked.release ? "Released" : "Updated";
  },
  unchanged: "It was so before; nothing was changed.",
  asksFor: ({ claim_next: count }) => count,
  describeEdit,
  isClaim,
});

/** Whether a call takes a claim, of which its change is the number. */
function isClaim({ claim, claim_minutes: minutes, claim_next: count }: z.output<typeof input>): boolean {
  return count !== undefined || (minutes !== undefined && claim === undefined);
}

/** With what was noted last of the tasks that are claimed, which their holder is to go on from. */
function withLastNotes(claimed: TasksChanged) {
  const { lastNotes = [] } = claimed;
  if (lastNotes.length === 0) return claimed;
  const longest = Math.max(SHORTEST_NOTE, NOTES / lastNotes.length);
  const told = lastNotes.map(({ taskId, change, note, by, via }) => {
    return [
      taskId,
      `last note ${quote(shorten(note, longest))} ${tellMaker({ by: shorten(by, SHORTEST_NOTE), via })} in change ${change}`,
    ] as const;
  });
  return { ...claimed, remarks: new Map(told), comment: told.map(([id, note]) => `#${id}: ${note}.`).join(" ") };
}

function asRenewed({ claim_minutes: minutes }: z.output<typeof input>, updated: TasksChanged) {
  return minutes !== undefined && updated.changes.length === 0 ? { ...updated, comment: "Claim renewed:" } : updated;
}

/**
 * The tags of a call that claims the next task.
 *
 * @throws ApplicationError `invalid_input` for anything else that is about one task
 */
function readTagsAlone(asked: z.output<typeof input>): readonly string[] | undefined {
  const { claim_next: _count, claim_minutes: _minutes, note: _note, idempotency_key: _key, tags, ...others } = asked;
  const other = Object.entries(others).find(([, value]) => value !== undefined && value !== false)?.[0];
  if (other !== undefined)
    throw invalid(other, "must be left out beside claim_next, which takes tags and claim_minutes");
  return tags;
}

/**
 * What becomes of the claim of the task; undefined where nothing does.
 *
 * @param isPersonAsked whether a person is there to be asked: who ends any claim that there is
 * @throws ApplicationError `invalid_input`
 */
function readLease(
  { claim, claim_minutes: minutes, release, status }: z.output<typeof input>,
  isPersonAsked: boolean,
): Lease | undefined {
  if (!release) {
    if (minutes === undefined) return undefined;
    if (status === undefined || openStatuses.some((open) => open === status)) return { minutes };
    throw invalid("claim_minutes", `must be left out beside status ${status}, which ends a claim`);
  }
  if (minutes !== undefined) throw invalid("release", "cannot go with claim_minutes; do one of the two");
  if (claim === undefined && !isPersonAsked)
    throw invalid("claim", "must be given with release: the number of the claim to end");
  return { release };
}

/**
 * What of a task was given a value and what was emptied, such as `changed title, due · cleared tags`; of one that is claimed, which
 * its holder is to work on, how its description begins.
 */
function describeEdit(asked: z.output<typeof input>, { description }: Task): string {
  const { claim_next: count, ...edit } = asked;
  const cleared = new Set(edit.clear);
  return [
    isClaim(asked) && tellBeginning(description),
    count === undefined && fieldsGiven(edit).length > 0 && `changed ${fieldsGiven(edit).join(", ")}`,
    cleared.size > 0 && `cleared ${[...cleared].join(", ")}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @throws ApplicationError `invalid_input` for a field that says what is to be done beside an undo */
function requireUndoAlone(given: object): void {
  const others = Object.entries(given).flatMap(([field, value]) =>
    value === undefined || value === false || BESIDE_UNDO.includes(field) ? [] : [field],
  );
  if (others.length > 0) {
    throw invalid("undo", `takes a whole change back: leave out ${others.join(", ")}, or undo`);
  }
}

/** @throws ApplicationError `invalid_input` where nothing is to change, or a field is both given a value and emptied */
function requireChange({ clear = [], ...edit }: TaskEdit): void {
  const both = clear.find((field) => edit[field] !== undefined);
  if (both !== undefined) throw invalid("clear", `names ${both}, which is also given a value; do one of the two`);
  if (isEdit({ clear, ...edit })) return;
  const [last, ...others] = Object.keys(taskFields).toReversed();
  throw invalid(
    "",
    `Give at least one field to change: ${others.toReversed().join(", ")} or ${last}. To empty fields, name them in clear`,
  );
}

function isEdit({ clear = [], ...edit }: TaskEdit): boolean {
  return clear.length > 0 || fieldsGiven(edit).length > 0;
}

function fieldsGiven(edit: TaskEdit): string[] {
  return Object.values(namesOf(taskFields)).filter((name) => edit[name] !== undefined);
}

function invalid(field: string, message: string): ApplicationError {
  return new ApplicationError("invalid_input", `${field} ${message}`.trim(), { fields: [{ field, message }] });
}
