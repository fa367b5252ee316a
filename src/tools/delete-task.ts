import * as z from "zod";
import { deleteTask } from "../tasks/change-tasks.ts";
import { taskIdSchema } from "../tasks/task.ts";
import { defineWritingTool, keySchema } from "./writing-tool.ts";

export const deleteTaskTool = defineWritingTool({
  name: "delete_task",
  title: "Delete task",
  description:
    "Deletes one task for good; it cannot be brought back. Use complete_task for work that is done, and " +
    "update_task with status cancelled for work that is given up. Answers the task as it was.",
  input: z.strictObject({ task_id: taskIdSchema, idempotency_key: keySchema }),
  annotations: { destructiveHint: true, idempotentHint: true },
  run: ({ task_id: id }, database, call) => deleteTask(database, call, id),
  done: "Deleted",
});
