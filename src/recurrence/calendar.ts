// Days and times as a clock on a wall shows them, without a time zone: a day is its number since 1970-01-01, a wall time the
// seconds since that day's midnight. No clock is put forward or back here, so that a day always has 24 hours.

const DAY = 86_400;

/** The latest day that is reckoned with: a year has four digits, and elsewhere the last day of 9999 is one of the next. */
export const LAST_DAY = toDay(9999, 12, 30);

/** A day of the calendar. */
export interface Day {
  readonly number: number;
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** Monday is 0. */
  readonly weekday: number;
}

/** A time as it is written: `2026-12-01` for a whole day, `2026-12-01T09:00:00` for a time of it. */
export type WallTime = string;

/** The number of a day; a month before January or after December is one of another year. */
export function toDay(year: number, month: number, day: number): number {
  return Math.floor(Date.UTC(year, month - 1, day) / (DAY * 1000));
}

/** The day of a number. */
export function dayOf(number: number): Day {
  const date = new Date(number * DAY * 1000);
  return {
    number,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: (date.getUTCDay() + 6) % 7,
  };
}

export function daysInMonth(year: number, month: number): number {
  return toDay(year, month + 1, 1) - toDay(year, month, 1);
}

export function daysInYear(year: number): number {
  return toDay(year + 1, 1, 1) - toDay(year, 1, 1);
}

/** The first day of the week that a day is in. */
export function weekOf(day: number, weekStart: number): number {
  return day - modulo(dayOf(day).weekday - weekStart, 7);
}

/** The first day of week 1 of a year: the first week of which at least four days are in it (ISO 8601). */
export function firstWeekOf(year: number, weekStart: number): number {
  return weekOf(toDay(year, 1, 4), weekStart);
}

/** A wall time as seconds; midnight of a whole day. */
export function toSeconds(time: WallTime): number {
  return Date.parse(`${time.includes("T") ? time : `${time}T00:00:00`}Z`) / 1000;
}

/** Seconds as a wall time. */
export function toWallTime(seconds: number, isTimed: boolean): WallTime {
  return new Date(seconds * 1000).toISOString().slice(0, isTimed ? "2026-12-01T09:00:00".length : "2026-12-01".length);
}

/** The day and the second of the day of a wall time. */
export function splitSeconds(seconds: number): { readonly day: number; readonly second: number } {
  const day = Math.floor(seconds / DAY);
  return { day, second: seconds - day * DAY };
}

/** A second of a day as seconds. */
export function joinSeconds(day: number, second: number): number {
  return day * DAY + second;
}

/** The remainder that is never below zero. */
export function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
