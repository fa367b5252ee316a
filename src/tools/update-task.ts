import * as z from "zod";
import { ApplicationError } from "../errors.ts";
import { type TaskEdit, updateTask } from "../tasks/change-tasks.ts";
import { dueSchema } from "../tasks/due.ts";
import {
  descriptionSchema,
  prioritySchema,
  statusSchema,
  tagsSchema,
  taskIdSchema,
  titleSchema,
} from "../tasks/task.ts";
import { rules } from "./rules.ts";
import { defineWritingTool, keySchema } from "./writing-tool.ts";

const CLEARED = { description: "", priority: "none", due: null, tags: [] } as const satisfies TaskEdit;

const CHANGEABLE = ["title", "description", "status", "priority", "due", "tags"] as const satisfies (keyof TaskEdit)[];

const clearableSchema = z.enum(["description", "priority", "due", "tags"]);

const input = z.strictObject({
  task_id: taskIdSchema,
  title: titleSchema.optional().describe("The new title."),
  description: descriptionSchema.optional().describe("The new description, in place of the old one."),
  status: statusSchema.optional().describe("The new status; pending reopens a finished task."),
  priority: prioritySchema.optional().describe("The new priority."),
  due: dueSchema.optional().describe(rules.due),
  tags: tagsSchema.optional().describe("The new tags, in place of all the old ones."),
  clear: z
    .array(clearableSchema)
    .max(clearableSchema.options.length)
    .optional()
    .describe("Fields to empty; an empty value empties nothing."),
  expected_version: z
    .int()
    .min(1)
    .max(2_147_483_647)
    .optional()
    .describe("Change it only if this is still its version."),
  idempotency_key: keySchema,
});

export const updateTaskTool = defineWritingTool({
  name: "update_task",
  title: "Update task",
  description: `Changes one task. ${rules.update} ${rules.failure}`,
  input,
  annotations: { destructiveHint: true, idempotentHint: true },
  run({ task_id: id, expected_version: expectedVersion, clear = [], idempotency_key: _, ...edit }, database, call) {
    return updateTask(database, call, id, mergeEdit(edit, clear), expectedVersion);
  },
  done: "Updated",
  describeEdit,
});

/** What of a task was given a value and what was emptied, such as `changed title, due · cleared tags`. */
function describeEdit({ clear = [], ...edit }: z.output<typeof input>): string {
  const changed = CHANGEABLE.filter((field) => edit[field] !== undefined);
  return [
    changed.length > 0 && `changed ${changed.join(", ")}`,
    clear.length > 0 && `cleared ${[...new Set(clear)].join(", ")}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function mergeEdit(edit: TaskEdit, clear: readonly z.output<typeof clearableSchema>[]): TaskEdit {
  const both = clear.find((field) => edit[field] !== undefined);
  if (both !== undefined) throw invalid("clear", `names ${both}, which is also given a value; do one of the two`);
  if (clear.length === 0 && Object.values(edit).every((value) => value === undefined)) {
    throw invalid(
      "",
      "Give at least one field to change: title, description, status, priority, due or tags. To empty fields, name them in clear",
    );
  }
  const cleared: TaskEdit = Object.fromEntries(clear.map((field) => [field, CLEARED[field]]));
  return { ...edit, ...cleared };
}

function invalid(field: string, message: string): ApplicationError {
  return new ApplicationError("invalid_input", `${field} ${message}`.trim(), { fields: [{ field, message }] });
}
