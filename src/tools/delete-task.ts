import * as z from "zod";
import { deleteTasks } from "../tasks/change-several.ts";
import { deleteTask } from "../tasks/change-tasks.ts";
import { endingInputs, namesTask, refusedWithoutTask, requireTasks, taskInputs } from "./call-inputs.ts";
import { rules } from "./rules.ts";
import { defineWritingTool } from "./writing-tool.ts";

export const deleteTaskTool = defineWritingTool({
  name: "delete_task",
  title: "Delete task",
  description: `Deletes tasks. ${rules.delete}`,
  input: z
    .strictObject({
      ...taskInputs,
      ...endingInputs,
    })
    .refine(namesTask, refusedWithoutTask),
  example: { task_ids: [1, 2] },
  annotations: { destructiveHint: true, idempotentHint: true },
  run(asked, database, call, options) {
    const [first, ...others] = requireTasks(asked);
    return others.length === 0
      ? deleteTask(database, call, first, asked.expected_version)
      : deleteTasks(database, call, [first, ...others], options);
  },
  confirm: () => true,
  answers: "ended",
  done: () => "Deleted",
});
