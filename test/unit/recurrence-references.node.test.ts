import "temporal-polyfill/global";
import * as fc from "fast-check";
import rrule from "rrule";
import { RRuleTemporal } from "rrule-temporal";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import { momentAt } from "../../src/moment.ts";
import { findOccurrences } from "../../src/recurrence/occurrences.ts";
import { readRule } from "../../src/recurrence/rule.ts";

// What a rule gives, held against two implementations that have nothing in common with ours: `rrule`, by a clock that is never
// put forward or back, and `rrule-temporal`, in a time zone. Left out is what one of them gets wrong: days of the week with and
// without a number in one list, a 53rd day of the week in years that have 52 (both), and hours out of order (`rrule`). What
// `rrule-temporal` does otherwise than we do is told by `isTakenOtherwise`; test/unit/recurrence-rules says what ours is there.

const YEARS = 10;
const MOST = 60;
const WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
/** Put forward and back on other days, by half an hour, at midnight, south of the equator, and never. */
const ZONES = [
  ...["America/New_York", "Europe/London", "Australia/Lord_Howe"],
  ...["America/Santiago", "Africa/Cairo", "Asia/Kathmandu"],
];

type Part = fc.Arbitrary<string>;

const join = (...parts: readonly Part[]): Part => fc.tuple(...parts).map((each) => each.join(""));
const part = (name: string, items: fc.Arbitrary<readonly (string | number)[]>): Part =>
  items.map((list) => `;${name}=${list.join(",")}`);
const perhaps = (one: Part): Part => fc.oneof({ weight: 2, arbitrary: one }, { weight: 1, arbitrary: fc.constant("") });
const some = <Item>(items: readonly Item[], most: number) => fc.subarray([...items], { minLength: 1, maxLength: most });
const counted = (most: number, length: number) =>
  fc.uniqueArray(fc.oneof(fc.integer({ min: 1, max: most }), fc.integer({ min: -most, max: -1 })), {
    minLength: 1,
    maxLength: length,
  });
const frequency = (name: string): Part =>
  fc.integer({ min: 1, max: 4 }).map((interval) => `FREQ=${name};INTERVAL=${interval}`);

const months = part("BYMONTH", some([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 4));
const hours = part(
  "BYHOUR",
  some(
    Array.from({ length: 24 }, (_, hour) => hour),
    3,
  ),
);
const weekdays = part("BYDAY", some(WEEKDAYS, 4));
const monthDays = part("BYMONTHDAY", counted(31, 4));
const weekStart = fc.constantFrom("", ";WKST=SU", ";WKST=MO", ";WKST=WE");
const numbered = (numbers: readonly number[]): Part =>
  part(
    "BYDAY",
    fc.uniqueArray(
      fc.tuple(fc.constantFrom(...numbers), fc.constantFrom(...WEEKDAYS)).map(([number, day]) => `${number}${day}`),
      { minLength: 1, maxLength: 3 },
    ),
  );

const yearlyToDaily = [
  join(frequency("DAILY"), perhaps(weekdays), perhaps(hours), perhaps(months), perhaps(monthDays)),
  join(frequency("WEEKLY"), perhaps(weekdays), perhaps(hours), perhaps(months), weekStart),
  join(frequency("MONTHLY"), perhaps(weekdays), perhaps(hours), perhaps(months), perhaps(monthDays)),
  join(frequency("MONTHLY"), numbered([1, 2, 3, 4, 5, -1, -2, -5]), perhaps(hours), perhaps(months)),
  join(frequency("MONTHLY"), weekdays, perhaps(part("BYSETPOS", counted(4, 1)))),
  join(frequency("YEARLY"), perhaps(months), perhaps(monthDays), perhaps(hours)),
  join(frequency("YEARLY"), months, numbered([1, 2, 4, -1, -3])),
  join(frequency("YEARLY"), numbered([1, 2, 20, 52, -1, -10])),
  join(frequency("YEARLY"), part("BYYEARDAY", counted(366, 3)), perhaps(hours)),
  join(frequency("YEARLY"), weekdays, perhaps(months), perhaps(part("BYSETPOS", counted(20, 1)))),
];
const weekNumbers = join(frequency("YEARLY"), part("BYWEEKNO", counted(52, 3)), weekdays, weekStart);
const hourly = join(frequency("HOURLY"), perhaps(weekdays), perhaps(hours), perhaps(months));

/** A time of ten years, at each hour alike. */
const starts = fc
  .tuple(fc.integer({ min: 0, max: 3650 }), fc.integer({ min: 0, max: 23 }))
  .map(([day, hour]) =>
    new Date(Date.UTC(2020, 0, 1 + day, hour, 30)).toISOString().slice(0, "2020-01-01T00:30:00".length),
  );

function tenYearsAfter(start: string): Date {
  const end = new Date(`${start}Z`);
  end.setUTCFullYear(end.getUTCFullYear() + YEARS);
  return end;
}

/** What comes after the start in ten years, the first of it. */
function ours(text: string, start: string): readonly string[] {
  const end = tenYearsAfter(start).toISOString();
  const { times } = findOccurrences(readRule(text).rule, { start, from: start, most: MOST });
  return times.filter((time) => time > start && time <= end);
}

/** A time by the clock of a zone, as answers show it. */
function momentOf(time: string, zone: string): string {
  return momentAt(time, zone).toISOString();
}

/** Whether the clock of a zone skips a time. Of those `rrule-temporal` moves some on, as we do, and leaves others out. */
function isSkipped(time: string, zone: string): boolean {
  const there = Temporal.PlainDateTime.from(time).toZonedDateTime(zone, { disambiguation: "compatible" });
  return there.toPlainDateTime().toString() !== time;
}

/**
 * Whether `rrule-temporal` takes a rule otherwise: it moves a start that the clock skips, and all that comes after it by as much; it leaves
 * some skipped times out before it counts positions; and it counts intervals of numbered weeks by the calendar's years.
 */
function isTakenOtherwise(text: string, start: string, zone: string): boolean {
  const [day = "", time = ""] = start.split("T");
  const isAtTurnOfYear = day.slice(5) >= "12-26" || day.slice(5) <= "01-06";
  if (isSkipped(start, zone)) return true;
  if (text.includes("BYWEEKNO") && !text.includes("INTERVAL=1;") && isAtTurnOfYear) return true;
  return text.includes("BYSETPOS") && transitionsOf(start, zone).some((date) => isSkipped(`${date}T${time}`, zone));
}

/** The days of ten years and a little more on which the clock of a zone is put forward or back. */
function transitionsOf(start: string, zone: string): string[] {
  const end = Temporal.PlainDate.from(start).add({ years: YEARS + 1 });
  const dates: string[] = [];
  let next = Temporal.PlainDateTime.from(start)
    .toZonedDateTime(zone)
    .subtract({ months: 1 })
    .getTimeZoneTransition("next");
  while (next !== null && Temporal.PlainDate.compare(next.toPlainDate(), end) < 0) {
    dates.push(next.toPlainDate().toString());
    next = next.getTimeZoneTransition("next");
  }
  return dates;
}

/** As `rrule-temporal` has it, no more than are asked for. */
function byTemporal(text: string, start: string, zone: string, most: number): readonly string[] {
  const rule = new RRuleTemporal({
    rruleString: `DTSTART;TZID=${zone}:${start.replaceAll(/[-:]/g, "")}\nRRULE:${text}`,
    maxIterations: 200_000,
  });
  const beginning = momentOf(start, zone);
  return rule
    .all((_, index) => index <= most)
    .map((moment) => new Date(moment.epochMilliseconds).toISOString())
    .filter((moment) => moment > beginning)
    .slice(0, most);
}

function byRrule(text: string, start: string, most: number): readonly string[] {
  const options = rrule.RRule.parseString(text);
  const rule = new rrule.RRule({ ...options, dtstart: new Date(`${start}Z`), until: tenYearsAfter(start) });
  return rule
    .all((_, index) => index <= most)
    .map((date) => date.toISOString().slice(0, start.length))
    .filter((time) => time > start)
    .slice(0, most);
}

const RUNS = { numRuns: 25 };

describe("occurrences in ten years", () => {
  it.each(ZONES)("are those of rrule-temporal in %s", async (zone) => {
    await fc.assert(
      fc.property(fc.oneof(...yearlyToDaily, weekNumbers), starts, (text, start) => {
        fc.pre(!isTakenOtherwise(text, start, zone));
        const expected = ours(text, start);
        // It looks on for ever where there is none.
        fc.pre(expected.length > 0);
        const skipped = new Set(expected.filter((time) => isSkipped(time, zone)).map((time) => momentOf(time, zone)));
        const theirs = byTemporal(text, start, zone, expected.length).filter((moment) => !skipped.has(moment));
        const moments = expected.map((time) => momentOf(time, zone)).filter((moment) => !skipped.has(moment));
        expect(theirs.slice(0, moments.length), text).toEqual(moments);
      }),
      RUNS,
    );
  });

  it("by the hour are those of rrule-temporal where no clock is put forward", async () => {
    await fc.assert(
      fc.property(hourly, starts, (text, start) => {
        const expected = ours(text, start);
        fc.pre(expected.length > 0);
        expect(
          expected.map((time) => momentOf(time, "UTC")),
          text,
        ).toEqual(byTemporal(text, start, "UTC", expected.length));
      }),
      RUNS,
    );
  });

  it("are those of rrule", async () => {
    await fc.assert(
      fc.property(fc.oneof(...yearlyToDaily, hourly), starts, (text, start) => {
        const expected = ours(text, start);
        fc.pre(expected.length > 0);
        expect(expected, text).toEqual(byRrule(text, start, expected.length));
      }),
      RUNS,
    );
  });

  it("are as many with COUNT as it says, the start among them", async () => {
    await fc.assert(
      fc.property(fc.oneof(...yearlyToDaily, hourly), starts, fc.integer({ min: 2, max: 20 }), (text, start, count) => {
        const all = findOccurrences(readRule(text).rule, { start, from: start, most: MOST }).times;
        const bounded = findOccurrences(readRule(`${text};COUNT=${count}`).rule, { start, from: start, most: MOST });
        fc.pre(all.length >= count);
        expect(bounded.times).toEqual(all.slice(0, count));
        expect(bounded.isEnd).toBe(true);
      }),
      RUNS,
    );
  });
});
