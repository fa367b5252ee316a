import type { Phrase } from "./day-phrase.ts";
import { follow, followAny, type Token } from "./tokens.ts";
import { MONTHS, readCount, readPlace, WEEKDAYS } from "./vocabulary.ts";

/** The days of a rule; or why a phrase, though it speaks of repeating, names none. */
type Base = { readonly rule: string; readonly note?: string } | { readonly problem: string };

type ReadBase = (tokens: readonly Token[], at: number) => Phrase<Base> | undefined;

const UNITS: readonly (readonly [words: string, frequency: string, interval: number])[] = [
  ["day|days", "DAILY", 1],
  ["week|weeks", "WEEKLY", 1],
  ["fortnight", "WEEKLY", 2],
  ["month|months", "MONTHLY", 1],
  ["quarter|quarters", "MONTHLY", 3],
  ["year|years", "YEARLY", 1],
];
const ADVERBS: readonly (readonly [words: string, frequency: string, interval: number])[] = [
  ["daily|everyday", "DAILY", 1],
  ["weekly", "WEEKLY", 1],
  ["fortnightly", "WEEKLY", 2],
  ["monthly", "MONTHLY", 1],
  ["quarterly", "MONTHLY", 3],
  ["yearly|annually", "YEARLY", 1],
];
const OF_MONTH = ["of the|each|every month", "in the|each|every month"];
const WORKING_DAYS = "MO,TU,WE,TH,FR";

/** Reads the days on which something recurs; the first reading that fits counts. */
export const readBase: ReadBase = (tokens, at) => {
  for (const read of [readAdverb, readOfEveryMonth, readEvery, readPlural]) {
    const phrase = read(tokens, at);
    if (phrase !== undefined) return phrase;
  }
  return undefined;
};

/** `weekly`, `monthly on the 1st`, `once a week`. */
const readAdverb: ReadBase = (tokens, at) => {
  const once = follow(tokens, at, "once a|every|per");
  for (const [words, frequency, interval] of once === undefined ? ADVERBS : UNITS) {
    const next = follow(tokens, once ?? at, words);
    if (next !== undefined) return withDays(tokens, next, frequency, interval);
  }
  return undefined;
};

/** `on the 1st of every month`, `the last friday of each month`. */
const readOfEveryMonth: ReadBase = (tokens, at) => {
  const begun = follow(tokens, at, "on? the");
  const days = begun === undefined ? undefined : readDaysOfMonth(tokens, begun);
  const next = days && followAny(tokens, days.next, ["of|in each|every month"]);
  return next === undefined || days === undefined ? undefined : { value: { rule: `FREQ=MONTHLY${days.value}` }, next };
};

const readEvery: ReadBase = (tokens, at) => {
  const begun = follow(tokens, at, "on? every|each");
  if (begun === undefined) return undefined;
  const ofMonth = readDaysOfMonth(tokens, begun);
  const monthly = ofMonth && followAny(tokens, ofMonth.next, OF_MONTH);
  if (ofMonth !== undefined && monthly !== undefined) {
    return { value: { rule: `FREQ=MONTHLY${ofMonth.value}` }, next: monthly };
  }
  const { step, next } = readStep(tokens, begun);
  for (const [words, frequency, interval] of UNITS) {
    const unit = follow(tokens, next, words);
    if (unit !== undefined)
      return asked(tokens, begun, step, withDays(tokens, unit, frequency, interval * (step ?? 1)));
  }
  const date = readYearDay(tokens, begun);
  if (date !== undefined) return { value: { rule: `FREQ=YEARLY${date.value}` }, next: date.next };
  return asked(tokens, begun, step, readWeekdaysEvery(tokens, next, step));
};

/** "Every first friday" leaves open of what it is the first. */
function asked(tokens: readonly Token[], at: number, step: number | undefined, phrase: Phrase<Base> | undefined) {
  const isOpen = step === 1 || step === -1;
  if (phrase === undefined || !isOpen || readCount(tokens[at]?.key) !== undefined) return phrase;
  return { value: { problem: "say of what, such as “every first friday of the month”" }, next: phrase.next };
}

/** `other`, `second`, `2`, `two`: every which one. */
function readStep(tokens: readonly Token[], at: number): { step: number | undefined; next: number } {
  const key = tokens[at]?.key;
  const step = key === "other" ? 2 : (readPlace(key) ?? (/^an?$/.test(key ?? "") ? undefined : readCount(key)));
  return { step, next: step === undefined ? at : at + 1 };
}

/** Behind "every": `tuesday`, `monday and thursday`, `weekday`, `second tuesday`. */
function readWeekdaysEvery(tokens: readonly Token[], at: number, step = 1): Phrase<Base> | undefined {
  const working = followAny(tokens, at, ["weekday|workday|weekdays|workdays", "working|business day|days"]);
  const weekend = follow(tokens, at, "weekend|weekends");
  const days = readWeekdays(tokens, at);
  const named = working === undefined ? (weekend === undefined ? days?.value : "SA,SU") : WORKING_DAYS;
  const next = working ?? weekend ?? days?.next;
  if (named === undefined || next === undefined) return undefined;
  if (step === 1 || step === -1) return { value: { rule: `FREQ=WEEKLY;BYDAY=${named}` }, next };
  if (days === undefined) return { value: { problem: "name the days, such as “every 2 weeks on monday”" }, next };
  const note = `That is every ${step} weeks; for once a month say “of the month”.`;
  return { value: { rule: `FREQ=WEEKLY;INTERVAL=${step};BYDAY=${named}`, note }, next };
}

/** `on mondays`, `on weekdays`: several of them, one each week. */
const readPlural: ReadBase = (tokens, at) => {
  const begun = follow(tokens, at, "on");
  const token = tokens[begun ?? at]?.key ?? "";
  if (begun === undefined || !/^(?:\w+days|weekends)$/.test(token)) return undefined;
  return readWeekdaysEvery(tokens, begun);
};

/** A unit, and the days within it where they are said: `week on monday`, `month on the 1st`, `year on 5 December`. */
function withDays(tokens: readonly Token[], at: number, frequency: string, interval: number): Phrase<Base> {
  const rule = `FREQ=${frequency}${interval === 1 ? "" : `;INTERVAL=${interval}`}`;
  const on = follow(tokens, at, "on the?");
  const weekdays = on === undefined ? undefined : readWeekdays(tokens, on);
  const days =
    on === undefined
      ? undefined
      : frequency === "WEEKLY"
        ? weekdays && { ...weekdays, value: `;BYDAY=${weekdays.value}` }
        : frequency === "MONTHLY"
          ? readDaysOfMonth(tokens, on)
          : frequency === "YEARLY"
            ? readYearDay(tokens, on)
            : undefined;
  return { value: { rule: `${rule}${days?.value ?? ""}` }, next: days?.next ?? at };
}

/** `1st`, `1st and 15th`, `last day`, `second tuesday`, as the parts of a rule. */
function readDaysOfMonth(tokens: readonly Token[], at: number): Phrase<string> | undefined {
  const place = readPlace(tokens[at]?.key);
  if (place === undefined) return undefined;
  const day = follow(tokens, at + 1, "day");
  const weekday = day === undefined ? readWeekdays(tokens, at + 1) : undefined;
  if (weekday !== undefined && !weekday.value.includes(",") && Math.abs(place) <= 5) {
    return { value: `;BYDAY=${place}${weekday.value}`, next: weekday.next };
  }
  if (place === -1) return day === undefined ? undefined : { value: ";BYMONTHDAY=-1", next: day };
  if (place > 31 || (!/\d/.test(tokens[at]?.key ?? "") && day === undefined)) return undefined;
  const second = follow(tokens, day ?? at + 1, "and the?");
  const other = second === undefined ? undefined : readPlace(tokens[second]?.key);
  if (second === undefined || other === undefined || other > 31) {
    return { value: `;BYMONTHDAY=${place}`, next: day ?? at + 1 };
  }
  return { value: `;BYMONTHDAY=${place},${other}`, next: second + 1 };
}

/** `5 December`, `December 5th`. */
function readYearDay(tokens: readonly Token[], at: number): Phrase<string> | undefined {
  const keys = [tokens[at]?.key ?? "", tokens[follow(tokens, at + 1, "of") ?? at + 1]?.key ?? ""];
  const month = MONTHS.findIndex((name) => keys.includes(name)) + 1;
  const date = Number(
    keys.map((key) => /^(\d{1,2})(?:st|nd|rd|th)?$/.exec(key)?.[1]).find((digits) => digits !== undefined),
  );
  if (month === 0 || !(date >= 1 && date <= 31)) return undefined;
  return { value: `;BYMONTH=${month};BYMONTHDAY=${date}`, next: (follow(tokens, at + 1, "of") ?? at + 1) + 1 };
}

/** `tuesday`, `mon, wed and fri`, as a rule names them. */
function readWeekdays(tokens: readonly Token[], at: number): Phrase<string> | undefined {
  const names: string[] = [];
  let next = at;
  for (let name = readWeekday(tokens[next]); name !== undefined; ) {
    names.push(name);
    const joint = followAny(tokens, next + 1, [", and", ",|and|&"]);
    name = joint === undefined ? undefined : readWeekday(tokens[joint]);
    next = name === undefined || joint === undefined ? next + 1 : joint;
  }
  return names.length === 0 ? undefined : { value: [...new Set(names)].join(","), next };
}

function readWeekday(token: Token | undefined): string | undefined {
  const key = token?.kind === "word" ? token.key.replace(/(?<=day)s$/, "") : "";
  const name = WEEKDAYS.find((day) => day === key || (/^(?:tues|thur|thurs|\w{3})$/.test(key) && day.startsWith(key)));
  return name?.slice(0, 2).toUpperCase();
}
