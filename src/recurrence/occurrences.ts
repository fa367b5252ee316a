import {
  type Day,
  dayOf,
  daysInMonth,
  daysInYear,
  firstWeekOf,
  joinSeconds,
  LAST_DAY,
  modulo,
  splitSeconds,
  toDay,
  toSeconds,
  toWallTime,
  type WallTime,
  weekOf,
} from "./calendar.ts";
import type { Rule } from "./rule.ts";

/** How many days a rule is followed beyond where it was asked from: ten years. What has nothing in them has ended. */
const HORIZON = 3653;

const LAST_SECOND = joinSeconds(LAST_DAY + 1, 0) - 1;

/** Occurrences of a rule, from a time on. */
export interface Occurrences {
  /** In order; each is a whole day where the start is one. */
  readonly times: readonly WallTime[];
  /** Whether there are no more after them, or none in ten years. */
  readonly isEnd: boolean;
}

/** What to look for. */
interface Asked {
  /** DTSTART: the first of them, which counts also where the rule would not give it. */
  readonly start: WallTime;
  /** Only those then and later. */
  readonly from: WallTime;
  /** How many at most. */
  readonly most: number;
  /** The last moment, by the same clock. */
  readonly until?: WallTime | undefined;
}

/**
 * The occurrences of a rule by a clock on a wall, as RFC 5545 section 3.3.10 expands and limits them. It looks at the days of each
 * period, so that no rule, whatever it says, costs more than the days of ten years and those that COUNT counts.
 */
export function findOccurrences(rule: Rule, { start, from, most, until }: Asked): Occurrences {
  const isTimed = start.includes("T");
  const first = toSeconds(start);
  const earliest = Math.max(first, toSeconds(from));
  const last = Math.min(until === undefined ? LAST_SECOND : toSeconds(until), LAST_SECOND);
  const horizon = Math.min(splitSeconds(earliest).day + HORIZON, LAST_DAY);
  const { count = Number.POSITIVE_INFINITY } = rule;
  const times: WallTime[] = [];
  let counted = 0;
  let isFollowed = false;
  const take = (time: number): boolean => {
    counted += 1;
    isFollowed ||= time > earliest;
    if (time >= earliest) times.push(toWallTime(time, isTimed));
    return counted < count && times.length < most;
  };
  // One that comes before all that the rule gives.
  if (first <= last && !take(first)) return { times, isEnd: counted >= count };
  const whole = withStart(rule, first);
  for (const time of timesOf(whole, first, rule.count === undefined ? earliest : first, horizon)) {
    if (time <= first) continue;
    if (time > last) return { times, isEnd: true };
    if (!take(time)) return { times, isEnd: counted >= count };
  }
  return { times, isEnd: !isFollowed || last < joinSeconds(horizon, 0) };
}

/** The first day or time, from one on, that fits a rule where it could begin at any: where a task is due that has no date yet. */
export function findFirst(rule: Rule, from: WallTime, until?: WallTime): WallTime | undefined {
  const { day, second } = splitSeconds(toSeconds(from));
  const last = until === undefined ? Number.POSITIVE_INFINITY : toSeconds(until);
  const isTimed = from.includes("T");
  const midnight = joinSeconds(day, 0);
  const every = withStart(
    { ...rule, interval: 1 },
    isTimed && rule.hours.length === 0 ? joinSeconds(day, second) : midnight,
  );
  for (const time of timesOf(every, midnight, midnight, Math.min(day + HORIZON, LAST_DAY))) {
    if (time > last) return undefined;
    if (time >= joinSeconds(day, second)) return toWallTime(time, isTimed);
  }
  return undefined;
}

/** A rule with what it leaves to its start: "information not contained in the rule … is derived from DTSTART". */
function withStart(rule: Rule, start: number): Rule & { readonly minute: number; readonly second: number } {
  const { day: number, second } = splitSeconds(start);
  const { month, day, weekday } = dayOf(number);
  const { frequency, yearDays, monthDays, weekdays, weekNumbers } = rule;
  const saysDay = yearDays.length > 0 || monthDays.length > 0 || weekdays.length > 0;
  const byMonthDay = !saysDay && weekNumbers.length === 0 && (frequency === "YEARLY" || frequency === "MONTHLY");
  const byWeekday = !saysDay && (frequency === "WEEKLY" || weekNumbers.length > 0);
  const byMonth = byMonthDay && frequency === "YEARLY" && rule.months.length === 0;
  return {
    ...rule,
    months: byMonth ? [month] : rule.months,
    monthDays: byMonthDay ? [day] : monthDays,
    weekdays: byWeekday ? [{ weekday, ordinal: undefined }] : weekdays,
    hours: rule.hours.length > 0 || frequency === "HOURLY" ? rule.hours : [Math.floor(second / 3600)],
    minute: rule.minute ?? Math.floor((second % 3600) / 60),
    second: second % 60,
  };
}

/** The times of a rule, in order, of each period that its interval falls on. */
function* timesOf(rule: ReturnType<typeof withStart>, start: number, from: number, horizon: number): Generator<number> {
  const startHour = Math.floor(start / 3600);
  for (const days of periodsOf(rule, splitSeconds(start).day, splitSeconds(from).day, horizon)) {
    const times: number[] = [];
    for (let number = days.first; number <= days.last; number += 1) {
      const day = dayOf(number);
      if (!fits(rule, day)) continue;
      for (const hour of rule.hours.length > 0 ? rule.hours : HOURS) {
        if (rule.frequency === "HOURLY" && modulo(number * 24 + hour - startHour, rule.interval) !== 0) continue;
        times.push(joinSeconds(number, hour * 3600 + rule.minute * 60 + rule.second));
      }
    }
    yield* atPositions(times, rule.positions);
  }
}

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

interface Days {
  readonly first: number;
  readonly last: number;
}

/** The days of each period from the one on that a day is in; of hours, whose interval is looked at one by one, those of a day. */
function* periodsOf(rule: Rule, start: number, from: number, horizon: number): Generator<Days> {
  // What is no day, as those of the year 10000 are, is past no horizon.
  if (Number.isNaN(start) || Number.isNaN(from)) return;
  const { frequency, interval, weekStart } = rule;
  const { year, month } = dayOf(start);
  const now = dayOf(Math.max(start, from));
  switch (frequency) {
    case "YEARLY": {
      const begin = yearOf(rule, start);
      for (let next = begin + skipped(yearOf(rule, now.number) - begin, interval); ; next += interval) {
        const first = beginningOf(rule, next);
        if (first > horizon) return;
        yield { first, last: beginningOf(rule, next + 1) - 1 };
      }
    }
    case "MONTHLY": {
      const months = (now.year - year) * 12 + now.month - month;
      for (let next = month + skipped(months, interval); ; next += interval) {
        const first = toDay(year, next, 1);
        if (first > horizon) return;
        const { year: itsYear, month: itsMonth } = dayOf(first);
        yield { first, last: first + daysInMonth(itsYear, itsMonth) - 1 };
      }
    }
    default: {
      const length = frequency === "WEEKLY" ? 7 : 1;
      const step = frequency === "HOURLY" ? 1 : length * interval;
      const begin = frequency === "WEEKLY" ? weekOf(start, weekStart) : start;
      for (let first = begin + skipped(now.number - begin, step); first <= horizon; first += step) {
        yield { first, last: first + length - 1 };
      }
    }
  }
}

/** The first day of a year: where weeks are numbered, of its week 1. */
function beginningOf({ weekNumbers, weekStart }: Rule, year: number): number {
  return weekNumbers.length > 0 ? firstWeekOf(year, weekStart) : toDay(year, 1, 1);
}

/** The year that a day is in: where weeks are numbered, the one of its week. */
function yearOf(rule: Rule, number: number): number {
  const { year } = dayOf(number);
  if (number < beginningOf(rule, year)) return year - 1;
  return number < beginningOf(rule, year + 1) ? year : year + 1;
}

/** How much of a distance whole steps take. */
function skipped(distance: number, step: number): number {
  return Math.floor(distance / step) * step;
}

function fits(rule: Rule, day: Day): boolean {
  return (
    (rule.months.length === 0 || rule.months.includes(day.month)) &&
    (rule.monthDays.length === 0 || includesCounted(rule.monthDays, day.day, daysInMonth(day.year, day.month))) &&
    (rule.weekdays.length === 0 || fitsWeekday(rule, day)) &&
    (rule.yearDays.length === 0 ||
      includesCounted(rule.yearDays, day.number - toDay(day.year, 1, 1) + 1, daysInYear(day.year))) &&
    (rule.weekNumbers.length === 0 || fitsWeekNumber(rule, day))
  );
}

/** Whether a list has a number that counts from 1, or from -1 at the end. */
function includesCounted(list: readonly number[], number: number, total: number): boolean {
  return list.includes(number) || list.includes(number - total - 1);
}

function fitsWeekday({ weekdays, frequency, months }: Rule, { number, year, month, day, weekday }: Day): boolean {
  return weekdays.some((part) => {
    if (part.weekday !== weekday) return false;
    if (part.ordinal === undefined) return true;
    const isOfMonth = frequency === "MONTHLY" || months.length > 0;
    const place = isOfMonth ? day : number - toDay(year, 1, 1) + 1;
    const total = isOfMonth ? daysInMonth(year, month) : daysInYear(year);
    return part.ordinal === Math.ceil(place / 7) || part.ordinal === -Math.ceil((total - place + 1) / 7);
  });
}

function fitsWeekNumber(rule: Rule, { number }: Day): boolean {
  const year = yearOf(rule, number);
  const first = beginningOf(rule, year);
  return includesCounted(
    rule.weekNumbers,
    Math.floor((number - first) / 7) + 1,
    (beginningOf(rule, year + 1) - first) / 7,
  );
}

function atPositions(times: readonly number[], positions: readonly number[]): readonly number[] {
  if (positions.length === 0) return times;
  return times.filter((_, index) => includesCounted(positions, index + 1, times.length));
}
