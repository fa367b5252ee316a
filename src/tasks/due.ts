import * as z from "zod";

const EARLIEST_YEAR = 1900;
const LATEST_YEAR = 9999;

/** A date-time to the nanosecond has 35 characters. */
const LONGEST = 40;

const FULL_DATE = z.iso.date();

/** RFC 3339 section 5.6, its numbers not yet looked at. */
const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)(?:T((\d\d):(\d\d):(\d\d))(?:\.\d+)?(?:Z|([+-](\d\d):(\d\d))))?$/;

const FORM =
  "must be a date such as 2026-11-30 or a date-time with its offset such as 2026-11-30T17:00:00+01:00, " +
  `in the years ${EARLIEST_YEAR} to ${LATEST_YEAR}`;

/**
 * When something is due, as RFC 5545 section 3.8.2.3 has it: a DATE, a whole day in the user's time zone
 * (`2026-11-30`), or a DATE-TIME, a moment (RFC 3339 with an offset, `2026-11-30T17:00:00+01:00`).
 */
export const dueSchema = z
  .string()
  .trim()
  .superRefine((value, context) => {
    const message = faultOf(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

/** A due date or moment as the two columns keep it; one of them is null. */
export interface DueColumns {
  /** `YYYY-MM-DD`. */
  readonly dueDate: string | null;
  readonly dueAt: Date | null;
}

/** Splits what `dueSchema` has accepted into its columns. */
export function toDueColumns(due: string): DueColumns {
  return isWholeDay(due) ? { dueDate: due, dueAt: null } : { dueDate: null, dueAt: new Date(due) };
}

/** The `due` of a task, a moment in UTC; undefined where it has none. */
export function fromDueColumns({ dueDate, dueAt }: DueColumns): string | undefined {
  return dueDate ?? dueAt?.toISOString();
}

function isWholeDay(due: string): boolean {
  return FULL_DATE.safeParse(due).success;
}

/** Why a text is no due date or moment; undefined where it is one. */
function faultOf(value: string): string | undefined {
  const parts = value.length > LONGEST ? null : WRITTEN.exec(value);
  if (parts === null) return FORM;
  const [, year, month, day, time, hour, minute, second, offset, offsetHour, offsetMinute] = parts;
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
  const inUtc = new Date(value).getUTCFullYear();
  return inUtc >= EARLIEST_YEAR && inUtc <= LATEST_YEAR ? undefined : FORM;
}

function daysInMonth(first: Date): number {
  return new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
}
