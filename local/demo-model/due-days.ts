import { addDays, addMonths, type Now, weekdayOf } from "./calendar.ts";
import { type Phrase, readDay, readSpan } from "./day-phrase.ts";
import { follow, followAny, spell, type Token } from "./tokens.ts";
import { type Selection, type Unclear, unclear } from "./wish.ts";

type Filter = Selection["filter"];

/** The days that tasks are due on. */
export type DueDays = Filter & { readonly isDue?: true };

/** `today`, `due this week`, `by friday`, `overdue`, `in the next 3 days`. */
export function readDueDays(tokens: readonly Token[], at: number, now: Now): Phrase<DueDays | Unclear> | undefined {
  const overdue = followAny(tokens, at, ["overdue", "past due", "late"]);
  if (overdue !== undefined) return { value: { status: "open", due: "overdue" }, next: overdue };
  const undated = followAny(tokens, at, ["without a? due? date|day", "with no due? date|day", "undated"]);
  if (undated !== undefined) return { value: { due: "no_date" }, next: undated };
  const hasDue = follow(tokens, at, "due");
  const isDue = hasDue === undefined ? {} : { isDue: true as const };
  const begun = hasDue ?? at;
  const range = readRange(tokens, begun, now);
  if (range !== undefined) return { value: { ...isDue, ...range.value }, next: range.next };
  const bound = follow(tokens, begun, "by|until|till|before|after|since");
  const phrase =
    readDay(tokens, bound ?? follow(tokens, begun, "on|for|in") ?? begun, now) ?? readDay(tokens, begun, now);
  if (phrase === undefined) return undefined;
  if ("problem" in phrase.value) {
    return { value: unclear(spell(tokens.slice(at, phrase.next)), phrase.value.problem), next: phrase.next };
  }
  const { day } = phrase.value;
  const key = bound === undefined ? "on" : (tokens[begun]?.key ?? "on");
  return { value: { ...isDue, ...bounded(key, day) }, next: phrase.next };
}

function bounded(word: string, day: string): Filter {
  if (word === "before") return { due_before: day };
  if (word === "after") return { due_from: addDays(day, 1) };
  if (word === "since") return { due_from: day };
  if (word === "on") return { due_from: day, due_before: addDays(day, 1) };
  return { due_before: addDays(day, 1) };
}

/** Weeks begin on Monday here (ISO 8601); which days are due this week the server says. */
function readRange(tokens: readonly Token[], at: number, { day }: Now): Phrase<Filter> | undefined {
  const begun = follow(tokens, at, "in|for|within|on? the?") ?? at;
  const monday = addDays(day, 1 - weekdayOf(day));
  const first = `${day.slice(0, 7)}-01`;
  const week = follow(tokens, begun, "this|current week");
  if (week !== undefined) {
    return { value: { due: "this_week", due_from: monday, due_before: addDays(monday, 7) }, next: week };
  }
  const ranges: readonly (readonly [pattern: string, from: string, before: string])[] = [
    ["next|coming|following week", addDays(monday, 7), addDays(monday, 14)],
    ["this? weekend", addDays(monday, 5), addDays(monday, 7)],
    ["this|current month", first, addMonths(first, 1)],
    ["next|coming|following month", addMonths(first, 1), addMonths(first, 2)],
  ];
  for (const [pattern, due_from, due_before] of ranges) {
    const next = follow(tokens, begun, pattern);
    if (next !== undefined) return { value: { due_from, due_before }, next };
  }
  const coming = follow(tokens, begun, "next|coming") ?? follow(tokens, at, "within the?");
  const span = coming === undefined ? undefined : readSpan(tokens, coming);
  return span && { value: { due_from: day, due_before: addDays(span.value(day), 1) }, next: span.next };
}
