import { completeTaskTool } from "./complete-task.ts";
import { createTaskTool } from "./create-task.ts";
import { deleteTaskTool } from "./delete-task.ts";
import { getTaskTool } from "./get-task.ts";
import { listTasksTool } from "./list-tasks.ts";
import type { RunnableTool } from "./tool.ts";
import { updateTaskTool } from "./update-task.ts";

/** Every tool there is, in the order in which they are listed, for the gate to run. */
export const runnableTools: readonly RunnableTool[] = [
  createTaskTool,
  listTasksTool,
  getTaskTool,
  updateTaskTool,
  completeTaskTool,
  deleteTaskTool,
];
