import * as z from "zod";
import { createTask } from "../tasks/change-tasks.ts";
import { dueSchema } from "../tasks/due.ts";
import {
  descriptionSchema,
  idempotencyKeySchema,
  prioritySchema,
  statusSchema,
  tagsSchema,
  titleSchema,
} from "../tasks/task.ts";
import { countChange } from "./count-change.ts";
import { resultText, taskResultSchema } from "./task-result.ts";
import { defineTool } from "./tool.ts";

const input = z.strictObject({
  title: titleSchema.describe("What is to be done, in one line."),
  description: descriptionSchema.optional().describe("Anything longer that belongs to the task; Markdown is kept."),
  status: statusSchema.optional().describe("pending unless it has been started or done already."),
  priority: prioritySchema.optional().describe("none unless the person said how much it matters."),
  due: dueSchema
    .optional()
    .describe("A date (2026-11-30: that day, where the person lives) or a date-time with its offset."),
  tags: tagsSchema.optional().describe("Words to find it by, such as groceries."),
  idempotency_key: idempotencyKeySchema
    .optional()
    .describe("Any unique text. Calling again with the same key returns the task made the first time."),
});

export const createTaskTool = defineTool({
  name: "create_task",
  title: "Create task",
  description: "Adds one task to the person's list. To add several, call it once for each.",
  input,
  output: taskResultSchema,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  async run({ idempotency_key: idempotencyKey, ...task }, { database, caller }) {
    const changed = await createTask(database, caller, { ...task, idempotencyKey });
    return {
      tasks: [countChange(changed)],
      ...(!changed.wasCreated && { note: "This key had made it before; nothing was created." }),
    };
  },
  toText: (result) => resultText("Created", result),
});
