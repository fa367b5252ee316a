import { and, eq, gte, inArray, isNotNull, lt, or, type Placeholder, type SQL, sql } from "drizzle-orm";
import { type CursorSettings, type PagedList, type Place, readCursor, writeCursor } from "../cursor.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { splitDue } from "./due.ts";
import { isReady } from "./ready.ts";
import type { Task } from "./task.ts";
import { listedColumns, type TaskInList, toTaskInList } from "./task-in-list.ts";
import { type ListOrder, placeSchemas, taskOrders, unsignedCursors } from "./task-order.ts";
import { tasks } from "./task-rows.ts";

/** Which tasks to list, in which order; every filter that is given must hold. */
export interface TaskFilter {
  readonly statuses: readonly Task["status"][];
  /** Deleted tasks in place of those that are there. */
  readonly isDeleted?: true | undefined;
  /** Only tasks that an agent may take next. */
  readonly isReady?: boolean | undefined;
  readonly priority?: Task["priority"] | undefined;
  /** Tasks that carry all of these, without regard to case and accents. */
  readonly tags?: readonly string[] | undefined;
  /** Words that are all somewhere in title or description, without regard to case and accents. */
  readonly search?: string | undefined;
  /** Tasks whose moment has passed, or whose whole day has in the user's time zone. */
  readonly isOverdue?: boolean | undefined;
  /** Inclusive; a date means the start of that day in the user's time zone. */
  readonly dueFrom?: string | undefined;
  /** Exclusive; a date means the start of that day in the user's time zone. */
  readonly dueBefore?: string | undefined;
  readonly order: ListOrder;
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
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

const inUserTimeZone = (day: SQL) => sql`(${day})::timestamp at time zone current_setting('app.time_zone')`;

/** When a task is due as a moment: a whole day counts from its start in the user's time zone. */
export const dueMoment = sql`coalesce(${tasks.dueAt}, ${inUserTimeZone(sql`${tasks.dueDate}`)})`;

const today = sql`(now() at time zone current_setting('app.time_zone'))::date`;

/**
 * Lists tasks, page by page. A page starts after the last task of the one before, so that tasks made,
 * changed or deleted in between make no other task appear twice or not at all.
 *
 * @throws ApplicationError `invalid_input` for a cursor that is not one of this list, and for a search that takes too long
 */
export async function listTasks(
  database: UserDatabase,
  filter: TaskFilter,
  cursorSettings: CursorSettings,
): Promise<TaskPage> {
  const order = taskOrders(dueMoment)[filter.order];
  const list = pagedList(database.userId, filter);
  const after = filter.cursor === undefined ? undefined : order.after(readCursor(list, filter.cursor, cursorSettings));
  const {
    results: [rows],
    lastChange,
    now,
    timeZone,
  } = await database.read(
    (query) => [
      query
        .select({ ...listedColumns, sortKey: order.sortKey })
        .from(tasks)
        .where(and(eq(tasks.userId, database.userId), ...conditions(filter), after))
        .orderBy(...order.by)
        .limit(filter.limit + 1),
    ],
    { ...(filter.search !== undefined && { bound: SEARCH_BOUND }), seesDeleted: filter.isDeleted },
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
  };
}

function pagedList(userId: number, { limit: _, cursor: __, ...asked }: TaskFilter): PagedList<Place> {
  const { order } = asked;
  return { name: "tasks", userId, asked: { ...asked }, place: placeSchemas[order], unsigned: unsignedCursors(order) };
}

function conditions({
  statuses,
  isDeleted,
  isReady: mustBeReady,
  priority,
  tags,
  search,
  isOverdue,
  dueFrom,
  dueBefore,
}: TaskFilter): (SQL | undefined)[] {
  return [
    isDeleted ? isNotNull(tasks.deletedAt) : undefined,
    inArray(tasks.status, [...statuses]),
    ...(mustBeReady ? isReady : []),
    priority === undefined ? undefined : eq(tasks.priority, priority),
    tags === undefined || tags.length === 0 ? undefined : carriesAll(JSON.stringify(tags)),
    ...(search === undefined ? [] : containsAll(search)),
    isOverdue ? or(lt(tasks.dueAt, sql`now()`), lt(tasks.dueDate, today)) : undefined,
    dueFrom === undefined ? undefined : gte(dueMoment, toMoment(dueFrom)),
    dueBefore === undefined ? undefined : lt(dueMoment, toMoment(dueBefore)),
  ];
}

function containsAll(search: string): SQL[] {
  const words = new Set(search.split(/\p{White_Space}+/u).filter((word) => word !== ""));
  // Not LIKE, which is four times as slow where a word almost matches at every letter, and twice as slow elsewhere.
  return [...words].map((word) => sql`strpos(${tasks.searchedText}, (select search_text(${word}))) > 0`);
}

/** The condition that a task carries all of these tags, a JSON array, without regard to case and accents. */
export function carriesAll(tags: string | Placeholder): SQL {
  const asked = sql`jsonb_array_elements_text(${tags}::jsonb)`;
  return sql`${tasks.searchedTags} @> array(select search_text(tag) from ${asked} as tag)`;
}

function toMoment(due: string): SQL {
  const { day, moment } = splitDue(due);
  // In UTC, because Postgres does not take every offset that RFC 3339 allows.
  if (moment === null) return inUserTimeZone(sql`${day}::date`);
  return moment instanceof Date ? sql`${moment.toISOString()}::timestamptz` : moment;
}
