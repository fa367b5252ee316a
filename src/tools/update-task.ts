import * as z from "zod";
import { ApplicationError } from "../errors.ts";
import { type TaskChanges, updateTask } from "../tasks/change-tasks.ts";
import { dueSchema } from "../tasks/due.ts";
import {
  descriptionSchema,
  prioritySchema,
  statusSchema,
  tagsSchema,
  taskIdSchema,
  titleSchema,
} from "../tasks/task.ts";
import { countChange } from "./count-change.ts";
import { resultText, taskResultSchema } from "./task-result.ts";
import { defineTool } from "./tool.ts";

const CLEARED = { description: "", priority: "none", due: null, tags: [] } as const satisfies TaskChanges;

const CHANGEABLE = [
  "title",
  "description",
  "status",
  "priority",
  "due",
  "tags",
] as const satisfies (keyof TaskChanges)[];

const clearableSchema = z.enum(["description", "priority", "due", "tags"]);

const input = z.strictObject({
  task_id: taskIdSchema,
  title: titleSchema.optional().describe("The new title."),
  description: descriptionSchema.optional().describe("The new description, in place of the old one."),
  status: statusSchema.optional().describe("The new status; pending reopens a finished task."),
  priority: prioritySchema.optional().describe("The new priority."),
  due: dueSchema.optional().describe("A date (2026-11-30) or a date-time with its offset."),
  tags: tagsSchema.optional().describe("The new tags, in place of all the old ones."),
  clear: z.array(clearableSchema).max(clearableSchema.options.length).optional().describe("Fields to empty."),
  expected_version: z
    .int()
    .min(1)
    .max(2_147_483_647)
    .optional()
    .describe("Change it only if this is still its version."),
});

export const updateTaskTool = defineTool({
  name: "update_task",
  title: "Update task",
  description: "Changes the fields that are given of one task and leaves the others as they are.",
  input,
  output: taskResultSchema,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async run({ task_id: id, expected_version: expectedVersion, clear = [], ...changes }, { database, caller }) {
    const merged = mergeChanges(changes, clear);
    return { tasks: [countChange(await updateTask(database, caller, id, merged, expectedVersion))] };
  },
  toText: (result, changes) => resultText("Updated", result, describeChanges(changes)),
});

/** What of a task was given a value and what was emptied, such as `changed title, due · cleared tags`. */
function describeChanges({ clear = [], ...changes }: z.output<typeof input>): string {
  const changed = CHANGEABLE.filter((field) => changes[field] !== undefined);
  return [
    changed.length > 0 && `changed ${changed.join(", ")}`,
    clear.length > 0 && `cleared ${[...new Set(clear)].join(", ")}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function mergeChanges(
  changes: Omit<TaskChanges, "clear">,
  clear: readonly z.output<typeof clearableSchema>[],
): TaskChanges {
  const both = clear.find((field) => changes[field] !== undefined);
  if (both !== undefined) throw invalid("clear", `names ${both}, which is also given a value; do one of the two`);
  if (clear.length === 0 && Object.values(changes).every((value) => value === undefined)) {
    throw invalid("", "Give at least one field to change: title, description, status, priority, due, tags or clear");
  }
  const cleared: TaskChanges = Object.fromEntries(clear.map((field) => [field, CLEARED[field]]));
  return { ...changes, ...cleared };
}

function invalid(field: string, message: string): ApplicationError {
  return new ApplicationError("invalid_input", `${field} ${message}`.trim(), { fields: [{ field, message }] });
}
