import { type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { showMoment } from "../moment.ts";

const EARLIEST_YEAR = 1900;
const LATEST_YEAR = 9999;

/** In milliseconds, and so more than any offset. */
const DAY = 24 * 60 * 60 * 1000;

/** A date-time to the nanosecond has 35 characters. */
const LONGEST = 40;

const FULL_DATE = z.iso.date();

/** RFC 3339 section 5.6, seconds and offset left out where anybody likes, and its numbers not yet looked at. */
const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)(?:T((\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?)(Z|([+-](\d\d):(\d\d)))?)?$/;

const FORM =
  "must be a date such as 2026-11-30 or a date-time such as 2026-11-30T17:00:00, with an offset (+01:00) or without, " +
  `in the years ${EARLIEST_YEAR} to ${LATEST_YEAR}`;

/** Where nothing is known of the person's clock before the database is asked. */
const NO_WORD = "A word such as tomorrow is not a date: work it out from the current time, which list_tasks tells";

/** What a model must know to say when something is due. */
export const DUE_RULE = "due is a date (2026-11-30) or a date-time, by the person's clock unless it has an offset.";

/**
 * When something is due, as RFC 5545 section 3.8.2.3 has it: a DATE, a whole day in the user's time zone
 * (`2026-11-30`), or a DATE-TIME, a moment (RFC 3339 with an offset, `2026-11-30T17:00:00+01:00`, or without one, by the
 * user's clock). By section 3.3.5 there a time that the clock skips as it is put forward has the offset from before, and
 * so comes out later by as much as is skipped; a time that the clock shows twice is the first of the two.
 */
export const dueSchema = z
  .string()
  .trim()
  // RFC 3339 section 5.6 lets a space stand for T, and t and z for T and Z.
  .overwrite((value) => value.replace(/^(\d{4}-\d\d-\d\d)[t ](?=\d)/, "$1T").replace(/z$/, "Z"))
  .superRefine((value, context) => {
    const message = faultOf(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

/** A day or a moment as two columns keep it; one of them is null, or both. */
export interface DayOrMoment<Moment> {
  /** `YYYY-MM-DD`. */
  readonly day: string | null;
  readonly moment: Moment | null;
}

/** What `dueSchema` has accepted as its columns keep it, and null as empty ones; only the database knows the user's clock. */
export function splitDue(due: string | null): DayOrMoment<Date | SQL> {
  if (due === null || FULL_DATE.safeParse(due).success) return { day: due, moment: null };
  return { day: null, moment: hasOffset(due) ? new Date(due) : sql`person_moment(${due}::timestamp)` };
}

/** The day, or the moment by the clock of the time zone; undefined where there is neither. */
export function showDue({ day, moment }: DayOrMoment<Date>, timeZone: string): string | undefined {
  return day ?? (moment === null ? undefined : showMoment(moment, timeZone));
}

/**
 * Whether no moment is from one date or date-time on and before another, both as `dueSchema` has accepted them: for sure, as only
 * the database knows the person's clock, by which one without an offset is.
 */
export function isWindowEmpty(from: string, before: string): boolean {
  // A date alone is read as of UTC.
  const clock = (due: string) => Date.parse(due.includes("T") && !hasOffset(due) ? `${due}Z` : due);
  const doubt = hasOffset(from) === hasOffset(before) ? 0 : DAY;
  return clock(before) <= clock(from) - doubt;
}

function hasOffset(due: string): boolean {
  return WRITTEN.exec(due)?.[8] !== undefined;
}

/** Why a text is no due date or moment; undefined where it is one. */
function faultOf(value: string): string | undefined {
  const parts = value.length > LONGEST ? null : WRITTEN.exec(value);
  if (parts === null) return /^\p{L}/u.test(value) ? `${FORM}. ${NO_WORD}` : FORM;
  const [, year, month, day, time, hour, minute, second, zone, offset, offsetHour, offsetMinute] = parts;
  const first = new Date(`${year}-${month}-01T00:00:00Z`);
  if (Number.isNaN(first.getTime())) return `must be a day that exists: there is no month ${month}`;
  if (Number(day) < 1 || Number(day) > daysInMonth(first)) {
    const name = first.toLocaleDateString("en", { month: "long", timeZone: "UTC" });
    return `must be a day that exists: there is no ${Number(day)} ${name} ${year}`;
  }
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) {
    return `must be a time that exists: there is no ${time}`;
  }
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) {
    return `must have an offset that exists: there is no ${offset}`;
  }
  // Without an offset the moment is known to half a day and more.
  const offsets = time === undefined || zone !== undefined ? [""] : ["+15:00", "-15:00"];
  const years = offsets.map((each) => new Date(value + each).getUTCFullYear());
  return years.every((inUtc) => inUtc >= EARLIEST_YEAR && inUtc <= LATEST_YEAR) ? undefined : FORM;
}

function daysInMonth(first: Date): number {
  return new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
}
