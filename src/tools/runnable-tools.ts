import { completeTaskTool } from "./complete-task.ts";
import { createTaskTool } from "./create-task.ts";
import { deleteTaskTool } from "./delete-task.ts";
import { getTaskTool } from "./get-task.ts";
import { listTasksTool } from "./list-tasks.ts";
import type { RunnableTool } from "./tool.ts";
import { toolNameOf } from "./tool-input.ts";
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

const byName: ReadonlyMap<string, RunnableTool> = new Map(runnableTools.map((tool) => [tool.name, tool]));

/** The tool that a name means, whatever a model has put before it: nearly always nothing. */
export function runnableToolCalled(name: string): RunnableTool | undefined {
  return byName.get(name) ?? byName.get(toolNameOf(name));
}
