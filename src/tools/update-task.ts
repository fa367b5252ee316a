import { refusedField } from "../errors.ts";
import { quote } from "../quote.ts";
import { shorten } from "../shorten.ts";
import { updateTasks } from "../tasks/change-several.ts";
import { type TasksChanged, updateTask } from "../tasks/change-tasks.ts";
import { claimNext, leaseClaimed, MOST_CLAIMED } from "../tasks/claim-tasks.ts";
import { tellMaker } from "../tasks/logged-change.ts";
import type { Task } from "../tasks/task.ts";
import { undoChange } from "../tasks/undo-change.ts";
import { namedTasks, requireTasks } from "./call-inputs.ts";
import { tellBeginning } from "./listed-task.ts";
import { matchedBy } from "./match-input.ts";
import { rules } from "./rules.ts";
import { CHANGES_WITHOUT_APPROVAL } from "./tool.ts";
import {
  fieldsGiven,
  isClaim,
  isEdit,
  readLease,
  readTagsAlone,
  requireChange,
  requireUndoAlone,
  type UpdateInput,
  USUAL_LEASE,
  updateInput,
} from "./update-input.ts";
import { defineWritingTool } from "./writing-tool.ts";

/** How much is shown of the last notes of tasks that are claimed, all together, and of each and of its maker's name, as `weigh` counts. */
const NOTES = 400;
const SHORTEST_NOTE = 25;

/** What else says which tasks a call is about. */
const IN_PLACE_OF_IDS = ["match", "claim_next", "undo"];

export const updateTaskTool = defineWritingTool({
  name: "update_task",
  title: "Update task",
  description: `Changes tasks. ${rules.update} ${rules.undo} ${rules.claim} ${rules.failure}`,
  input: updateInput,
  example: { task_ids: [1], due: "2026-12-01T17:00:00", clear: ["tags"] },
  annotations: { destructiveHint: true, idempotentHint: true },
  async run(asked, database, call, options) {
    const { isConfirmed } = options;
    const { task_id: _id, task_ids: _ids, match: _match, expect_count: _count, atomic: _atomic, ...how } = asked;
    const { expected_version: expectedVersion, ...deed } = how;
    const { undo, claim_next: count, claim, claim_minutes: minutes, release, ...rest } = deed;
    const { note: _note, idempotency_key: _key, ...edit } = rest;
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
    const named = namedTasks(asked);
    const matched = matchedBy(asked);
    const isWhole =
      named.length === 0 &&
      matched === undefined &&
      claim !== undefined &&
      expectedVersion === undefined &&
      !isEdit(edit);
    if (isWhole && lease !== undefined) {
      return asRenewed(asked, await leaseClaimed(database, { ...call, claim }, lease));
    }
    const [id, ...others] = matched === undefined ? requireTasks(asked, IN_PLACE_OF_IDS) : [0];
    if (claim !== undefined && lease === undefined && !isEdit(edit)) {
      throw refusedField(
        "invalid_input",
        "claim",
        "says under which claim to act: give what to change too, claim_minutes to renew it, or release",
      );
    }
    if (matched !== undefined && isClaim(asked) && matched.expectCount > MOST_CLAIMED) {
      throw refusedField(
        "invalid_input",
        "expect_count",
        `must be at most ${MOST_CLAIMED} with claim_minutes: a call claims no more`,
      );
    }
    if (lease === undefined || isEdit(edit)) requireChange(edit, matched?.expectCount ?? named.length);
    const updated =
      matched === undefined && others.length === 0
        ? await updateTask(database, call, id, edit, expectedVersion, lease)
        : await updateTasks(database, call, matched ?? named, edit, { ...options, lease });
    return asRenewed(asked, withLastNotes(updated));
  },
  answers: "changed",
  done: (asked) => {
    if (asked.undo !== undefined) return `Undid change ${asked.undo}:`;
    if (isClaim(asked)) return "Claimed";
    return asked.release ? "Released" : "Updated";
  },
  unchanged: "It was so before; nothing was changed.",
  matches: matchedBy,
  asksFor: ({ claim_next: count }) => count,
  describeEdit,
  isClaim,
});

/** Adds the note that came last with each claimed task, in the order of the tasks: their holder goes on from it. */
function withLastNotes(claimed: TasksChanged) {
  const { tasks, lastNotes = [] } = claimed;
  if (lastNotes.length === 0) return claimed;
  const longest = Math.max(SHORTEST_NOTE, NOTES / lastNotes.length);
  const notes = new Map(lastNotes.map((last) => [last.taskId, last]));
  const told = tasks.flatMap(({ id }) => {
    const last = notes.get(id);
    if (last === undefined) return [];
    const maker = tellMaker({ by: shorten(last.by, SHORTEST_NOTE), via: last.via });
    return [[id, `last note ${quote(shorten(last.note, longest))} ${maker} in change ${last.change}`] as const];
  });
  return { ...claimed, remarks: new Map(told), comment: told.map(([id, note]) => `#${id}: ${note}.`).join(" ") };
}

function asRenewed({ claim_minutes: minutes, claim }: UpdateInput, updated: TasksChanged) {
  const isRenewed = minutes !== undefined && claim !== undefined && updated.changes.length === 0;
  return isRenewed && updated.tasks.length > 0 ? { ...updated, comment: "Claim renewed:" } : updated;
}

/**
 * What of a task was given a value and what was emptied, such as `changed title, due · cleared tags`; of one that is claimed, which
 * its holder is to work on, how its description begins.
 */
function describeEdit(asked: UpdateInput, { description }: Task): string {
  const { claim_next: count, ...edit } = asked;
  const cleared = new Set(edit.clear);
  return [
    isClaim(asked) && tellBeginning(description),
    count === undefined && fieldsGiven(edit).length > 0 && `changed ${fieldsGiven(edit).join(", ")}`,
    edit.add_tags !== undefined && `added tags ${edit.add_tags.map(quote).join(", ")}`,
    edit.remove_tags !== undefined && `removed tags ${edit.remove_tags.map(quote).join(", ")}`,
    edit.append !== undefined && "appended to description",
    cleared.size > 0 && `cleared ${[...cleared].join(", ")}`,
  ]
    .filter(Boolean)
    .join(" · ");
}
