import { and, gte, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import * as z from "zod";
import { splitDue } from "./due.ts";
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

const inUserTimeZone = (local: SQL) => sql`(${local})::timestamp at time zone current_setting('app.time_zone')`;

/** When a task is due as a moment: a whole day counts from its start in the user's time zone. */
export const dueMoment = sql`coalesce(${tasks.dueAt}, ${inUserTimeZone(sql`${tasks.dueDate}`)})`;

const today = sql`(now() at time zone current_setting('app.time_zone'))::date`;

/** The first day of this week, by the account. */
const weekStart = sql`(${today} - (extract(isodow from ${today})::integer - 1 + 7 - array_position(
  array['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'],
  coalesce(nullif(current_setting('app.week_start', true), ''), 'monday')) + 1) % 7)`;

const startOf = (day: SQL): Bound => ({ day, moment: inUserTimeZone(day) });
const later = (day: SQL, days: number) => sql`(${day} + ${sql.raw(`${days}`)})`;

const windows: Readonly<Record<Exclude<DueWord, "no_date">, DueWindow>> = {
  // A whole day is overdue once it has passed.
  overdue: { before: { day: today, moment: sql`now()` } },
  today: { from: startOf(today), before: startOf(later(today, 1)) },
  tomorrow: { from: startOf(later(today, 1)), before: startOf(later(today, 2)) },
  this_week: { from: startOf(weekStart), before: startOf(later(weekStart, 7)) },
};

/** The condition that a task is due when a word says. */
export function isDue(word: DueWord): SQL | undefined {
  return word === "no_date" ? and(isNull(tasks.dueDate), isNull(tasks.dueAt)) : isDueIn(windows[word]);
}

/**
 * The condition that a task is due in a window.
 *
 * @param from inclusive, as `dueSchema` has it: a date means the start of that day in the user's time zone
 * @param before exclusive, likewise
 */
export function isDueBetween(from: string | undefined, before: string | undefined): SQL | undefined {
  return isDueIn({ from: boundAt(from), before: boundAt(before) });
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
  return { day: sql`(${dayOf} + (${inUserTimeZone(dayOf)} < ${moment})::integer)`, moment };
}
