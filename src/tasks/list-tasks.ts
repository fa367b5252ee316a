import { and, eq } from "drizzle-orm";
import { type CursorSettings, type PagedList, type Place, readCursor, writeCursor } from "../cursor.ts";
import type { ReadOptions, SightOptions, UserDatabase } from "../database/user-database.ts";
import { countTasks, type Grouping, type TaskCounts, toTaskCounts } from "./count-tasks.ts";
import { dueMoment } from "./due-window.ts";
import { fitting, type TaskFilter } from "./task-filter.ts";
import { listedColumns, type TaskInList, toTaskInList } from "./task-in-list.ts";
import { type ListOrder, placeSchemas, taskOrders, unsignedCursors } from "./task-order.ts";
import { tasks } from "./task-rows.ts";

/** Which tasks to list, in which order. */
export interface ListRequest extends TaskFilter {
  readonly order: ListOrder;
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
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
 * @throws ApplicationError `invalid_input` for a cursor that is not one of this list, and for a search that takes too long
 */
export async function listTasks(
  database: UserDatabase,
  filter: ListRequest,
  cursorSettings: CursorSettings,
): Promise<TaskPage> {
  const order = taskOrders(dueMoment)[filter.order];
  const list = pagedList(database.userId, filter);
  const after = filter.cursor === undefined ? undefined : order.after(readCursor(list, filter.cursor, cursorSettings));
  const {
    results: [rows, counted],
    lastChange,
    now,
    timeZone,
  } = await database.read(
    (query) => [
      query
        .select({ ...listedColumns, sortKey: order.sortKey })
        .from(tasks)
        .where(and(eq(tasks.userId, database.userId), ...fitting(filter), after))
        .orderBy(...order.by)
        .limit(filter.limit + 1),
      ...(filter.isCounted ? [countTasks(query, database.userId, filter, "tag")] : []),
    ],
    readOptions(filter),
  );
  const page = rows.slice(0, filter.limit);
  const last = page.at(-1);
  return {
    tasks: page.map((row) => toTaskInList(row, timeZone)),
    ...(rows.length > page.length &&
      last !== undefined && { nextCursor: writeCursor(list, last.sortKey, cursorSettings) }),
    lastChange,
    now,
    timeZone,
    ...(filter.isCounted && { counts: toTaskCounts(counted, "tag") }),
  };
}

/**
 * Counts tasks by status, tag or day.
 *
 * @throws ApplicationError `invalid_input` for a search that takes too long
 */
export async function countByGroup(
  database: UserDatabase,
  filter: TaskFilter,
  grouping: Grouping,
): Promise<CountedTasks> {
  const {
    results: [counted],
    ...setting
  } = await database.read((query) => [countTasks(query, database.userId, filter, grouping)], readOptions(filter));
  return { ...setting, counts: toTaskCounts(counted, grouping) };
}

function readOptions({ search, isDeleted }: TaskFilter): ReadOptions & SightOptions {
  return { ...(search !== undefined && { bound: SEARCH_BOUND }), seesDeleted: isDeleted };
}

function pagedList(userId: number, { limit: _, cursor: __, isCounted: ___, ...asked }: ListRequest): PagedList<Place> {
  const { order } = asked;
  return { name: "tasks", userId, asked: { ...asked }, place: placeSchemas[order], unsigned: unsignedCursors(order) };
}
