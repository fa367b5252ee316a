import * as z from "zod";
import { completeTask } from "../tasks/change-tasks.ts";
import { taskIdSchema } from "../tasks/task.ts";
import { countChange } from "./count-change.ts";
import { resultText, taskResultSchema } from "./task-result.ts";
import { defineTool } from "./tool.ts";

export const completeTaskTool = defineTool({
  name: "complete_task",
  title: "Complete task",
  description: "Marks one task as completed. A task that is completed already stays as it is.",
  input: z.strictObject({ task_id: taskIdSchema }),
  output: taskResultSchema,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run({ task_id: id }, { database, caller }) {
    const changed = await completeTask(database, caller, id);
    return {
      tasks: [countChange(changed)],
      ...(!changed.wasCompleted && { note: "It was completed before; nothing was changed." }),
    };
  },
  toText: (result) => resultText("Completed", result),
});
