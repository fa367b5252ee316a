import { and, desc, eq, isNotNull, lt, sql } from "drizzle-orm";
import { changes, taskChanges } from "../database/schema.ts";
import { defineStatement, type Value } from "../database/statement.ts";
import { tellsWho } from "./task-history.ts";
import { tasks } from "./task-rows.ts";

/** The note that came last with a change of a task but for claims of it, for who takes the task over. */
export interface LastNote {
  readonly taskId: number;
  readonly change: number;
  readonly note: string;
  readonly by: string;
  readonly via: string;
}

/** How many of a task's changes are looked at. */
const LATEST = 50;

/** Selects the last notes of the tasks that the call claims, in the batch of the call and after it has claimed them. */
export const selectLastNotes = defineStatement((query, value: Value<"userId">) => {
  const latest = query
    .select({
      change: taskChanges.change,
      isClaim: sql<boolean>`${taskChanges.operation} = 'update' and ${taskChanges.after} ? 'claim'`.as("is_claim"),
    })
    .from(taskChanges)
    .where(
      and(
        eq(taskChanges.userId, tasks.userId),
        eq(taskChanges.taskId, tasks.id),
        lt(taskChanges.change, tasks.lastChange),
      ),
    )
    .orderBy(desc(taskChanges.change))
    .limit(LATEST)
    .as("latest");
  const last = query
    .select({ change: changes.change, note: sql<string>`${changes.note}`.as("note"), by: tellsWho, via: changes.via })
    .from(changes)
    .innerJoin(latest, eq(changes.change, latest.change))
    // What came with a claim says what its holder was about to do, and not what was left.
    .where(and(eq(changes.userId, tasks.userId), isNotNull(changes.note), sql`${latest.isClaim} is not true`))
    .orderBy(desc(changes.change))
    .limit(1)
    .as("last");
  return query
    .select({ taskId: tasks.id, change: last.change, note: last.note, by: last.by, via: last.via })
    .from(tasks)
    .crossJoinLateral(last)
    .where(
      and(
        eq(tasks.userId, value("userId")),
        eq(tasks.lastChange, sql`current_setting('app.change')::bigint`),
        eq(tasks.claim, tasks.lastChange),
      ),
    );
});
