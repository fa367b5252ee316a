import { and, eq, type Placeholder, type SQL, sql } from "drizzle-orm";
import { QueryBuilder } from "drizzle-orm/pg-core";
import type { Place } from "../cursor.ts";
import { dueRanges, saysWhenDue } from "./due-window.ts";
import { idsNarrowing } from "./narrow-tasks.ts";
import { openStatuses } from "./ready.ts";
import { idsByWords, type WordsSought, wordsSought } from "./search-words.ts";
import type { Task } from "./task.ts";
import { fitting, type TaskFilter } from "./task-filter.ts";
import {
  isIn,
  isOfPriority,
  isSortedByDue,
  type ListOrder,
  PRIORITIES,
  type State,
  type Stream,
  taskOrders,
} from "./task-order.ts";
import { tasks } from "./task-rows.ts";

/** What is looked for, in which order. */
export interface Find {
  readonly userId: number | Placeholder;
  readonly filter: TaskFilter;
  readonly order: ListOrder;
  /** Tasks after this place alone. */
  readonly after?: Place | undefined;
  /** How many tasks that fit are found at most. */
  readonly most: number;
  /** Whether any task has words that begin as a search's do, where a page before has found that out. */
  readonly isWordFound?: boolean | undefined;
  /** What else must hold. */
  readonly also?: SQL | undefined;
  /** Whether the look goes on until so many are found or there are no more, however much that reads. */
  readonly isExhaustive?: boolean | undefined;
}

const builder = new QueryBuilder();

/** How far tasks are looked for. */
interface Reach {
  /** How many are read and sorted, where a filter leaves no more than these. */
  readonly narrowed: number;
  /** How many are looked at that need not fit, where no filter does; of all streams together. */
  readonly walked: number;
}

const BOUNDED: Reach = { narrowed: 600, walked: 1_200 };
/** Walks without an end. More are looked up first, as that is cheaper than to walk past tasks that do not fit. */
const EXHAUSTIVE: Reach = { narrowed: 5_000, walked: 2_000_000_000 };

/**
 * The first tasks that fit, as a subquery with their ids (`task_id`), whether each fits (`fits`), whether the look ended at it
 * (`is_end`) and whether any task has the words of a search (`is_word_found`). Ordered as asked, the tasks up to the first end are
 * all there are up to that place; what is behind it is for another look.
 *
 * It reads a bounded number of rows unless it is exhaustive. Where a filter alone leaves few tasks (`idsNarrowing`), those are
 * read and sorted. Else tasks are walked in the order asked for, each state and each stream of the order by itself, as indexes
 * have them.
 */
export function findTasks(find: Find): SQL {
  const { filter, most } = find;
  const reach = find.isExhaustive ? EXHAUSTIVE : BOUNDED;
  const words = filter.search === undefined ? undefined : wordsFound(find);
  const narrowing = idsNarrowing(find, reach.narrowed, sql`select unnest(ids) from words`);
  const isNarrow = sql`coalesce((select is_narrow from narrowed), false)`;
  const ctes = [
    filter.search !== undefined &&
      sql`words as materialized (
        select sought, array(${idsByWords(sql`sought`, raw(reach.narrowed + 1))}) as ids
        from (select ${wordsSought(filter.search)} as sought offset 0) as given
      )`,
    narrowing !== undefined && sql`narrowed as materialized (${narrowing})`,
  ].filter((cte) => cte !== false);
  const own = eq(tasks.userId, find.userId);
  const parts = walks(find, words).map(({ stream, where, rest }, _, { length }) => {
    const walked = Math.max(1, Math.floor(reach.walked / length));
    const which = and(own, ...where, narrowing && sql`not ${isNarrow}`);
    const by = sql.join(stream.by, sql`, `);
    if (rest.length === 0) {
      return sql`(select ${tasks.id}, true as fits, false as is_end from ${tasks} where ${which} order by ${by} limit ${raw(most)})`;
    }
    // The window is read as far as the limit outside needs it, and keeps the order.
    return sql`(select id, fits, place = ${raw(walked)} as is_end from (
      select ${tasks.id}, (${and(...rest)}) is true as fits, row_number() over (order by ${by}) as place
      from ${tasks} where ${which} order by ${by} limit ${raw(walked)}
    ) as walked where fits or place = ${raw(walked)} limit ${raw(most)})`;
  });
  if (narrowing !== undefined) {
    const { by, after } = taskOrders[find.order];
    const all = and(own, ...fitting(filter, words), find.also, find.after && after(find.after));
    // One by one, as the order could have all tasks read otherwise.
    parts.push(sql`(select ${tasks.id}, true, false
      from (select distinct unnest(ids) as id from narrowed where is_narrow) as one
      cross join lateral (select * from ${tasks} where ${and(own, sql`${tasks.id} = one.id`)} offset 0) as ${tasks}
      where ${all} order by ${sql.join(by, sql`, `)} limit ${raw(most)})`);
  }
  const begun = ctes.length === 0 ? sql`` : sql`with ${sql.join(ctes, sql`, `)}`;
  return sql`(${begun} select found.id as task_id, found.fits, found.is_end, ${words?.isFound ?? sql`false`} as is_word_found
    from (${sql.join(parts, sql` union all `)}) as found)`;
}

/** What is known of the words of a search: the query makes it once, as `words`. */
function wordsFound({ isWordFound }: Find): WordsSought {
  return {
    sought: sql`(select sought from words)`,
    isFound: isWordFound === undefined ? sql`(select cardinality(ids) > 0 from words)` : sql.raw(`${isWordFound}`),
  };
}

/**
 * The tasks that `findTasks` has found, one by one by their ids, as a table of that name to join laterally: in another way
 * PostgreSQL may read all that there are.
 */
export function tasksFound(userId: number | Placeholder) {
  return builder
    .select()
    .from(tasks)
    .where(and(eq(tasks.userId, userId), sql`${tasks.id} = found.task_id`))
    .limit(1)
    .as("tasks");
}

interface Walk {
  readonly stream: Stream;
  /** What the index finds. */
  readonly where: (SQL | undefined)[];
  /** What is left to look at in each task. */
  readonly rest: SQL[];
}

function walks(find: Find, words: WordsSought | undefined): Walk[] {
  const { filter, order } = find;
  // Those due in a window stand one after the other within a priority.
  const isSplit = order === "priority" && filter.priority === undefined && saysWhenDue(filter);
  const filters = isSplit ? PRIORITIES.map((priority) => ({ ...filter, priority })) : [filter];
  return filters.flatMap((each) => walksOf({ ...find, filter: each }, words));
}

function walksOf({ filter, order, after, also }: Find, words: WordsSought | undefined): Walk[] {
  const { priority } = filter;
  const ranked = priority !== undefined && (order === "priority" || order === "due") ? [isOfPriority(priority)] : [];
  const isByDue = isSortedByDue(order, priority);
  const ranges = isByDue ? dueRanges(filter) : { days: [], moments: [] };
  const found: Walk[] = [];
  for (const { name, isWhole } of statesOf(filter)) {
    const left = {
      ...filter,
      isDeleted: undefined,
      ...(isByDue && { due: undefined, isOverdue: false, dueFrom: undefined, dueBefore: undefined }),
      ...(ranked.length > 0 && { priority: undefined }),
    };
    const [isOfStatus, ...others] = fitting(left, words);
    const rest = [isWhole ? undefined : isOfStatus, ...others, also].filter((condition) => condition !== undefined);
    for (const stream of taskOrders[order].streams) {
      const range = stream.due === "moments" ? ranges.moments : ranges.days;
      if (range === undefined) continue;
      found.push({
        stream,
        where: [isIn(name), stream.which, ...ranked, ...range, after && stream.after(after)],
        rest,
      });
    }
  }
  return found;
}

/** The states that the statuses of a filter are in, and whether all tasks of each have one of these. */
function statesOf({ statuses, isDeleted }: TaskFilter): { readonly name: State; readonly isWhole: boolean }[] {
  const has = (status: Task["status"]) => statuses.includes(status);
  const open = openStatuses.filter(has).length;
  if (isDeleted) return [{ name: "deleted", isWhole: open === 2 && has("completed") && has("cancelled") }];
  return [
    ...(open > 0 ? [{ name: "open" as const, isWhole: open === openStatuses.length }] : []),
    ...(["completed", "cancelled"] as const).filter(has).map((name) => ({ name, isWhole: true })),
  ];
}

const raw = (number: number) => sql.raw(`${number}`);
