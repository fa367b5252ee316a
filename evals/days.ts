import { showMoment } from "../src/moment.ts";

const DAY = 24 * 60 * 60 * 1000;
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;

export type Weekday = (typeof WEEKDAYS)[number];

/**
 * The calendar of a person, counted from the day on which a case runs. Dates are `2026-11-30`, and date-times by the
 * person's clock `2026-11-30T17:00`.
 */
export class Days {
  readonly timeZone: string;
  /** The day that it is, by the person's clock. */
  readonly today: string;

  constructor(timeZone: string, now = new Date()) {
    this.timeZone = timeZone;
    this.today = showMoment(now, timeZone).slice(0, 10);
  }

  /** The day so many days from today. */
  day(offset: number): string {
    return new Date(Date.parse(this.today) + offset * DAY).toISOString().slice(0, 10);
  }

  /** A time of the day so many days from today, such as `at(1, "17:00")`. */
  at(offset: number, time: string): string {
    return `${this.day(offset)}T${time}`;
  }

  /** What the day so many days from today is called; from 1 to 6 days ahead nobody can mean another one by it. */
  weekday(offset: number): Weekday {
    return weekdayOf(this.day(offset));
  }

  /** How many days it is until that day of the week; 0 where it is today. */
  until(weekday: Weekday): number {
    return [0, 1, 2, 3, 4, 5, 6].find((offset) => this.weekday(offset) === weekday) ?? 0;
  }

  /** The days that somebody may mean by the next such day of the week: today and in a week where it is today. */
  next(weekday: Weekday): string[] {
    const offset = this.until(weekday);
    return offset === 0 ? [this.day(0), this.day(7)] : [this.day(offset)];
  }

  /** The last day of the month so many months from this one. */
  lastOfMonth(months = 0): string {
    const [year = 0, month = 0] = this.today.split("-").map(Number);
    return new Date(Date.UTC(year, month + months, 0)).toISOString().slice(0, 10);
  }

  /** The days from today on that have such a place in their month: `nth("Tuesday", 2)` is the second Tuesday of each. */
  nth(weekday: Weekday, place: number): string[] {
    const offsets = Array.from({ length: 70 }, (_, offset) => offset);
    return offsets
      .map((offset) => this.day(offset))
      .filter((day) => weekdayOf(day) === weekday && Math.ceil(Number(day.slice(8)) / 7) === place);
  }

  /** In how many days the clock is next put forward or back; 7 in a zone where it never is. */
  clockChange(): number {
    const offsetAt = (offset: number) => showMoment(new Date(`${this.day(offset)}T12:00:00Z`), this.timeZone).slice(-6);
    for (let offset = 2; offset < 400; offset += 1) if (offsetAt(offset) !== offsetAt(offset - 1)) return offset;
    return 7;
  }
}

/** A date as people write it: `30 November 2026`. */
export function inWords(day: string): string {
  return new Date(day).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
}

function weekdayOf(day: string): Weekday {
  return WEEKDAYS[new Date(day).getUTCDay()] ?? "Sunday";
}
