import * as z from "zod";
import { completeTask } from "../tasks/change-tasks.ts";
import { taskIdSchema } from "../tasks/task.ts";
import { callInputs, defineWritingTool } from "./writing-tool.ts";

export const completeTaskTool = defineWritingTool({
  name: "complete_task",
  title: "Complete task",
  description: "Marks one task as completed. A task that is completed already stays as it is.",
  input: z.strictObject({ task_id: taskIdSchema, ...callInputs }),
  example: { task_id: 1 },
  annotations: { destructiveHint: false, idempotentHint: true },
  run: ({ task_id: id }, database, call) => completeTask(database, call, id),
  done: "Completed",
  unchanged: "It was completed before; nothing was changed.",
});
