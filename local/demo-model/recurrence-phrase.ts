import type { Now } from "./calendar.ts";
import { type Phrase, readDay } from "./day-phrase.ts";
import { readBase } from "./recurrence-days.ts";
import { readTime, type Time } from "./time-phrase.ts";
import { follow, followAny, type Token } from "./tokens.ts";
import { readCount } from "./vocabulary.ts";

/** How a task recurs, as the tools take it, and what to tell of it; or why a phrase does not say how. */
export type Recurrence =
  | {
      /** A rule of RFC 5545. */
      readonly recurrence: string;
      readonly recurrence_from?: "completion";
      /** When the first one is due, where that is said. */
      readonly due?: string;
      readonly notes: readonly string[];
    }
  | { readonly problem: string };

const AFTER = [
  "after completion",
  "after it|it's|that is? done|completed|finished",
  "after i did|finished|completed it",
  "after doing|completing|finishing it",
];

/** Reads `every second tuesday`, `every weekday at 9`, `monthly on the 1st`, `at 9am every 2 days until 5 December`. */
export function readRecurrence(tokens: readonly Token[], at: number, now: Now): Phrase<Recurrence> | undefined {
  const early = readTime(tokens, at);
  const begun = early?.next ?? at;
  const base = readBase(tokens, follow(tokens, begun, "repeating|repeat|repeats|recurring") ?? begun);
  if (base === undefined) return undefined;
  if ("problem" in base.value) return { value: base.value, next: base.next };
  const late = early === undefined ? readHour(tokens, base.next) : undefined;
  const time = early?.value ?? late?.value;
  const timed = late?.next ?? base.next;
  if (time !== undefined && "problem" in time) return { value: time, next: timed };
  const after = followAny(tokens, timed, AFTER);
  const end = readEnd(tokens, after ?? timed, now);
  const ended = end?.next ?? after ?? timed;
  const started = follow(tokens, ended, "starting|beginning on?");
  const start = started === undefined ? undefined : readDay(tokens, started, now);
  const next = start?.next ?? ended;
  const [last, first] = [end?.value ?? { part: "" }, start?.value];
  if ("problem" in last) return { value: last, next };
  if (first !== undefined && "problem" in first) return { value: first, next };
  const { rule, note } = base.value;
  const clock = time === undefined ? "" : readClock(time.time);
  if (after !== undefined && (rule.includes("BY") || clock !== "" || last.part !== "")) {
    return { value: { problem: "from completion only days, weeks, months and years are counted" }, next };
  }
  const recurrence = {
    // In the order in which the server keeps the parts.
    recurrence: `${rule}${clock}`.replace(/(?=;BY)|$/, last.part),
    ...(after !== undefined && { recurrence_from: "completion" as const }),
    ...(first !== undefined && { due: time === undefined ? first.day : `${first.day}T${time.time}` }),
    notes: [note, late?.value.note].filter((each) => each !== undefined),
  };
  return { value: recurrence, next };
}

function readClock(time: string): string {
  const [hour, minute] = time.split(":").map(Number);
  return `;BYHOUR=${hour};BYMINUTE=${minute}`;
}

/** What recurs "at 9" does so in the morning; at 5 it could be either. */
function readHour(tokens: readonly Token[], at: number): Phrase<Time & { readonly note?: string }> | undefined {
  const hour = /^(?:7|8|9|10|11)$/.exec(follow(tokens, at, "at") === undefined ? "" : (tokens[at + 1]?.key ?? ""))?.[0];
  const isBare = hour !== undefined && followAny(tokens, at + 2, ["am|pm", "o'clock"]) === undefined;
  if (!isBare) return readTime(tokens, at);
  const time = `${hour.padStart(2, "0")}:00`;
  return { value: { time, note: `I took “at ${hour}” for ${time}.` }, next: at + 2 };
}

/** `until 5 December`, `10 times`. */
function readEnd(
  tokens: readonly Token[],
  at: number,
  now: Now,
): Phrase<{ part: string } | { problem: string }> | undefined {
  const until = follow(tokens, at, "until|till|through");
  const day = until === undefined ? undefined : readDay(tokens, until, now);
  if (day !== undefined) {
    const { value, next } = day;
    return { value: "problem" in value ? value : { part: `;UNTIL=${value.day.replaceAll("-", "")}` }, next };
  }
  const counted = follow(tokens, at, "for") ?? at;
  const count = readCount(tokens[counted]?.key);
  const next = follow(tokens, counted + 1, "times");
  return count === undefined || next === undefined ? undefined : { value: { part: `;COUNT=${count}` }, next };
}
