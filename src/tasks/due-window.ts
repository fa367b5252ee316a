import { and, eq, gte, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import * as z from "zod";
import { splitDue } from "./due.ts";
import { dueDay } from "./task-order.ts";
import { tasks } from "./task-rows.ts";

/** When tasks are due, in words: by the person's clock, and the week by their account. */
export const dueWordSchema = z.enum(["overdue", "today", "tomorrow", "this_week", "no_date"]);
export type DueWord = z.output<typeof dueWordSchema>;

/** Where a window of time begins or ends, for whole days and for moments. */
interface Bound {
  /** The first day that is not before it. */
  readonly day: SQL;
  readonly moment: SQL;
}

/** A window of time; where a bound is missing it has no end on that side. */
interface DueWindow {
  /** Inclusive. */
  readonly from?: Bound | undefined;
  /** Exclusive. */
  readonly before?: Bound | undefined;
}

/** When a day begins: at the first of two midnights, which Postgres would not take. */
const beginningOf = (day: SQL) => sql`person_moment((${day})::timestamp)`;

const today = sql`(now() at time zone current_setting('app.time_zone'))::date`;

/** The first day of this week, by the account. */
const weekStart = sql`(${today} - (extract(isodow from ${today})::integer - 1 + 7 - array_position(
  array['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'],
  coalesce(nullif(current_setting('app.week_start', true), ''), 'monday')) + 1) % 7)`;

// Subqueries, as row-level security keeps an index from being used by what PostgreSQL does not know to leak nothing.
const startOf = (day: SQL): Bound => ({ day: sql`(select ${day})`, moment: sql`(select ${beginningOf(day)})` });
const later = (day: SQL, days: number) => sql`(${day} + ${sql.raw(`${days}`)})`;

const windows: Readonly<Record<Exclude<DueWord, "no_date">, DueWindow>> = {
  // A whole day is overdue once it has passed.
  overdue: { before: { day: sql`(select ${today})`, moment: sql`(select now())` } },
  today: { from: startOf(today), before: startOf(later(today, 1)) },
  tomorrow: { from: startOf(later(today, 1)), before: startOf(later(today, 2)) },
  this_week: { from: startOf(weekStart), before: startOf(later(weekStart, 7)) },
};

/** The condition that a task is due when a word says. */
export function isDue(word: DueWord): SQL | undefined {
  return word === "no_date" ? and(isNull(tasks.dueDate), isNull(tasks.dueAt)) : isDueIn(windows[word]);
}

/** When tasks are due: by words, and from inclusive to before exclusive, as `dueSchema` has it; all of it must hold. */
export interface DueFilter {
  readonly isOverdue?: boolean | undefined;
  readonly due?: DueWord | undefined;
  /** A date means the start of that day in the user's time zone. */
  readonly dueFrom?: string | undefined;
  readonly dueBefore?: string | undefined;
}

/** The conditions of a task that is due when a filter says. */
export function isDueWhen(filter: DueFilter): (SQL | undefined)[] {
  return [
    filter.due === "no_date" ? isDue("no_date") : undefined,
    ...windowsOf(filter).map((window) => isDueIn(window)),
  ];
}

/**
 * The same as ranges of what the indexes have: of those due on a day or never, and of those due at a moment, which is
 * undefined where none of these fits.
 */
export function dueRanges(filter: DueFilter): { days: SQL[]; moments: SQL[] | undefined } {
  const none = sql`'infinity'::date`;
  const windows = windowsOf(filter);
  const isNever = filter.due === "no_date";
  return {
    days: [
      ...(isNever ? [eq(dueDay, none)] : []),
      ...windows.flatMap(({ from, before }) => [
        ...(from === undefined ? [] : [gte(dueDay, from.day)]),
        lt(dueDay, before?.day ?? none),
      ]),
    ],
    moments: isNever
      ? undefined
      : windows.flatMap(({ from, before }) => [
          ...(from === undefined ? [] : [gte(tasks.dueAt, from.moment)]),
          ...(before === undefined ? [] : [lt(tasks.dueAt, before.moment)]),
        ]),
  };
}

/** Whether a filter says when tasks are due. */
export function saysWhenDue(filter: DueFilter): boolean {
  return filter.due !== undefined || windowsOf(filter).length > 0;
}

function windowsOf({ isOverdue, due, dueFrom, dueBefore }: DueFilter): DueWindow[] {
  const between = { from: boundAt(dueFrom), before: boundAt(dueBefore) };
  return [
    ...(isOverdue ? [windows.overdue] : []),
    ...(due === undefined || due === "no_date" ? [] : [windows[due]]),
    ...(between.from === undefined && between.before === undefined ? [] : [between]),
  ];
}

/** The condition that a moment, such as when a task was completed, is in a window; its bounds as for `isDueBetween`. */
export function isBetween(moment: PgColumn, from: string | undefined, before: string | undefined): SQL | undefined {
  const [first, end] = [boundAt(from), boundAt(before)];
  return and(first && gte(moment, first.moment), end && lt(moment, end.moment));
}

/** By its two columns and not by the moment of both, which no index has. */
function isDueIn({ from, before }: DueWindow): SQL | undefined {
  if (from === undefined && before === undefined) return undefined;
  return or(
    and(from && gte(tasks.dueDate, from.day), before && lt(tasks.dueDate, before.day)),
    and(from && gte(tasks.dueAt, from.moment), before && lt(tasks.dueAt, before.moment)),
  );
}

function boundAt(due: string | undefined): Bound | undefined {
  if (due === undefined) return undefined;
  const { day, moment: given } = splitDue(due);
  if (given === null) return startOf(sql`${day}::date`);
  // In UTC, because Postgres does not take every offset that RFC 3339 allows.
  const moment = given instanceof Date ? sql`${given.toISOString()}::timestamptz` : given;
  const dayOf = sql`(${moment} at time zone current_setting('app.time_zone'))::date`;
  return {
    day: sql`(select ${dayOf} + (${beginningOf(dayOf)} < ${moment})::integer)`,
    moment: sql`(select ${moment})`,
  };
}
