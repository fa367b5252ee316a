import * as z from "zod";
import { type Task, toTask } from "./task.ts";
import { taskRowSchema } from "./task-rows.ts";

const taskChangeSchema = z.object({
  operation: z.enum(["insert", "update", "delete"]),
  completed: z.boolean(),
  shortened: z.boolean().default(false),
  task: taskRowSchema,
});

/** What a call did to a task. */
export interface TaskChange {
  readonly operation: "insert" | "update" | "delete";
  /** Whether it is completed by that, and was not before. */
  readonly isCompletion: boolean;
  /** As the call left it, or as it was before it was deleted. */
  readonly task: Task;
  /** Whether the task is no longer kept whole: its title may be cut, its description and tags are left out. */
  readonly isShortened: boolean;
}

/** Reads what the database has noted of a call's changes (`gather_task_changes`), its moments in a person's time zone. */
export function readTaskChanges(outcome: readonly unknown[], timeZone: string): TaskChange[] {
  return z
    .array(taskChangeSchema)
    .parse(outcome)
    .map(({ operation, completed, shortened, task }) => ({
      operation,
      isCompletion: completed,
      task: toTask(task, timeZone),
      isShortened: shortened,
    }));
}
