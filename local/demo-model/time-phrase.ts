import type { Now } from "./calendar.ts";
import type { Phrase } from "./day-phrase.ts";
import { follow, type Token } from "./tokens.ts";
import { readCount } from "./vocabulary.ts";

/** A time of the day, `HH:MM`; or why a phrase, though it speaks of an hour, names none. */
export type Time = { readonly time: string } | { readonly problem: string };

/** Reads `at 5pm`, `17:30`, `at 5:30 pm`, `at noon`; "at 5" could be morning or afternoon. */
export function readTime(tokens: readonly Token[], at: number): Phrase<Time> | undefined {
  const begun = follow(tokens, at, "at") ?? follow(tokens, at, "by");
  const from = begun ?? at;
  const key = tokens[from]?.key ?? "";
  if (key === "noon" || key === "midday") return { value: { time: "12:00" }, next: from + 1 };
  if (key === "midnight") {
    return { value: { problem: "midnight belongs to two days: say 23:59, or 00:00 of the next" }, next: from + 1 };
  }
  const [, hours, minutes, joined] = /^(\d{1,2})(?:[:.](\d\d))?(am|pm)?$/.exec(key) ?? [];
  if (hours === undefined) return undefined;
  const half = joined ?? /^(?:am|pm)$/.exec(tokens[from + 1]?.key ?? "")?.[0];
  const withHalf = half !== undefined && joined === undefined ? from + 2 : from + 1;
  const next = follow(tokens, withHalf, "o'clock") ?? withHalf;
  // A bare number is an hour only behind "at" or "by".
  const isClock = half !== undefined || key.includes(":") || /^(?:at|by)$/.test(tokens[from - 1]?.key ?? "");
  return isClock ? { value: readClock(hours, minutes, half), next } : undefined;
}

/** 17:00, 05:30 and 10:30 are read as clocks of 24 hours show them; 5 and 5:30 could be either half of the day. */
function readClock(digits: string, minutes: string | undefined, half: string | undefined): Time {
  const hour = Number(digits);
  const minute = minutes ?? "00";
  if (Number(minute) > 59 || hour > 23 || (half !== undefined && (hour < 1 || hour > 12))) {
    return { problem: "there is no such time" };
  }
  if (half !== undefined) {
    return { time: `${String((hour % 12) + (half === "pm" ? 12 : 0)).padStart(2, "0")}:${minute}` };
  }
  const isOpen = hour >= 1 && hour <= 11 && (minutes === undefined || digits.length === 1);
  if (!isOpen) return { time: `${digits.padStart(2, "0")}:${minute}` };
  const clock = minutes === undefined ? String(hour) : `${hour}:${minute}`;
  return { problem: `say ${clock}am or ${clock}pm` };
}

/** Reads `in 2 hours`, `an hour from now`, `in 30 minutes`, `in half an hour`. */
export function readWait(tokens: readonly Token[], at: number, now: Now): Phrase<Date> | undefined {
  const half = follow(tokens, at, "in half an hour");
  if (half !== undefined) return { value: later(now, 30), next: half };
  const begun = follow(tokens, at, "in");
  const count = readCount(tokens[begun ?? at]?.key);
  const unit = (begun ?? at) + 1;
  const hours = follow(tokens, unit, "hour|hours|hr|hrs|h");
  const named = hours ?? follow(tokens, unit, "minute|minutes|min|mins");
  const next = named === undefined || begun !== undefined ? named : follow(tokens, named, "from now");
  if (count === undefined || next === undefined) return undefined;
  return { value: later(now, hours === undefined ? count : 60 * count), next };
}

function later({ instant }: Now, minutes: number): Date {
  return new Date(instant.getTime() + minutes * 60_000);
}
