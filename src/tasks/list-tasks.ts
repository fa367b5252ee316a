import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { type CursorSettings, findPlace, type PagedList, type Place, readCursor, writeCursor } from "../cursor.ts";
import { missingReference } from "../database/refused-reference.ts";
import type { QueryBuilder } from "../database/statement.ts";
import type { ReadOptions, SightOptions, UserDatabase } from "../database/user-database.ts";
import { countTasks, type Grouping, type TaskCounts, toTaskCounts } from "./count-tasks.ts";
import { findTasks, tasksFound } from "./find-tasks.ts";
import type { TaskFilter } from "./task-filter.ts";
import { detailedColumns, listedColumns, type TaskInList, toTaskInList } from "./task-in-list.ts";
import { type ListOrder, placeSchemas, taskOrders, unsignedCursors } from "./task-order.ts";
import { tasks } from "./task-rows.ts";

/** Which tasks to list, in which order. */
export interface ListRequest extends TaskFilter {
  readonly order: ListOrder;
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
  /** Whether descriptions are read whole. */
  readonly isDetailed?: boolean | undefined;
  /** Whether to count them too, page or not. */
  readonly isCounted?: boolean | undefined;
}

/** One page of tasks. */
export interface TaskPage {
  readonly tasks: TaskInList[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
  /** The number of the last change before it: what the page shows is no older. */
  readonly lastChange: number;
  /** When it was read, and the person's time zone. */
  readonly now: Date;
  readonly timeZone: string;
  /** Of all that fit, by tag; where they were to be counted. */
  readonly counts?: TaskCounts;
}

/** How many tasks fit a filter. */
export interface CountedTasks extends Pick<TaskPage, "lastChange" | "now" | "timeZone"> {
  readonly counts: TaskCounts;
}

/**
 * How long a search may look, in milliseconds: what it costs grows with all that a person has written. 10 MB take a
 * tenth of that.
 */
const LONGEST_SEARCH = 1_500;

const SEARCH_BOUND = {
  milliseconds: LONGEST_SEARCH,
  advice: "Ask for less: fewer or shorter words to search for, or a filter beside them.",
};

/**
 * Lists tasks, page by page. A page starts after the last task of the one before, so that tasks made,
 * changed or deleted in between make no other task appear twice or not at all.
 *
 * @throws ApplicationError `invalid_input` for a cursor that is not one of this list, a parent that is not there, and for a search
 *   that takes too long
 */
export async function listTasks(
  database: UserDatabase,
  filter: ListRequest,
  cursorSettings: CursorSettings,
): Promise<TaskPage> {
  const { by, sortKey } = taskOrders[filter.order];
  const { after, isWordFound } = placeAfter(database.userId, filter, cursorSettings);
  const { limit, order } = filter;
  const found = findTasks({ userId: database.userId, filter, order, after, most: limit + 1, isWordFound });
  const { results, lastChange, now, timeZone } = await database.read(
    (query) => [
      query
        .select({
          ...(filter.isDetailed ? detailedColumns : listedColumns),
          sortKey,
          fits: sql<boolean>`found.fits`,
          isEnd: sql<boolean>`found.is_end`,
          isWordFound: sql<boolean>`found.is_word_found`,
        })
        .from(sql`${found} as found`)
        .crossJoinLateral(tasksFound(database.userId))
        .orderBy(...by)
        .limit(limit + 1),
      ...(filter.isCounted ? [countTasks(query, database.userId, filter, "tag")] : []),
      ...selectParent(query, database.userId, filter),
    ],
    readOptions(filter),
  );
  requireParent(filter, results.at(-1));
  const [rows, counted] = results;
  const { page, last } = pageOf(rows, limit);
  const list = pagedList(database.userId, filter, last?.isWordFound);
  return {
    tasks: page.map((row) => toTaskInList(row, timeZone)),
    ...(last !== undefined && { nextCursor: writeCursor(list, last.sortKey, cursorSettings) }),
    lastChange,
    now,
    timeZone,
    ...(filter.isCounted && { counts: toTaskCounts(counted) }),
  };
}

/** The tasks of a page, and the last that was looked at where there may be more behind it. */
function pageOf<Row extends { readonly fits: boolean; readonly isEnd: boolean }>(
  rows: readonly Row[],
  limit: number,
): { readonly page: readonly Row[]; readonly last: Row | undefined } {
  const page: Row[] = [];
  for (const row of rows) {
    if (row.fits && page.length === limit) return { page, last: page.at(-1) };
    if (row.fits) page.push(row);
    if (row.isEnd) return { page, last: row };
  }
  return { page, last: undefined };
}

/** The place that a page begins after, and how its words are searched: as those of the page before were. */
function placeAfter(
  userId: number,
  filter: ListRequest,
  cursorSettings: CursorSettings,
): { readonly after?: Place; readonly isWordFound?: boolean | undefined } {
  if (filter.cursor === undefined) return {};
  const list = (isWordFound?: boolean) => pagedList(userId, filter, isWordFound);
  // A cursor without a signature does not say how: the page finds out anew.
  const ways = filter.search === undefined ? [] : [true, false];
  for (const isWordFound of ways) {
    const { unsigned: _, ...signed } = list(isWordFound);
    const after = findPlace(signed, filter.cursor, cursorSettings);
    if (after !== undefined) return { after, isWordFound };
  }
  return { after: readCursor(list(), filter.cursor, cursorSettings) };
}

/**
 * Counts tasks by status, tag or day.
 *
 * @throws ApplicationError `invalid_input` for a parent that is not there, and for a search that takes too long
 */
export async function countByGroup(
  database: UserDatabase,
  filter: TaskFilter,
  grouping: Grouping,
): Promise<CountedTasks> {
  const { results, ...setting } = await database.read(
    (query) => [countTasks(query, database.userId, filter, grouping), ...selectParent(query, database.userId, filter)],
    readOptions(filter),
  );
  requireParent(filter, results.at(-1));
  return { ...setting, counts: toTaskCounts(results[0]) };
}

/** Reads whether the task is there whose subtasks are asked for; the last query of its request, and none where any are. */
function selectParent(query: QueryBuilder, userId: number, { parentId }: TaskFilter) {
  if (parentId === undefined) return [];
  return [
    query
      .select({ id: tasks.id })
      .from(tasks)
      .where(and(eq(tasks.userId, userId), eq(tasks.id, parentId))),
  ];
}

/** @throws ApplicationError `invalid_input` for a parent that is not there, or deleted: an empty list would be taken for all there is */
function requireParent({ parentId }: TaskFilter, parents: unknown): void {
  if (parentId !== undefined && z.array(z.unknown()).parse(parents).length === 0)
    throw missingReference("parent_id", parentId);
}

function readOptions({ search, isDeleted }: TaskFilter): ReadOptions & SightOptions {
  return { ...(search !== undefined && { bound: SEARCH_BOUND }), seesDeleted: isDeleted };
}

/**
 * The list that a cursor belongs to.
 *
 * @param isWordFound whether any task has the words of a search, which decides how they are searched
 */
function pagedList(
  userId: number,
  { limit: _, cursor: __, isCounted: ___, isDetailed: ____, ...asked }: ListRequest,
  isWordFound: boolean | undefined,
): PagedList<Place> {
  const { order, search } = asked;
  const isInside = search !== undefined && isWordFound === false ? true : undefined;
  return {
    name: "tasks",
    userId,
    asked: { ...asked, isInside },
    place: placeSchemas[order],
    unsigned: unsignedCursors(order),
  };
}
