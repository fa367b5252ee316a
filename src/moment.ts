import { RecentValues } from "./recent-values.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const formats = new RecentValues<Intl.DateTimeFormat>(100);

/**
 * A moment as the clock in a time zone shows it, with that clock's offset (RFC 3339): `2026-11-30T23:30:00-05:00`.
 * An offset that had seconds, as Monrovia's until 1972, is rounded to minutes: RFC 3339 has no others.
 *
 * @param timeZone an IANA time zone
 */
export function showMoment(moment: Date, timeZone: string): string {
  const offset = Math.round(offsetAt(moment, timeZone) / MINUTE);
  const local = new Date(moment.getTime() + offset * MINUTE).toISOString();
  // A year has four digits there, and so the last hours of 9999 and the first of 0 are shown in UTC.
  if (!/^\d{4}-/.test(local)) return moment.toISOString().replace(".000Z", "Z");
  return local.replace(/(?:\.000)?Z$/, showOffset(offset));
}

/**
 * The moment at which the clock in a time zone shows a local time, such as `2026-11-30T17:00:00` (RFC 5545 section 3.3.5): a time that
 * it shows twice is the first of the two, one that it skips has the offset from before.
 */
export function momentAt(localTime: string, timeZone: string): Date {
  const local = new Date(`${localTime}Z`).getTime();
  const by = (moment: number) => local - offsetAt(new Date(moment), timeZone);
  const [first, later] = [by(local - DAY), by(local + DAY)];
  const isLater = by(first) !== first && by(later) === later;
  return new Date(isLater ? later : first);
}

/** The day of the week of a moment in a time zone, in English. */
export function weekdayOf(moment: Date, timeZone: string): string {
  const local = new Date(moment.getTime() + offsetAt(moment, timeZone));
  return WEEKDAYS[local.getUTCDay()] ?? "";
}

/** By how many milliseconds the clock is ahead of UTC. */
function offsetAt(moment: Date, timeZone: string): number {
  // Most people's. The others' takes some 10 µs, and the first of an isolate 10 ms.
  if (timeZone === "UTC") return 0;
  const shown = new Map(
    formatOf(timeZone)
      .formatToParts(moment)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes) => shown.get(type) ?? 0;
  const local = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
  return local - Math.floor(moment.getTime() / 1000) * 1000;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const two = "2-digit";
  const fields = { year: "numeric", month: two, day: two, hour: two, minute: two, second: two } as const;
  const format = new Intl.DateTimeFormat("en", { timeZone, hourCycle: "h23", ...fields });
  formats.set(timeZone, format);
  return format;
}

function showOffset(minutes: number): string {
  const part = (value: number) => String(value).padStart(2, "0");
  const ahead = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${part(Math.floor(ahead / 60))}:${part(ahead % 60)}`;
}
