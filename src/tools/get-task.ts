import * as z from "zod";
import { getTask } from "../tasks/change-tasks.ts";
import { taskIdSchema } from "../tasks/task.ts";
import { taskResultSchema } from "./task-result.ts";
import { wholeTask } from "./task-text.ts";
import { defineTool } from "./tool.ts";

export const getTaskTool = defineTool({
  name: "get_task",
  title: "Get task",
  description: "Reads one task of the person's list with everything that is kept of it.",
  input: z.strictObject({ task_id: taskIdSchema }),
  output: taskResultSchema,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run({ task_id: id }, { database, caller }) {
    return { tasks: [await getTask(database, caller, id)] };
  },
  toText: ({ tasks }) => tasks.map(wholeTask).join("\n"),
});
