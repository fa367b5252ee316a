import { instantOf, type Now, toMoment } from "./calendar.ts";
import { type Phrase, readDay } from "./day-phrase.ts";
import { readTime, readWait } from "./time-phrase.ts";
import { follow, followAny, type Token } from "./tokens.ts";

/** When something is due, as the tools take it, and what to tell of it; or why a phrase does not say when. */
export type Due =
  | {
      readonly due: string;
      readonly day: string;
      /** Whether only an hour was said, so that the day is today. */
      readonly isHour?: boolean;
      readonly notes: readonly string[];
    }
  | { readonly problem: string };

const LEADS = ["that? is? due on|by|at|in?", "on|by|for|until|till"];

/** Reads a day, a time or both, behind `on`, `by`, `due` and the like. */
export function readDue(tokens: readonly Token[], at: number, now: Now): Phrase<Due> | undefined {
  if (follow(tokens, at, "before|after|since") !== undefined) return readBound(tokens, at, now);
  // "due in 3 days" and "by in": what begins with "in" or "at" is read with it.
  for (const begun of [followAny(tokens, at, LEADS), follow(tokens, at, "due"), at]) {
    const phrase = begun === undefined ? undefined : readMoment(tokens, begun, now);
    if (phrase !== undefined) return phrase;
  }
  return undefined;
}

function readMoment(tokens: readonly Token[], at: number, now: Now): Phrase<Due> | undefined {
  const whole = readDateTime(tokens, at, now);
  if (whole !== undefined) return whole;
  const wait = readWait(tokens, at, now);
  if (wait !== undefined) {
    return { value: { due: toMoment(wait.value, now.timeZone), day: now.day, notes: [] }, next: wait.next };
  }
  const dayFirst = readDay(tokens, at, now);
  const time = readTime(tokens, dayFirst === undefined ? at : afterJoint(tokens, dayFirst.next, ","));
  const day = dayFirst ?? (time && readDay(tokens, afterJoint(tokens, time.next, "on|,"), now));
  const next = Math.max(day?.next ?? at, time?.next ?? at);
  if (day === undefined && time === undefined) return undefined;
  const said = day?.value ?? { day: now.day };
  if ("problem" in said) return { value: said, next };
  const clock = time?.value;
  if (clock !== undefined && "problem" in clock) return { value: clock, next };
  const { day: date, note, part } = said;
  const notes = note === undefined ? [] : [note];
  if (clock === undefined) {
    if (part !== undefined) notes.push(`I kept the day, not the ${part}: for an hour say “at 9am”.`);
    return { value: { due: date, day: date, notes }, next };
  }
  return { value: momentOn(date, clock.time, notes, now, day === undefined), next };
}

/** `2026-12-05T17:00`, with or without seconds and offset. */
function readDateTime(tokens: readonly Token[], at: number, now: Now): Phrase<Due> | undefined {
  const [, day, time, seconds, offset] =
    /^(\d{4}-\d\d-\d\d)t(\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?(z|[+-]\d\d:\d\d)?$/.exec(tokens[at]?.key ?? "") ?? [];
  if (day === undefined || time === undefined) return undefined;
  if (offset === undefined) return { value: momentOn(day, time, [], now, false), next: at + 1 };
  const due = `${day}T${time}${seconds ?? ":00"}${offset.toUpperCase()}`;
  return {
    value: Number.isNaN(Date.parse(due)) ? { problem: "there is no such time" } : { due, day, notes: [] },
    next: at + 1,
  };
}

function momentOn(day: string, time: string, notes: readonly string[], now: Now, isBare: boolean): Due {
  if (Number.isNaN(Date.parse(`${day}T${time}:00Z`))) return { problem: "there is no such time" };
  const instant = instantOf(day, time, now.timeZone);
  if (instant === undefined) return { problem: `clocks in ${now.timeZone} skip that time on that day` };
  if (isBare && instant <= now.instant) return { problem: "that has passed today: say which day" };
  return { due: toMoment(instant, now.timeZone), day, isHour: isBare, notes };
}

/** A task is due by a day, not before or after one. */
function readBound(tokens: readonly Token[], at: number, now: Now): Phrase<Due> | undefined {
  const phrase = readDue(tokens, at + 1, now);
  return phrase && { value: { problem: "say the day it is due, such as “by friday”" }, next: phrase.next };
}

function afterJoint(tokens: readonly Token[], at: number, joint: string): number {
  return follow(tokens, at, joint) ?? at;
}
