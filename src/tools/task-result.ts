import * as z from "zod";
import { type Task, taskSchema } from "../tasks/task.ts";
import { taskLine } from "./task-text.ts";

/** What every tool that changes tasks answers. */
export const taskResultSchema = z.strictObject({
  tasks: z.array(taskSchema),
  replayed: z
    .literal(true)
    .optional()
    .describe("The idempotency_key was used before: this is what that call did, and nothing was done now."),
  change: z.int().min(1).optional().describe("The number of this change; absent where nothing changed."),
  note: z.string().optional().describe("What else there is to know, such as that nothing was changed."),
});

/**
 * What was done, a line for each task, and behind them the number of the change; the note in place of the verb where there
 * is one, and alone where no task is answered.
 *
 * @param verb such as `Created`
 * @param describe what of a task was changed
 * @param isClaim whether the change's number is that of a claim too
 */
export function resultText(
  verb: string,
  { tasks, note = verb, change }: z.output<typeof taskResultSchema>,
  describe: (task: Task) => string,
  isClaim = false,
): string {
  const lines = tasks.map((task) => [`${note} ${taskLine(task)}`, describe(task)].filter(Boolean).join(" · "));
  const told = lines.length === 0 ? note : lines.join("\n");
  return change === undefined ? told : `${told}${isClaim ? ` · claim ${change}` : ""} · change ${change}`;
}
