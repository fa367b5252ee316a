import * as z from "zod";
import { ApplicationError } from "../errors.ts";
import { type TaskEdit, updateTask } from "../tasks/change-tasks.ts";
import { namesOf, optionalInputs, pluck } from "../tasks/field-table.ts";
import { taskIdSchema } from "../tasks/task.ts";
import { taskFields } from "../tasks/task-fields.ts";
import { undoChange } from "../tasks/undo-change.ts";
import { rules } from "./rules.ts";
import { CHANGES_WITHOUT_APPROVAL } from "./tool.ts";
import { callInputs, defineWritingTool, expectedVersionSchema } from "./writing-tool.ts";

const clearableSchema = z.enum(namesOf(pluck(taskFields, "empty")));

/** What goes with an undo. */
const BESIDE_UNDO: readonly string[] = ["undo", ...Object.keys(callInputs)];

const input = z.strictObject({
  task_id: taskIdSchema.optional().describe("The task's id; left out with undo alone."),
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
    .describe("In place of all but note: the number of a change to undo, whatever it did."),
  ...callInputs,
});

export const updateTaskTool = defineWritingTool({
  name: "update_task",
  title: "Update task",
  description: `Changes one task. ${rules.update} ${rules.undo} ${rules.failure}`,
  input,
  example: { task_id: 1, due: "2026-12-01T17:00:00", clear: ["tags"] },
  annotations: { destructiveHint: true, idempotentHint: true },
  run(given, database, call, { isConfirmed }) {
    const { task_id: id, expected_version: expectedVersion, undo, note: _note, idempotency_key: _key, ...edit } = given;
    if (undo !== undefined) {
      requireUndoAlone(given);
      return undoChange(database, call, undo, isConfirmed === false ? CHANGES_WITHOUT_APPROVAL : undefined);
    }
    if (id === undefined) throw invalid("task_id", "is required");
    requireChange(edit);
    return updateTask(database, call, id, edit, expectedVersion);
  },
  done: ({ undo }) => (undo === undefined ? "Updated" : `Undid change ${undo}:`),
  unchanged: "It was so before; nothing was changed.",
  describeEdit,
});

/** What of a task was given a value and what was emptied, such as `changed title, due · cleared tags`. */
function describeEdit(edit: TaskEdit): string {
  const cleared = new Set(edit.clear);
  return [
    fieldsGiven(edit).length > 0 && `changed ${fieldsGiven(edit).join(", ")}`,
    cleared.size > 0 && `cleared ${[...cleared].join(", ")}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @throws ApplicationError `invalid_input` for a field that says what is to be done beside an undo */
function requireUndoAlone(given: object): void {
  const others = Object.entries(given).flatMap(([field, value]) =>
    value === undefined || BESIDE_UNDO.includes(field) ? [] : [field],
  );
  if (others.length > 0) {
    throw invalid("undo", `takes a whole change back: leave out ${others.join(", ")}, or undo`);
  }
}

/** @throws ApplicationError `invalid_input` where nothing is to change, or a field is both given a value and emptied */
function requireChange({ clear = [], ...edit }: TaskEdit): void {
  const both = clear.find((field) => edit[field] !== undefined);
  if (both !== undefined) throw invalid("clear", `names ${both}, which is also given a value; do one of the two`);
  if (clear.length > 0 || fieldsGiven(edit).length > 0) return;
  const [last, ...others] = Object.keys(taskFields).toReversed();
  throw invalid(
    "",
    `Give at least one field to change: ${others.toReversed().join(", ")} or ${last}. To empty fields, name them in clear`,
  );
}

function fieldsGiven(edit: TaskEdit): string[] {
  return Object.values(namesOf(taskFields)).filter((name) => edit[name] !== undefined);
}

function invalid(field: string, message: string): ApplicationError {
  return new ApplicationError("invalid_input", `${field} ${message}`.trim(), { fields: [{ field, message }] });
}
