import { type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { QueryBuilder } from "../database/statement.ts";
import { saysWhenDue } from "./due-window.ts";
import { findTasks, tasksFound } from "./find-tasks.ts";
import { MOST_COUNTED, showCount } from "./task-count.ts";
import type { TaskFilter } from "./task-filter.ts";
import { tasks } from "./task-rows.ts";

/** What tasks can be counted by: a day is the one on which they are due, or were completed where the filter asks for that. */
export const groupingSchema = z.enum(["status", "tag", "day"]);
export type Grouping = z.output<typeof groupingSchema>;

/** How many groups are told at most: of tags those of the most tasks, of days the first. */
const MOST_GROUPS = 100;

/** The name of the group of tasks that are due on no day. */
export const NO_DAY = "no_date";

/** How many tasks there are. */
export interface TaskCounts {
  readonly total: string;
  readonly groups: readonly TaskGroup[];
  /** How many groups there are beside these, as far as they are counted; undefined where there are none. */
  readonly more?: string;
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
        groups: z.array(z.tuple([z.string().nullable(), z.int(), z.boolean()])),
        group_count: z.int(),
      }),
    ]),
  })
  .transform(({ rows: [counts] }) => counts);

/** Counts the tasks that fit a filter, by status, tag or day; `toTaskCounts` reads what comes. */
export function countTasks(query: QueryBuilder, userId: number, filter: TaskFilter, grouping: Grouping) {
  // The first days whole, where there are more tasks than are counted.
  const order = grouping === "day" || saysWhenDue(filter) ? "due" : "created";
  const found = findTasks({ userId, filter, order, most: MOST_COUNTED + 1 });
  const state = filter.isDeleted
    ? sql`'deleted'`
    : sql`case when ${tasks.status} in ('pending', 'in_progress') then 'open' else ${tasks.status} end`;
  return query.execute(sql`with looked_at as materialized (
      select ${tasks.status}, ${tasks.tags}, ${tasks.dueDate}, ${tasks.dueAt}, ${tasks.completedAt}, ${state} as state, found.fits, found.is_end
      from ${found} as found cross join lateral ${tasksFound(userId)}
    ), counted as materialized (
      select looked_at.*, count(*) filter (where fits) over of_state > ${most} or bool_or(is_end) over of_state as is_cut
      from looked_at window of_state as (partition by state)
    ), whole as materialized (select coalesce(bool_or(is_cut), false) as is_cut from counted),
    groups as materialized (select named.*, (count(*) over ())::integer as group_count from (${groupsBy(grouping, isOfDone(filter))}) as named)
    select (select count(*)::integer from counted where fits) as total, is_cut,
      coalesce((select max(group_count) from groups), 0) as group_count,
      (select coalesce(jsonb_agg(jsonb_build_array(name, tasks, first.is_cut) order by place, tasks desc, name), '[]')
        from (select * from groups order by place, tasks desc, name limit ${sql.raw(`${MOST_GROUPS}`)}) as first) as groups
    from whole`);
}

const most = sql.raw(`${MOST_COUNTED}`);
const one = sql.raw("1");

/** Whether a filter is about when tasks were completed. */
function isOfDone({ completedFrom, completedBefore }: TaskFilter): boolean {
  return completedFrom !== undefined || completedBefore !== undefined;
}

function groupsBy(grouping: Grouping, isDone: boolean): SQL {
  const dayOf = (moment: string) => sql`(${sql.raw(moment)} at time zone current_setting('app.time_zone'))::date`;
  const day = isDone ? dayOf("completed_at") : sql`coalesce(due_date, ${dayOf("due_at")})`;
  return {
    status: sql`select status as name, count(*) as tasks, bool_or(is_cut) as is_cut, ${one} as place
      from counted where fits group by status`,
    // Spelled as one of them is.
    tag: sql`select min(tag) as name, count(*) as tasks, (select is_cut from whole) as is_cut, ${one} as place
      from counted, unnest(tags) as tag where fits group by search_text(tag)`,
    day: sql`select ${day}::text as name, count(*) as tasks, (select is_cut from whole) as is_cut, ${day} as place
      from counted where fits group by ${day}`,
  }[grouping];
}

/** Reads what `countTasks` has found. */
export function toTaskCounts(found: unknown): TaskCounts {
  const { total, is_cut: isCut, groups, group_count: groupCount } = countsSchema.parse(found);
  const more = groupCount - groups.length;
  return {
    total: showCount(total, isCut),
    groups: groups.map(([name, count, isPart]) => ({ name: name ?? NO_DAY, count: showCount(count, isPart) })),
    ...(more > 0 && { more: showCount(more, isCut) }),
  };
}
