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
  /** Of a task that was made as one of its series was completed: the id of that one. */
  readonly follows: number | undefined;
  /** Whether the task is no longer kept whole: its title may be cut, its description and tags are left out. */
  readonly isShortened: boolean;
}

/** Reads what the database has noted of a call's changes (`gather_task_changes`), its moments in a person's time zone. */
export function readTaskChanges(outcome: readonly unknown[], timeZone: string): TaskChange[] {
  const changes = z.array(taskChangeSchema).parse(outcome);
  const followed = (task: z.output<typeof taskRowSchema>) =>
    changes.find(
      ({ task: { series, occurrence } }) => series === task.series && occurrence === (task.occurrence ?? 0) - 1,
    );
  return changes.map(({ operation, completed, shortened, task }) => ({
    operation,
    isCompletion: completed,
    follows: operation === "insert" && task.series !== null ? followed(task)?.task.id : undefined,
    task: toTask(task, timeZone),
    isShortened: shortened,
  }));
}
