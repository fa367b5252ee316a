import { metrics } from "../observability/metrics.ts";
import type { ChangedTask } from "../tasks/change-tasks.ts";
import type { Task } from "../tasks/task.ts";

/** Counts what was done to a task, and answers the task. */
export function countChange({ task, wasCreated, wasCompleted }: ChangedTask): Task {
  if (wasCreated) metrics.count("tasks_created_total", {});
  if (wasCompleted) metrics.count("tasks_completed_total", {});
  return task;
}
