import * as z from "zod";
import { createTask } from "../tasks/change-tasks.ts";
import { optionalInputs } from "../tasks/field-table.ts";
import { taskFields } from "../tasks/task-fields.ts";
import { callInputs } from "./call-inputs.ts";
import { defineWritingTool } from "./writing-tool.ts";

const { title, ...rest } = taskFields;

const input = z.strictObject({
  title: title.input.describe(title.create),
  ...optionalInputs(rest, "create"),
  ...callInputs,
});

export const createTaskTool = defineWritingTool({
  name: "create_task",
  title: "Create task",
  description: "Adds one task to the person's list. To add several, call it once for each.",
  input,
  example: { title: "Call the dentist", due: "2026-11-30", priority: "high", tags: ["health"] },
  annotations: { destructiveHint: false, idempotentHint: false },
  run: ({ note: _note, idempotency_key: _key, ...task }, database, call) => createTask(database, call, task),
  done: () => "Created",
});
