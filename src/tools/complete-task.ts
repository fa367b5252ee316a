import * as z from "zod";
import { completeTask } from "../tasks/change-tasks.ts";
import { taskIdSchema } from "../tasks/task.ts";
import { countChange } from "./count-change.ts";
import { taskResultSchema } from "./task-result.ts";
import { taskLine } from "./task-text.ts";
import { defineTool } from "./tool.ts";

export const completeTaskTool = defineTool({
  name: "complete_task",
  title: "Complete task",
  description: "Marks one task as completed. A task that is completed already stays as it is.",
  input: z.strictObject({ task_id: taskIdSchema }),
  output: taskResultSchema,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run({ task_id: id }, { database, caller }) {
    return { tasks: [countChange(await completeTask(database, caller, id))] };
  },
  toText: ({ tasks }) => tasks.map((task) => `Completed ${taskLine(task)}`).join("\n"),
});
