import { and, eq, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { QueryBuilder } from "../database/statement.ts";
import { fitting, type TaskFilter } from "./task-filter.ts";
import { tasks } from "./task-rows.ts";

/** What tasks can be counted by: a day is the one on which they are due, or were completed where the filter asks for that. */
export const groupingSchema = z.enum(["status", "tag", "day"]);
export type Grouping = z.output<typeof groupingSchema>;

/** How far tasks are counted, of each status by itself. */
export const MOST_COUNTED = 1_000;

/** How many groups are told at most: of tags those of the most tasks, of days the first. */
const MOST_GROUPS = 100;

const one = sql.raw("1");

/** The name of the group of tasks that are due on no day. */
export const NO_DAY = "no_date";

/** How many tasks there are. */
export interface TaskCounts {
  readonly total: string;
  readonly groups: readonly TaskGroup[];
}

interface TaskGroup {
  readonly name: string;
  readonly count: string;
}

const countsSchema = z
  .object({
    rows: z.tuple([
      z.object({
        total: z.int(),
        is_cut: z.boolean(),
        groups: z.array(z.tuple([z.string().nullable(), z.int()])),
      }),
    ]),
  })
  .transform(({ rows: [counts] }) => counts);

/** Counts the tasks that fit a filter, by status, tag or day; `toTaskCounts` reads what comes. */
export function countTasks(query: QueryBuilder, userId: number, filter: TaskFilter, grouping: Grouping) {
  const { statuses, completedFrom, completedBefore } = filter;
  const isOfDone = completedFrom !== undefined || completedBefore !== undefined;
  const fits = sql.join(
    statuses.map(
      (
        status,
      ) => sql`(select ${tasks.status}, ${tasks.tags}, ${tasks.dueDate}, ${tasks.dueAt}, ${tasks.completedAt} from ${tasks}
        where ${and(eq(tasks.userId, userId), ...fitting({ ...filter, statuses: [status] }))} limit ${mostRead})`,
    ),
    sql` union all `,
  );
  return query.execute(sql`with counted (status, tags, due_date, due_at, completed_at) as materialized (${fits})
    select (select count(*)::integer from counted) as total,
      exists (select from counted group by status having count(*) > ${most}) as is_cut,
      (select coalesce(jsonb_agg(jsonb_build_array(name, tasks) order by place, tasks desc, name), '[]')
        from (${groupsBy(grouping, isOfDone)}) as groups) as groups`);
}

const most = sql.raw(`${MOST_COUNTED}`);
const mostRead = sql.raw(`${MOST_COUNTED + 1}`);

function groupsBy(grouping: Grouping, isOfDone: boolean): SQL {
  const dayOf = (moment: string) => sql`(${sql.raw(moment)} at time zone current_setting('app.time_zone'))::date`;
  const day = isOfDone ? dayOf("completed_at") : sql`coalesce(due_date, ${dayOf("due_at")})`;
  const limit = sql.raw(`${MOST_GROUPS}`);
  return {
    status: sql`select status as name, count(*) as tasks, ${one} as place from counted group by status`,
    // Spelled as one of them is.
    tag: sql`select min(tag) as name, count(*) as tasks, ${one} as place from counted, unnest(tags) as tag
      group by search_text(tag) order by count(*) desc, min(tag) limit ${limit}`,
    day: sql`select ${day}::text as name, count(*) as tasks, ${day} as place from counted
      group by ${day} order by ${day} limit ${limit}`,
  }[grouping];
}

/** Reads what `countTasks` has found: as far as it has counted, and `+` where there are more. */
export function toTaskCounts(found: unknown, grouping: Grouping): TaskCounts {
  const { total, is_cut: isCut, groups } = countsSchema.parse(found);
  return {
    total: showCount(total),
    groups: groups.map(([name, count]) => ({
      name: name ?? NO_DAY,
      count: isCut && grouping !== "status" && count <= MOST_COUNTED ? `${count}+` : showCount(count),
    })),
  };
}

/** A number of tasks, as far as they are counted. */
export function showCount(count: number): string {
  return count > MOST_COUNTED ? `${MOST_COUNTED.toLocaleString("en-US")}+` : `${count}`;
}
