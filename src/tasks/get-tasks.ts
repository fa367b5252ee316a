import type { UserDatabase } from "../database/user-database.ts";
import { found } from "../errors.ts";
import { selectTask } from "./select-task.ts";
import { type Task, toTask } from "./task.ts";

/** A task, and the number of its claim while that is live. */
export interface TaskAndClaim {
  readonly task: Task;
  readonly claim: number | undefined;
}

/**
 * Reads tasks, in the order of their ids as they are given.
 *
 * @throws ApplicationError `not_found` for a task that does not exist or is another user's
 */
export async function getTasks(database: UserDatabase, ids: readonly number[]): Promise<TaskAndClaim[]> {
  const [first, ...others] = ids.map((id) => selectTask({ userId: database.userId, id }));
  if (first === undefined) return [];
  const { results, timeZone } = await database.read(() => [first, ...others]);
  return results.map(([selected]) => {
    const row = found(selected, "Task");
    const task = toTask(row, timeZone);
    return { task, claim: task.claimed_until === undefined ? undefined : (row.claim ?? undefined) };
  });
}
