import { addDays, addMonths, makeDay, type Now, nameDay, weekdayOf } from "./calendar.ts";
import { follow, followAny, type Token } from "./tokens.ts";
import { MONTHS, readCount, WEEKDAYS } from "./vocabulary.ts";

/** What a phrase says, and the place of the token behind it. */
export interface Phrase<Value> {
  readonly value: Value;
  readonly next: number;
}

/** A day, and what to tell of it; or why a phrase, though it speaks of time, names none. */
export type Day =
  | { readonly day: string; readonly note?: string; readonly part?: string | undefined }
  | { readonly problem: string };

type ReadDay = (tokens: readonly Token[], at: number, now: Now) => Phrase<Day> | undefined;

const PART = "morning|afternoon|evening|night";

/** Reads `today`, `next friday`, `in 3 days`, `5 December` and so on; the first reading that fits counts. */
export function readDay(tokens: readonly Token[], at: number, now: Now): Phrase<Day> | undefined {
  for (const read of [
    readNearDay,
    readDistance,
    readWeekday,
    readIsoDate,
    readMonthDate,
    readDateOfMonth,
    readVagueDay,
  ]) {
    const phrase = read(tokens, at, now);
    if (phrase !== undefined) return phrase;
  }
  return undefined;
}

const near: readonly (readonly [patterns: readonly string[], days: number])[] = [
  [["the? day after tomorrow"], 2],
  [["tomorrow"], 1],
  [["today", "tonight", `this ${PART}`], 0],
  [["the? day before yesterday"], -2],
  [["yesterday"], -1],
];

const readNearDay: ReadDay = (tokens, at, now) => {
  for (const [patterns, days] of near) {
    const next = followAny(tokens, at, patterns);
    if (next === undefined) continue;
    const day = addDays(now.day, days);
    const withPart = follow(tokens, next, PART);
    if (withPart === undefined) return { value: { day }, next };
    return { value: { day, part: tokens[next]?.key }, next: withPart };
  }
  return undefined;
};

/** Reads `3 days`, `a week`, `two months` as what is added to a day. */
export function readSpan(tokens: readonly Token[], at: number): Phrase<(day: string) => string> | undefined {
  const count = readCount(tokens[at]?.key);
  if (count === undefined) return undefined;
  const unit = tokens[at + 1]?.key.replace(/s$/, "");
  const next = at + 2;
  if (unit === "day") return { value: (day) => addDays(day, count), next };
  if (unit === "week") return { value: (day) => addDays(day, 7 * count), next };
  if (unit === "month") return { value: (day) => addMonths(day, count), next };
  return undefined;
}

const readDistance: ReadDay = (tokens, at, now) => {
  const begun = follow(tokens, at, "in");
  const span = readSpan(tokens, begun ?? at);
  if (span === undefined) return undefined;
  const next = begun === undefined ? followAny(tokens, span.next, ["from now", "from today"]) : span.next;
  return next === undefined ? undefined : { value: { day: span.value(now.day) }, next };
};

const readWeekday: ReadDay = (tokens, at, now) => {
  const hasThis = follow(tokens, at, "the? this|coming");
  const hasNext = follow(tokens, at, "next");
  const begun = hasThis ?? hasNext ?? at;
  const place = findName(WEEKDAYS, tokens[begun]?.key, hasThis ?? hasNext ?? hasPreposition(tokens, at));
  if (place === undefined) return undefined;
  const dateAt = follow(tokens, begun + 1, ",") ?? begun + 1;
  const date = readMonthDate(tokens, dateAt, now) ?? readDateOfMonth(tokens, dateAt, now);
  if (date !== undefined) {
    const isSame = "problem" in date.value || weekdayOf(date.value.day) === place;
    return isSame ? date : { value: { problem: "that date is another day of the week" }, next: date.next };
  }
  const withPart = follow(tokens, begun + 1, PART);
  const part = withPart === undefined ? {} : { part: tokens[begun + 1]?.key };
  const next = withPart ?? begun + 1;
  const today = weekdayOf(now.day);
  if (hasNext !== undefined) {
    const day = addDays(now.day, 7 - today + place);
    return { value: { day, note: `I took “next ${WEEKDAYS[place - 1]}” for ${nameDay(day)}.`, ...part }, next };
  }
  if (place === today && hasThis === undefined) {
    return { value: { problem: "that is today: say “today”, or “in 7 days”" }, next };
  }
  if (place < today && tokens[at]?.key === "this") return { value: { problem: "that has passed this week" }, next };
  return { value: { day: addDays(now.day, (place - today + 7) % 7), ...part }, next };
};

const readIsoDate: ReadDay = (tokens, at) => {
  const [, year, month, date] = /^(\d{4})-(\d\d?)-(\d\d?)$/.exec(tokens[at]?.key ?? "") ?? [];
  if (year === undefined) return undefined;
  return { value: existing(Number(year), Number(month), Number(date)), next: at + 1 };
};

/** `5 December`, `the 5th of December 2027`, `December 5th, 2027`. */
const readMonthDate: ReadDay = (tokens, at, now) => {
  const begun = follow(tokens, at, "the") ?? at;
  const dateFirst = readDate(tokens[begun]?.key);
  const monthAt = dateFirst === undefined ? at : (follow(tokens, begun + 1, "of") ?? begun + 1);
  const month = findName(MONTHS, tokens[monthAt]?.key, 1);
  const date = dateFirst ?? readDate(tokens[monthAt + 1]?.key);
  if (month === undefined || date === undefined) return undefined;
  const next = dateFirst === undefined ? monthAt + 2 : monthAt + 1;
  const yearAt = follow(tokens, next, ",") ?? next;
  const year = /^[12]\d{3}$/.exec(tokens[yearAt]?.key ?? "")?.[0];
  if (year !== undefined) return { value: existing(Number(year), month, date), next: yearAt + 1 };
  const thisYear = Number(now.day.slice(0, 4));
  const day = makeDay(thisYear, month, date);
  return { value: day !== undefined && day >= now.day ? { day } : existing(thisYear + 1, month, date), next };
};

/** `the 5th`: the next one there is. */
const readDateOfMonth: ReadDay = (tokens, at, now) => {
  const next = follow(tokens, at, "the *");
  const date = readDate(tokens[at + 1]?.key);
  if (next === undefined || date === undefined || !/\D$/.test(tokens[at + 1]?.key ?? "")) return undefined;
  for (const month of [now.day, addMonths(now.day, 1), addMonths(now.day, 2)]) {
    const day = makeDay(Number(month.slice(0, 4)), Number(month.slice(5, 7)), date);
    if (day !== undefined && day >= now.day) return { value: { day }, next };
  }
  return undefined;
};

const VAGUE = [
  "next|this week|month|year|weekend|quarter",
  "the? end of the|this|next? week|month|year|day",
  "the? weekend",
  "one|some day",
  "soon|later|someday|asap|eventually|sometime|whenever",
  "right? now",
  `in|by|next|this|early|late ${MONTHS.join("|")}`,
  "every|each other|second? *",
  "daily|weekly|monthly|yearly|annually|hourly|everyday",
  "once|twice a|per *",
];

/** What speaks of a time and leaves the day open, and what recurs. */
const readVagueDay: ReadDay = (tokens, at) => {
  const next = followAny(tokens, at, VAGUE);
  if (next !== undefined) {
    const recurs = /^(?:every|each|once|twice|.*ly$|everyday)/.test(tokens[at]?.key ?? "");
    const early = /^(?:early|late)/.test(tokens[at]?.key ?? "");
    const problem =
      recurs && !early
        ? "say it as “every 2 weeks on friday” or “every month on the 1st”"
        : "that is no day: name one, such as “next friday”";
    return { value: { problem }, next };
  }
  const isNumeric = /^\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?$/.test(tokens[at]?.key ?? "");
  // Behind no preposition, 5.12 is as likely a version or a price.
  if (!isNumeric || !(hasPreposition(tokens, at) || tokens[at]?.key.includes("/"))) return undefined;
  return { value: { problem: "write a date as 2026-12-05 or 5 December" }, next: at + 1 };
};

/** Short names of weekdays and months count only behind a preposition: the sun is no Sunday. */
function findName(names: readonly string[], key: string | undefined, allowsShort: number | undefined) {
  const index = names.findIndex((name) => {
    if (key === name) return true;
    return (
      allowsShort !== undefined && /^(?:tues|thur|thurs|sept|\w{3})$/.test(key ?? "") && name.startsWith(key ?? "-")
    );
  });
  return index < 0 ? undefined : index + 1;
}

function hasPreposition(tokens: readonly Token[], at: number): number | undefined {
  return at > 0 ? follow(tokens, at - 1, "on|by|until|till|for|due|to|before|after") : undefined;
}

function readDate(key: string | undefined): number | undefined {
  const digits = /^(\d{1,2})(?:st|nd|rd|th)?$/.exec(key ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function existing(year: number, month: number, date: number): Day {
  const day = makeDay(year, month, date);
  return day === undefined || year < 1900 ? { problem: "there is no such day" } : { day };
}
