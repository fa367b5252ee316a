import { and, asc, eq, inArray, isNotNull, type Placeholder, sql } from "drizzle-orm";
import { lostClaim } from "../database/claim-conflict.ts";
import { taskChanges } from "../database/schema.ts";
import { defineStatement, type QueryBuilder, type Value } from "../database/statement.ts";
import type { CallIdentity, UserDatabase } from "../database/user-database.ts";
import { type TasksChanged, tasksOf } from "./change-tasks.ts";
import { findTasks, tasksFound } from "./find-tasks.ts";
import { selectLastNotes } from "./last-notes.ts";
import { claimedFor, type Lease, leaseColumns } from "./lease.ts";
import { openStatuses } from "./ready.ts";
import { type Task, toTask } from "./task.ts";
import { taskFields } from "./task-fields.ts";
import { taskOrders } from "./task-order.ts";
import { computedColumns, taskColumns, tasks } from "./task-rows.ts";

/** How many tasks a call claims at most. */
export const MOST_CLAIMED = 25;

/** Claims the first tasks that are ready and carry all of the tags, so many at most. */
function claimFirst(
  query: QueryBuilder,
  {
    userId,
    tags,
    count,
    minutes,
  }: Record<"userId" | "count" | "minutes", number | Placeholder> & { tags?: readonly string[] },
) {
  const filter = { statuses: openStatuses, isReady: true, tags };
  const found = findTasks({ userId, filter, order: "ready", most: MOST_CLAIMED, isExhaustive: true });
  const first = sql`array(select found.task_id from ${found} as found cross join lateral ${tasksFound(userId)}
    order by ${sql.join(taskOrders.ready.by, sql`, `)} limit ${count})`;
  return query
    .update(tasks)
    .set(claimedFor(minutes))
    .where(and(eq(tasks.userId, userId), sql`${tasks.id} = any(${first})`));
}

const claimFirstOfAll = defineStatement((query, value: Value<"userId" | "count" | "minutes">) =>
  claimFirst(query, { userId: value("userId"), count: value("count"), minutes: value("minutes") }),
);

/**
 * Claims the next tasks that are ready: those that are due first, of those the most urgent, of those the oldest. No two calls take
 * the same, as those of one user follow one another.
 *
 * @param count how many at most
 * @param tags only tasks that carry all of these
 * @returns them in that order; none where none is ready
 */
export async function claimNext(
  database: UserDatabase,
  call: CallIdentity,
  { count, minutes, tags = [] }: { count: number; minutes: number; tags: readonly string[] | undefined },
): Promise<TasksChanged> {
  const { userId } = database;
  const claimed = await database.changeTasks(call, (query) => [
    tags.length === 0
      ? claimFirstOfAll({ userId, count, minutes })
      : claimFirst(query, { userId, count, minutes, tags }),
    selectLastNotes({ userId }),
  ]);
  const { tasks, ...answer } = tasksOf(claimed);
  return { ...answer, tasks: tasks.toSorted(inOrderOfReady), lastNotes: claimed.results?.[1] };
}

/**
 * Renews or ends a claim for all tasks that are still held under it: those of the call's claim.
 *
 * @throws ApplicationError `conflict` where it holds of none
 */
export async function leaseClaimed(
  database: UserDatabase,
  call: CallIdentity & { readonly claim: number },
  lease: Lease,
): Promise<TasksChanged> {
  const { userId } = database;
  const { claim } = call;
  const isClaimed = (query: QueryBuilder) => {
    const taken = query
      .select({ id: taskChanges.taskId })
      .from(taskChanges)
      .where(and(eq(taskChanges.userId, userId), eq(taskChanges.change, claim)));
    return and(eq(tasks.userId, userId), eq(tasks.claim, claim), isNotNull(tasks.claimedBy), inArray(tasks.id, taken));
  };
  const leased = await database.changeTasks(call, (query) => [
    query.update(tasks).set(leaseColumns(lease, true)).where(isClaimed(query)),
    query
      .select({ ...taskColumns, ...computedColumns })
      .from(tasks)
      .where(isClaimed(query))
      .orderBy(asc(tasks.id)),
  ]);
  const answer = tasksOf(leased);
  if (answer.changes.length > 0) return answer;
  const held = leased.results?.[1] ?? [];
  if (held.length === 0) throw lostClaim(undefined, claim);
  return { ...answer, tasks: held.map((row) => toTask(row, leased.timeZone)) };
}

/** As `taskOrders` has it, of tasks as they are shown: by the person's clock. */
function inOrderOfReady(one: Task, other: Task): number {
  const [due, otherDue] = [startOf(one), startOf(other)];
  if (due !== otherDue) return due < otherDue ? -1 : 1;
  return rankOf(other) - rankOf(one) || one.id - other.id;
}

function startOf({ due = "~" }: Task): string {
  return (due.includes("T") ? due : `${due}T00:00:00`).slice(0, "2026-11-28T15:00:00".length);
}

function rankOf({ priority }: Task): number {
  return taskFields.priority.input.options.indexOf(priority);
}
