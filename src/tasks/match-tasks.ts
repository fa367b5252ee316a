import { asc, type SQL, sql } from "drizzle-orm";
import { MOST_MATCHED, otherCount } from "../database/matched-tasks.ts";
import type { CallIdentity, UserDatabase } from "../database/user-database.ts";
import { findTasks, tasksFound } from "./find-tasks.ts";
import { type TaskAndClaim, withClaim } from "./get-tasks.ts";
import { toTask } from "./task.ts";
import type { TaskFilter } from "./task-filter.ts";
import { computedColumns, taskColumns, tasks } from "./task-rows.ts";

/** Tasks that a call is about by a filter, and how many its caller believes there are. */
export interface MatchedTasks {
  readonly filter: TaskFilter;
  readonly expectCount: number;
}

/** The ids of the tasks that `keepMatched` has found, in the statements after it. */
export const matchedIds = sql`current_setting('app.matched')::integer[]`;

/**
 * Finds the tasks that fit, once for all statements of a call: after a change they may fit no more. It refuses the call where their
 * number is another, or where a person has said yes to others.
 */
export function keepMatched(userId: number, { filter, expectCount }: MatchedTasks, { versions }: CallIdentity): SQL {
  const found = sql`
    select coalesce(array_agg(task_id order by task_id), '{}')
    from (select task_id from ${fittingOf(userId, filter)} as found limit ${MOST_MATCHED + 1}) as fitting`;
  const shown = versions === undefined ? null : `{${[...versions.keys()].join(",")}}`;
  return sql`select keep_matched((${found}), ${expectCount}::integer, ${shown}::integer[])`;
}

/**
 * Reads the tasks that fit.
 *
 * @throws ApplicationError `conflict` where their number is another
 */
export async function matchTasks(
  database: UserDatabase,
  { filter, expectCount }: MatchedTasks,
): Promise<TaskAndClaim[]> {
  const { results, timeZone } = await database.read((query) => [
    query
      .select({ ...taskColumns, ...computedColumns })
      .from(sql`${fittingOf(database.userId, filter)} as found`)
      .crossJoinLateral(tasksFound(database.userId))
      .orderBy(asc(tasks.id))
      .limit(MOST_MATCHED + 1),
  ]);
  const [rows] = results;
  if (rows.length !== expectCount) throw otherCount(rows.length, expectCount);
  return rows.map((row) => withClaim(toTask(row, timeZone), row.claim));
}

/** The tasks that fit, whichever they are where there are more than a call may change. */
function fittingOf(userId: number, filter: TaskFilter): SQL {
  return findTasks({ userId, filter, order: "created", most: MOST_MATCHED + 1, isExhaustive: true });
}
