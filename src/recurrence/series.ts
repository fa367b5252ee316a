import { momentAt, showMoment } from "../moment.ts";
import type { WallTime } from "./calendar.ts";
import { findFirst, findOccurrences } from "./occurrences.ts";
import { isBare, isTimed, type Rule, RuleError, readRule } from "./rule.ts";
import { ruleInWords } from "./words.ts";

/** How many occurrences are told at a time, and how many times at which a task may begin. */
export const MOST_TOLD = 64;
const MOST_FIRST = 4;

const HOUR = 3_600_000;
/** By how much a person's clock is before or ahead of UTC at most. */
const MOST_BEHIND = 13 * HOUR;
const MOST_AHEAD = 15 * HOUR;

/** The times of a rule from one on, as the database keeps them (drizzle/0039_recurrence.sql). */
export interface KnownTimes {
  readonly rule: string;
  /** Null of the times at which a task without a date may begin. */
  readonly start: WallTime | null;
  readonly since: WallTime;
  readonly times: readonly WallTime[];
  /** Whether there are no more after them. */
  readonly is_end: boolean;
}

/** What a task says of its series. */
export interface Series {
  readonly rule: string;
  readonly isFromCompletion: boolean;
  readonly start: WallTime;
  readonly occursAt: WallTime;
}

/**
 * The times at which a rule that starts then recurs; undefined without the time zone that it takes to know them.
 *
 * @param most how many are told
 */
export function reckon(
  rule: string,
  start: WallTime,
  since: WallTime,
  timeZone?: string,
  most = MOST_TOLD,
): KnownTimes | undefined {
  const { rule: read } = readRule(rule);
  const until = untilOf(read, timeZone);
  if (until === "unknown") return undefined;
  const { times, isEnd } = findOccurrences(read, { start, from: since, most, until });
  return { rule, start, since, times, is_end: isEnd };
}

/** When a task may begin that has no date yet: the first times that fit a rule, whatever its interval is. */
export function reckonFirst(rule: string, since: WallTime, timeZone?: string): KnownTimes | undefined {
  const { rule: read } = readRule(rule);
  const until = untilOf(read, timeZone);
  if (until === "unknown") return undefined;
  const times: WallTime[] = [];
  let from = since;
  while (times.length < MOST_FIRST) {
    const time = findFirst(read, from, until);
    if (time === undefined) break;
    times.push(time);
    from = after(time);
  }
  return { rule, start: null, since, times, is_end: times.length < MOST_FIRST };
}

/**
 * What the database will ask of the rule of a new series, as far as it can be told without knowing the person's clock.
 *
 * @param due when the task is due, where that is known: undefined for a task that has no date yet
 */
export function foresee(rule: string, due: string | undefined, now: Date): readonly KnownTimes[] {
  if (due !== undefined) {
    const start = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?$|$)/.exec(due)?.[0];
    const known = start === undefined ? undefined : reckon(rule, withSeconds(start), withSeconds(start));
    return known === undefined ? [] : [known];
  }
  const wall = (milliseconds: number) =>
    new Date(now.getTime() + milliseconds).toISOString().slice(0, isTimed(readRule(rule).rule) ? 19 : 10);
  const first = reckonFirst(rule, wall(-MOST_BEHIND));
  if (first === undefined) return [];
  const latest = first.times.findIndex((time) => time >= wall(MOST_AHEAD));
  const reachable = latest === -1 ? first.times : first.times.slice(0, latest + 1);
  return [first, ...reachable.flatMap((time) => reckon(rule, time, time) ?? [])];
}

/** Whether a series that starts then goes on: a rule that gives nothing but its start is none to recur by. */
export function goesOn({ times, start }: KnownTimes): boolean {
  return times.some((time) => start === null || time > start);
}

/** Whether a series that does not go on would do so without the rule's UNTIL. */
export function isEndedByUntil({ rule, start, since }: KnownTimes): boolean {
  const endless = rule.replace(/;?UNTIL=[^;]*/, "");
  const known = start === null ? reckonFirst(endless, since) : reckon(endless, start, since);
  return endless !== rule && known !== undefined && goesOn(known);
}

/**
 * When the next two of a series are due after this one: those that completing the task now would give, and what comes after.
 *
 * @param now where given, times that have passed by then are left out
 * @returns none after the last; undefined where it counts from completion, or where it is a rule that this release cannot read
 */
export function nextDues(
  { rule, isFromCompletion, start, occursAt }: Series,
  timeZone: string,
  now: Date | undefined,
): string[] | undefined {
  const { rule: read } = tryToRead(rule) ?? {};
  if (read === undefined || isFromCompletion) return undefined;
  const local = now === undefined ? occursAt : showMoment(now, timeZone).slice(0, start.length);
  const from = occursAt > local ? occursAt : local;
  const until = untilOf(read, timeZone);
  return findOccurrences(read, { start, from, most: 3, until })
    .times.filter((time) => time > occursAt)
    .slice(0, 2)
    .map((time) => (time.includes("T") ? showMoment(momentAt(time, timeZone), timeZone) : time));
}

/** A rule in words; undefined of one that this release cannot read. */
export function tellRule(rule: string, isFromCompletion: boolean): string | undefined {
  return tryToRead(rule) && ruleInWords(rule, isFromCompletion);
}

/** Why a rule cannot count from when a task is completed; undefined where it can. */
export function faultFromCompletion(rule: string): string | undefined {
  return isBare(rule) ? undefined : "must have FREQ and INTERVAL alone where recurrence_from is completion";
}

function tryToRead(rule: string): ReturnType<typeof readRule> | undefined {
  try {
    return readRule(rule);
  } catch (error) {
    if (error instanceof RuleError) return undefined;
    throw error;
  }
}

/** The last moment of a rule by the person's clock. */
function untilOf({ until }: Rule, timeZone: string): WallTime | undefined;
function untilOf({ until }: Rule, timeZone: string | undefined): WallTime | "unknown" | undefined;
function untilOf({ until }: Rule, timeZone: string | undefined): WallTime | "unknown" | undefined {
  if (until === undefined || !until.isUtc) return until?.time;
  return timeZone === undefined ? "unknown" : showMoment(new Date(`${until.time}Z`), timeZone).slice(0, 19);
}

function after(time: WallTime): WallTime {
  const isTimed = time.includes("T");
  const moment = new Date(`${isTimed ? time : `${time}T00:00:00`}Z`).getTime() + (isTimed ? 1000 : 24 * HOUR);
  return new Date(moment).toISOString().slice(0, time.length);
}

function withSeconds(time: WallTime): WallTime {
  return time.length === "2026-12-01T09:00".length ? `${time}:00` : time;
}
