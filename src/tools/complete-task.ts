import * as z from "zod";
import { completeTask } from "../tasks/change-tasks.ts";
import { taskIdSchema } from "../tasks/task.ts";
import { callInputs, claimInput, defineWritingTool, expectedVersionSchema } from "./writing-tool.ts";

export const completeTaskTool = defineWritingTool({
  name: "complete_task",
  title: "Complete task",
  description: "Marks one task as completed. A task that is completed already stays as it is.",
  input: z.strictObject({
    task_id: taskIdSchema,
    expected_version: expectedVersionSchema,
    claim: claimInput,
    ...callInputs,
  }),
  example: { task_id: 1 },
  annotations: { destructiveHint: false, idempotentHint: true },
  run: ({ task_id: id, expected_version: expected }, database, call) => completeTask(database, call, id, expected),
  done: () => "Completed",
  unchanged: "It was completed before; nothing was changed.",
});
