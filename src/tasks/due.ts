import * as z from "zod";

const EARLIEST_YEAR = 1900;
const LATEST_YEAR = 9999;

/** A date-time to the nanosecond has 35 characters. */
const LONGEST = 40;

const FULL_DATE = z.iso.date();
const DATE_TIME = z.iso.datetime({ offset: true });

/**
 * When something is due, as RFC 5545 section 3.8.2.3 has it: a DATE, a whole day in the user's time zone
 * (`2026-11-30`), or a DATE-TIME, a moment (RFC 3339 with an offset, `2026-11-30T17:00:00+01:00`).
 */
export const dueSchema = z
  .string()
  .trim()
  .refine(isDue, {
    error:
      "must be a date such as 2026-11-30 or a date-time with its offset such as 2026-11-30T17:00:00+01:00, " +
      `in the years ${EARLIEST_YEAR} to ${LATEST_YEAR}`,
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

function isDue(value: string): boolean {
  if (value.length > LONGEST) return false;
  if (!isWholeDay(value) && !DATE_TIME.safeParse(value).success) return false;
  const year = new Date(value).getUTCFullYear();
  return year >= EARLIEST_YEAR && year <= LATEST_YEAR;
}
