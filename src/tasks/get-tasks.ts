import { and, eq, isNull, sql } from "drizzle-orm";
import { defineStatement, type Value } from "../database/statement.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { notFound } from "../errors.ts";
import { wholeColumns } from "./select-task.ts";
import { toWholeTask, type WholeTask } from "./task.ts";
import { tasks } from "./task-rows.ts";

/** A task, and the number of its claim while that is live. */
export interface TaskAndClaim {
  readonly task: WholeTask;
  readonly claim: number | undefined;
}

/** Reads tasks whose ids are a list as Postgres writes one. */
const selectTasks = defineStatement((query, value: Value<"userId" | "ids">) =>
  query
    .select(wholeColumns)
    .from(tasks)
    .where(
      and(
        eq(tasks.userId, value("userId")),
        sql`${tasks.id} = any(${value("ids")}::integer[])`,
        isNull(tasks.deletedAt),
      ),
    ),
);

/**
 * Reads tasks, in the order of their ids as they are given; those that do not exist or are another user's are left out.
 *
 * @throws ApplicationError `not_found` where none is found
 */
export async function getTasks(database: UserDatabase, ids: readonly number[]): Promise<TaskAndClaim[]> {
  if (ids.length === 0) return [];
  const { results, timeZone } = await database.read(() => [
    selectTasks({ userId: database.userId, ids: `{${ids.join(",")}}` }),
  ]);
  const rows = new Map(results[0].map((row) => [row.id, row]));
  const read = ids.flatMap((id): TaskAndClaim[] => {
    const row = rows.get(id);
    if (row === undefined) return [];
    return [withClaim(toWholeTask(row, timeZone), row.claim)];
  });
  if (read.length === 0) throw notFound("Task");
  return read;
}

/** A task with the number of its last claim while that is live. */
export function withClaim(task: WholeTask, claim: number | null): TaskAndClaim {
  return { task, claim: task.claimed_until === undefined ? undefined : (claim ?? undefined) };
}
