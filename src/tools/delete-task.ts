import * as z from "zod";
import { deleteTask } from "../tasks/change-tasks.ts";
import { taskIdSchema } from "../tasks/task.ts";
import { rules } from "./rules.ts";
import { callInputs, claimInput, defineWritingTool, expectedVersionSchema } from "./writing-tool.ts";

export const deleteTaskTool = defineWritingTool({
  name: "delete_task",
  title: "Delete task",
  description: `Deletes one task, and answers it as it was. ${rules.delete}`,
  input: z.strictObject({
    task_id: taskIdSchema,
    expected_version: expectedVersionSchema,
    claim: claimInput,
    ...callInputs,
  }),
  example: { task_id: 1 },
  annotations: { destructiveHint: true, idempotentHint: true },
  run: ({ task_id: id, expected_version: expected }, database, call) => deleteTask(database, call, id, expected),
  confirm: () => true,
  done: () => "Deleted",
});
