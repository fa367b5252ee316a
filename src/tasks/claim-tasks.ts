import { and, eq, sql } from "drizzle-orm";
import { defineStatement, type Value } from "../database/statement.ts";
import type { CallIdentity, UserDatabase } from "../database/user-database.ts";
import { type TasksChanged, tasksOf } from "./change-tasks.ts";
import { claimedFor } from "./lease.ts";
import { carriesAll, dueMoment } from "./list-tasks.ts";
import { isReady } from "./ready.ts";
import { taskOrders } from "./task-order.ts";
import { tasks } from "./task-rows.ts";

/** Claims the first task that is ready and carries all of the tags, a JSON array. */
const claimFirst = defineStatement((query, value: Value<"userId" | "minutes" | "tags">) => {
  const own = eq(tasks.userId, value("userId"));
  const first = query
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(own, ...isReady, sql`(${value("tags")}::jsonb = '[]' or ${carriesAll(value("tags"))})`))
    .orderBy(...taskOrders(dueMoment).ready.by)
    .limit(1);
  return query
    .update(tasks)
    .set(claimedFor(value("minutes")))
    .where(and(own, eq(tasks.id, sql`(${first})`)));
});

/**
 * Claims the next task that is ready: the one that is due first, of those the most urgent, of those the oldest. No two calls take
 * the same, as those of one user follow one another.
 *
 * @param tags only a task that carries all of these
 * @returns no task where none is ready
 */
export async function claimNext(
  database: UserDatabase,
  call: CallIdentity,
  minutes: number,
  tags: readonly string[] = [],
): Promise<TasksChanged> {
  const { userId } = database;
  return tasksOf(await database.changeTasks(call, () => [claimFirst({ userId, minutes, tags: JSON.stringify(tags) })]));
}
