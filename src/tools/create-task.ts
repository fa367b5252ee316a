import * as z from "zod";
import { createTask } from "../tasks/change-tasks.ts";
import { dueSchema } from "../tasks/due.ts";
import { descriptionSchema, prioritySchema, statusSchema, tagsSchema, titleSchema } from "../tasks/task.ts";
import { rules } from "./rules.ts";
import { defineWritingTool, keySchema } from "./writing-tool.ts";

const input = z.strictObject({
  title: titleSchema.describe("What is to be done, in one line."),
  description: descriptionSchema.optional().describe("Anything longer, up to 10,000 characters; Markdown is kept."),
  status: statusSchema.optional().describe("pending unless it has been started or done already."),
  priority: prioritySchema.optional().describe("none unless the person said how much it matters."),
  due: dueSchema.optional().describe(rules.due),
  tags: tagsSchema.optional().describe("Words to find it by, such as groceries."),
  idempotency_key: keySchema,
});

export const createTaskTool = defineWritingTool({
  name: "create_task",
  title: "Create task",
  description: "Adds one task to the person's list. To add several, call it once for each.",
  input,
  annotations: { destructiveHint: false, idempotentHint: false },
  run: ({ idempotency_key: _, ...task }, database, call) => createTask(database, call, task),
  done: "Created",
});
