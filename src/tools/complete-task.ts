import * as z from "zod";
import { completeTasks } from "../tasks/change-several.ts";
import { completeTask } from "../tasks/change-tasks.ts";
import { endingInputs, namesTask, refusedWithout, requireTasks, taskInputs } from "./call-inputs.ts";
import { checkMatch, matchedBy, matchInputs } from "./match-input.ts";
import { defineWritingTool } from "./writing-tool.ts";

export const completeTaskTool = defineWritingTool({
  name: "complete_task",
  title: "Complete task",
  description: "Marks tasks as completed. One that is completed already stays as it is.",
  input: z
    .strictObject({
      ...taskInputs,
      ...matchInputs,
      ...endingInputs,
    })
    .refine((asked) => namesTask(asked) || asked.match !== undefined, refusedWithout("task_ids", "match"))
    .superRefine(checkMatch),
  example: { task_ids: [1, 2] },
  annotations: { destructiveHint: false, idempotentHint: true },
  run(asked, database, call, options) {
    const matched = matchedBy(asked);
    if (matched !== undefined) return completeTasks(database, call, matched, options);
    const [first, ...others] = requireTasks(asked);
    return others.length === 0
      ? completeTask(database, call, first, asked.expected_version)
      : completeTasks(database, call, [first, ...others], options);
  },
  matches: matchedBy,
  answers: "ended",
  done: () => "Completed",
  unchanged: "It was completed before; nothing was changed.",
});
