import * as z from "zod";
import { deleteTask } from "../tasks/change-tasks.ts";
import { taskIdSchema } from "../tasks/task.ts";
import { resultText, taskResultSchema } from "./task-result.ts";
import { defineTool } from "./tool.ts";

export const deleteTaskTool = defineTool({
  name: "delete_task",
  title: "Delete task",
  description:
    "Deletes one task for good; it cannot be brought back. Use complete_task for work that is done, and " +
    "update_task with status cancelled for work that is given up.",
  input: z.strictObject({ task_id: taskIdSchema }),
  output: taskResultSchema.describe("The task as it was."),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async run({ task_id: id }, { database, caller }) {
    return { tasks: [await deleteTask(database, caller, id)] };
  },
  toText: (result) => resultText("Deleted", result),
});
