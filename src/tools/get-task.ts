import * as z from "zod";
import { getTask } from "../tasks/change-tasks.ts";
import { taskIdSchema, taskSchema } from "../tasks/task.ts";
import { defineReadingTool } from "./reading-tool.ts";
import { rules } from "./rules.ts";
import { wholeTask } from "./task-text.ts";

export const getTaskTool = defineReadingTool({
  name: "get_task",
  title: "Get task",
  description: `Reads one task of the person's list with everything that is kept of it. ${rules.data}`,
  input: z.strictObject({ task_id: taskIdSchema }),
  example: { task_id: 1 },
  output: z.strictObject({ tasks: z.array(taskSchema) }),
  run: async ({ task_id: id }, database) => ({ tasks: [await getTask(database, id)] }),
  toText: ({ tasks }) => tasks.map(wholeTask).join("\n"),
});
