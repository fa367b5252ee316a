/** When and where a person says something. */
export interface Now {
  /** `YYYY-MM-DD`, where the person is. */
  readonly day: string;
  readonly instant: Date;
  /** An IANA time zone. */
  readonly timeZone: string;
}

const DAY = 86_400_000;

/** Adds days to a day, `YYYY-MM-DD`. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);
}

/** Adds months to a day; a day that the month does not have becomes its last one. */
export function addMonths(day: string, months: number): string {
  const first = new Date(`${day.slice(0, 7)}-01`);
  first.setUTCMonth(first.getUTCMonth() + months);
  const wanted = Number(day.slice(8));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return addDays(first.toISOString().slice(0, 10), Math.min(wanted, last) - 1);
}

/** The day of a week: 1 is Monday, 7 is Sunday. */
export function weekdayOf(day: string): number {
  return new Date(day).getUTCDay() || 7;
}

/** A date as `YYYY-MM-DD`; undefined where there is no such day. */
export function makeDay(year: number, month: number, date: number): string | undefined {
  const day = `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(date).padStart(2, "0")}`;
  const time = Date.parse(day);
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== day ? undefined : day;
}

/** `Friday, 2026-12-04`. */
export function nameDay(day: string): string {
  return `${new Intl.DateTimeFormat("en-GB", { weekday: "long", timeZone: "UTC" }).format(new Date(day))}, ${day}`;
}

/** The moment with its offset (RFC 3339) at which clocks of the zone show an instant. */
export function toMoment(instant: Date, timeZone: string): string {
  const offset = offsetOf(instant, timeZone);
  const shown = new Date(instant.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const sign = offset < 0 ? "-" : "+";
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `${shown}${sign}${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
}

/**
 * The instant at which clocks of the zone show a time, `HH:MM`, of a day: the earlier one where they show it twice,
 * undefined where they skip it.
 */
export function instantOf(day: string, time: string, timeZone: string): Date | undefined {
  const shown = Date.parse(`${day}T${time}:00Z`);
  const offsets = [offsetOf(new Date(shown - DAY), timeZone), offsetOf(new Date(shown + DAY), timeZone)];
  return offsets
    .map((offset) => new Date(shown - offset * 60_000))
    .sort((one, other) => one.getTime() - other.getTime())
    .find((instant) => toMoment(instant, timeZone).startsWith(`${day}T${time}`));
}

/** In minutes. */
function offsetOf(instant: Date, timeZone: string): number {
  const name = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" })
    .formatToParts(instant)
    .find(({ type }) => type === "timeZoneName")?.value;
  const [, sign, hours, minutes] = /^GMT([+-])(\d\d):(\d\d)/.exec(name ?? "") ?? [];
  const size = Number(hours ?? 0) * 60 + Number(minutes ?? 0);
  return sign === "-" ? -size : size;
}
