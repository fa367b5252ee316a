import { daysInMonth, toDay } from "./calendar.ts";

/** From the rarest to the most frequent. */
const FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"] as const;
type Frequency = (typeof FREQUENCIES)[number];

/** The days of the week as RFC 5545 writes them; Monday is 0. */
const WEEKDAYS: readonly string[] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/** A day of the week, or the nth of a month or a year: from its end where n is below zero. */
export interface WeekdayPart {
  readonly weekday: number;
  readonly ordinal: number | undefined;
}

/** When a series ends: by the person's clock, or at a moment where it is written with Z. */
interface Until {
  /** `2026-12-31T23:59:59`. */
  readonly time: string;
  readonly isUtc: boolean;
}

/** A rule of RFC 5545 section 3.3.10, as far as tasks recur by it. A list that is empty says nothing. */
export interface Rule {
  readonly frequency: Frequency;
  readonly interval: number;
  readonly count: number | undefined;
  readonly until: Until | undefined;
  readonly months: readonly number[];
  readonly weekNumbers: readonly number[];
  readonly yearDays: readonly number[];
  readonly monthDays: readonly number[];
  readonly weekdays: readonly WeekdayPart[];
  readonly hours: readonly number[];
  readonly minute: number | undefined;
  readonly positions: readonly number[];
  readonly weekStart: number;
}

/** Why a text is no rule that tasks recur by; the message says what would be. */
export class RuleError extends Error {
  override readonly name = "RuleError";
}

const LONGEST = 300;
const MOST_INTERVAL = 1000;
/** A task that is there once is in no series. */
const LEAST_COUNT = 2;
const MOST_COUNT = 10_000;

const EXAMPLE = "such as FREQ=WEEKLY;INTERVAL=2;BYDAY=TU";
const PARTS = [
  ...["FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY", "BYHOUR"],
  ...["BYMINUTE", "BYSECOND", "BYSETPOS", "WKST"],
];
/** The parts that say nothing of when it recurs but how often. */
const BARE: readonly string[] = ["FREQ", "INTERVAL"];

/**
 * Reads a rule as people and models write it: `RRULE:` before it, small letters, spaces and a last semicolon are taken.
 *
 * @returns the rule, and its text as it is kept
 * @throws RuleError
 */
export function readRule(written: string): { readonly rule: Rule; readonly text: string } {
  const parts = split(written);
  const rule = {
    frequency: readFrequency(parts.get("FREQ")),
    interval: readNumber(parts, "INTERVAL", 1, MOST_INTERVAL) ?? 1,
    count: readNumber(parts, "COUNT", LEAST_COUNT, MOST_COUNT),
    until: readUntil(parts.get("UNTIL")),
    months: readList(parts, "BYMONTH", 1, 12),
    weekNumbers: readSignedList(parts, "BYWEEKNO", 53),
    yearDays: readSignedList(parts, "BYYEARDAY", 366),
    monthDays: readSignedList(parts, "BYMONTHDAY", 31),
    weekdays: readWeekdays(parts.get("BYDAY")),
    hours: readList(parts, "BYHOUR", 0, 23),
    minute: readMinute(parts),
    positions: readSignedList(parts, "BYSETPOS", 366),
    weekStart: readWeekStart(parts.get("WKST")),
  };
  requireMeaning(rule, parts);
  const text = PARTS.flatMap((name) => (parts.has(name) && name !== "BYSECOND" ? [`${name}=${parts.get(name)}`] : []));
  return { rule, text: text.join(";") };
}

/** Whether a rule says at which time of the day a task recurs, so that a whole day cannot be when it is due. */
export function isTimed({ frequency, hours, minute }: Rule): boolean {
  return frequency === "HOURLY" || hours.length > 0 || minute !== undefined;
}

/** Whether a rule has but a frequency and an interval, as one has to that counts from when a task was completed. */
export function isBare(text: string): boolean {
  return text.split(";").every((part) => BARE.includes(part.split("=", 1)[0] ?? ""));
}

function split(written: string): Map<string, string> {
  if (written.length > LONGEST) throw new RuleError(`must be a rule of at most ${LONGEST} characters, ${EXAMPLE}`);
  const text = written
    .trim()
    .toUpperCase()
    .replace(/^RRULE:/, "")
    .replaceAll(/\s/g, "");
  if (/DTSTART/.test(text)) throw new RuleError("must be a rule without DTSTART: it starts when the task is due");
  const parts = new Map<string, string>();
  for (const part of text.split(";").filter((each) => each !== "")) {
    const [, name, value] = /^([A-Z-]+)=(.+)$/.exec(part) ?? [];
    if (name === undefined || value === undefined || !PARTS.includes(name))
      throw new RuleError(`must be an RRULE of RFC 5545, ${EXAMPLE}; its parts are ${PARTS.join(", ")}`);
    if (parts.has(name)) throw new RuleError(`must have ${name} once, ${EXAMPLE}`);
    parts.set(name, value);
  }
  return parts;
}

function readFrequency(value: string | undefined): Frequency {
  const frequency = FREQUENCIES.find((each) => each === value);
  if (frequency !== undefined) return frequency;
  if (value === "MINUTELY" || value === "SECONDLY")
    throw new RuleError(`must recur hourly at most: FREQ is one of ${FREQUENCIES.join(", ")}`);
  throw new RuleError(`must have FREQ, one of ${FREQUENCIES.join(", ")}, ${EXAMPLE}`);
}

function readNumber(parts: ReadonlyMap<string, string>, name: string, least: number, most: number): number | undefined {
  const value = parts.get(name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d{1,9}$/.test(value) || number < least || number > most)
    throw new RuleError(`must have ${name} from ${least} to ${most}`);
  return number;
}

function readList(parts: ReadonlyMap<string, string>, name: string, least: number, most: number): number[] {
  const numbers = (parts.get(name)?.split(",") ?? []).map((item) =>
    /^\d{1,3}$/.test(item) ? Number(item) : Number.NaN,
  );
  if (numbers.every((number) => number >= least && number <= most)) return inOrder(numbers);
  throw new RuleError(`must have numbers from ${least} to ${most} in ${name}`);
}

function readSignedList(parts: ReadonlyMap<string, string>, name: string, most: number): number[] {
  const items = parts.get(name)?.split(",") ?? [];
  const numbers = items.map((item) => (/^[+-]?\d{1,3}$/.test(item) ? Number(item) : Number.NaN));
  if (numbers.every((number) => Math.abs(number) >= 1 && Math.abs(number) <= most)) return inOrder(numbers);
  throw new RuleError(`must have numbers from 1 to ${most} or -${most} to -1 in ${name}`);
}

function inOrder(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((one, other) => one - other);
}

function readWeekdays(value: string | undefined): WeekdayPart[] {
  return (value?.split(",") ?? []).map((item) => {
    const [, ordinal, name = ""] = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(item) ?? [];
    const weekday = WEEKDAYS.indexOf(name);
    const number = ordinal === undefined ? undefined : Number(ordinal);
    if (weekday === -1 || number === 0 || (number !== undefined && Math.abs(number) > 53))
      throw new RuleError(
        `must have days of the week in BYDAY: ${WEEKDAYS.join(", ")}, with a number before where it is the 2nd (2TU) or the last (-1FR)`,
      );
    return { weekday, ordinal: number };
  });
}

/** A task recurs at one minute of the hour, which people's rules name. */
function readMinute(parts: ReadonlyMap<string, string>): number | undefined {
  const second = parts.get("BYSECOND");
  if (second !== undefined && Number(second) !== 0)
    throw new RuleError("must recur hourly at most: leave BYSECOND out");
  const minute = parts.get("BYMINUTE");
  if (minute?.includes(",")) throw new RuleError("must recur hourly at most: one minute in BYMINUTE");
  return readNumber(parts, "BYMINUTE", 0, 59);
}

function readWeekStart(value: string | undefined): number {
  const weekday = value === undefined ? 0 : WEEKDAYS.indexOf(value);
  if (weekday === -1) throw new RuleError(`must have a day of the week as WKST: one of ${WEEKDAYS.join(", ")}`);
  return weekday;
}

function readUntil(value: string | undefined): Until | undefined {
  if (value === undefined) return undefined;
  const digits = /^(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)(Z)?)?$/.exec(value);
  const [, year = "", month = "", day = "", hour = "23", minute = "59", second = "59", zulu] = digits ?? [];
  const time = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const exists =
    digits !== null &&
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    Number(day) <= daysInMonth(Number(year), Number(month)) &&
    Number(hour) <= 23 &&
    Number(minute) <= 59 &&
    Number(second) <= 59 &&
    toDay(Number(year), 1, 1) >= 0;
  if (!exists) throw new RuleError("must have a day that exists as UNTIL, such as 20271231 or 20271231T170000");
  return { time, isUtc: zulu !== undefined };
}

/** @throws RuleError where its parts do not go together (RFC 5545 section 3.3.10) */
function requireMeaning(
  rule: Omit<Rule, "frequency"> & { readonly frequency: Frequency },
  parts: ReadonlyMap<string, string>,
) {
  const { frequency, weekdays, positions } = rule;
  const within = (name: string, allowed: readonly Frequency[]) => {
    if (parts.has(name) && !allowed.includes(frequency))
      throw new RuleError(`must leave ${name} out with FREQ=${frequency}: it goes with ${allowed.join(", ")}`);
  };
  if (rule.count !== undefined && rule.until !== undefined)
    throw new RuleError("must end by COUNT or by UNTIL, not by both");
  within("BYWEEKNO", ["YEARLY"]);
  within("BYYEARDAY", ["YEARLY", "HOURLY"]);
  within("BYMONTHDAY", ["YEARLY", "MONTHLY", "DAILY", "HOURLY"]);
  within("BYSETPOS", ["YEARLY", "MONTHLY", "WEEKLY", "DAILY"]);
  if (
    weekdays.some(({ ordinal }) => ordinal !== undefined) &&
    (!["YEARLY", "MONTHLY"].includes(frequency) || parts.has("BYWEEKNO"))
  )
    throw new RuleError(
      "must have days without numbers in BYDAY here: 2TU goes with MONTHLY, and with YEARLY without BYWEEKNO",
    );
  if (positions.length > 0 && !PARTS.some((name) => name.startsWith("BY") && name !== "BYSETPOS" && parts.has(name)))
    throw new RuleError("must have another BY part beside BYSETPOS, such as BYDAY=MO,TU,WE,TH,FR");
}
