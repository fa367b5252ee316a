import { describe, expect, it } from "vitest";
import { findFirst, findOccurrences } from "../../src/recurrence/occurrences.ts";
import { isBare, isTimed, RuleError, readRule } from "../../src/recurrence/rule.ts";
import { ruleInWords } from "../../src/recurrence/words.ts";

const START = "1997-09-02T09:00:00";

function times(text: string, start = START, most = 12): readonly string[] {
  return findOccurrences(readRule(text).rule, { start, from: start, most }).times;
}

it.each(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"])("FREQ=%s has no times in years of five digits", (name) => {
  const rule = `FREQ=${name}`;
  expect(times(rule, "10000-01-01T08:00:00")).toEqual([]);
  expect(times(rule, "9999-12-31T00:00:00")).toEqual([]);
  for (const time of times(`${rule};BYHOUR=9`, "9998-12-20T09:00:00", 10_000)) expect(time).toMatch(/^999[89]-/);
});

// Where rrule-temporal has others, which test/unit/recurrence-references leaves out for that.
it.each([
  ["FREQ=YEARLY;INTERVAL=2;BYWEEKNO=-1;BYDAY=SU", "2025-12-29", ["2027-01-03", "2028-12-31", "2030-12-29"]],
  ["FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=FR", "2024-12-31", ["2025-01-03", "2027-01-08", "2029-01-05"]],
  ["FREQ=YEARLY;BYDAY=SU;BYMONTH=5;BYSETPOS=1", "2021-03-28", ["2021-05-02", "2022-05-01", "2023-05-07"]],
  ["FREQ=MONTHLY;BYDAY=SU;BYSETPOS=2", "2020-01-01", ["2020-01-12", "2020-02-09", "2020-03-08"]],
])("%s from %s on counts weeks by their own years, and positions whatever clocks skip", (rule, start, expected) => {
  for (const time of ["T00:30:00", "T02:30:00"]) {
    expect(times(rule, start + time, 4)).toEqual([start, ...expected].map((day) => day + time));
  }
});

describe("occurrences", () => {
  it("of whole days are whole days", () => {
    expect(times("FREQ=MONTHLY;BYMONTHDAY=31", "2027-01-31", 4)).toEqual([
      "2027-01-31",
      "2027-03-31",
      "2027-05-31",
      "2027-07-31",
    ]);
  });

  it("begin with the start, which counts also where the rule would not give it", () => {
    expect(times("FREQ=WEEKLY;BYDAY=TH;COUNT=3", "2026-12-01")).toEqual(["2026-12-01", "2026-12-03", "2026-12-10"]);
  });

  it("are found from any time on as from the start, without those before", () => {
    for (const text of [
      "FREQ=HOURLY;INTERVAL=7",
      "FREQ=DAILY;INTERVAL=5;BYMONTH=1,7",
      "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU",
      "FREQ=MONTHLY;INTERVAL=5;BYDAY=-1FR",
      "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1,53;BYDAY=MO,SU",
      "FREQ=DAILY;COUNT=700",
    ]) {
      const { rule } = readRule(text);
      const all = findOccurrences(rule, { start: START, from: START, most: 500 }).times;
      for (const from of all.slice(0, -20).filter((_, index) => index % 37 === 1)) {
        const found = findOccurrences(rule, { start: START, from, most: 20 }).times;
        expect(found, `${text} from ${from}`).toEqual(all.slice(all.indexOf(from), all.indexOf(from) + 20));
        expect(found.length).toBeGreaterThan(0);
      }
    }
  });

  it("end with COUNT and UNTIL, and where there are none in ten years", () => {
    const end = (text: string, most = 64) =>
      findOccurrences(readRule(text).rule, {
        start: "2026-12-01",
        from: "2026-12-01",
        most,
        until: readRule(text).rule.until?.time,
      }).isEnd;
    expect([
      end("FREQ=DAILY;COUNT=3"),
      end("FREQ=DAILY;UNTIL=20261203"),
      end("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
    ]).toEqual([true, true, true]);
    expect([end("FREQ=DAILY"), end("FREQ=YEARLY"), end("FREQ=DAILY;COUNT=3", 2)]).toEqual([false, false, false]);
  });

  it("of a rule that never fits are given up after ten years of days", () => {
    for (const text of [
      "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
      "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31;BYHOUR=1,2,3",
      "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
      "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    ])
      expect(times(text, "2026-12-01T09:00:00")).toEqual(["2026-12-01T09:00:00"]);
  });

  it.each([
    ["FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "2026-11-28", "2026-12-01"],
    ["FREQ=DAILY;INTERVAL=3", "2026-11-28", "2026-11-28"],
    ["FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=15", "2026-11-28", "2026-12-15"],
    ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2026-11-28", "2028-02-29"],
    ["FREQ=DAILY;BYHOUR=9,17", "2026-11-28T12:00:00", "2026-11-28T17:00:00"],
    ["FREQ=DAILY;BYHOUR=9;BYMINUTE=30", "2026-11-28T12:00:00", "2026-11-29T09:30:00"],
    ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "2026-11-28", undefined],
  ])("%s of a task without a date, from %s on, begin at %s", (text, from, first) => {
    expect(findFirst(readRule(text).rule, from)).toBe(first);
  });
});

describe("a rule", () => {
  it("is taken as people and models write it", () => {
    expect(readRule(" rrule:freq=weekly; byday=tu ;interval=2;").text).toBe("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU");
    expect(readRule("FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0").text).toBe("FREQ=DAILY;BYHOUR=9;BYMINUTE=0");
    expect(readRule("FREQ=DAILY;UNTIL=20271231T235959Z").rule.until).toEqual({
      time: "2027-12-31T23:59:59",
      isUtc: true,
    });
    expect(readRule("FREQ=DAILY;UNTIL=20271231").rule.until).toEqual({ time: "2027-12-31T23:59:59", isUtc: false });
  });

  it.each([
    ["every Tuesday", "must be an RRULE of RFC 5545, such as FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"],
    ["", "must have FREQ, one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY"],
    ["BYDAY=TU", "must have FREQ, one of YEARLY"],
    ["FREQ=FORTNIGHTLY", "must have FREQ, one of YEARLY"],
    ["FREQ=MINUTELY", "must recur hourly at most"],
    ["FREQ=DAILY;BYSECOND=30", "must recur hourly at most: leave BYSECOND out"],
    ["FREQ=HOURLY;BYMINUTE=0,30", "must recur hourly at most: one minute in BYMINUTE"],
    ["FREQ=DAILY;FREQ=WEEKLY", "must have FREQ once"],
    ["FREQ=DAILY;INTERVAL=0", "must have INTERVAL from 1 to 1000"],
    ["FREQ=DAILY;INTERVAL=-1", "must have INTERVAL from 1 to 1000"],
    ["FREQ=DAILY;COUNT=0", "must have COUNT from 2 to 10000"],
    ["FREQ=DAILY;COUNT=1", "must have COUNT from 2 to 10000"],
    ["FREQ=DAILY;COUNT=3;UNTIL=20271231", "must end by COUNT or by UNTIL, not by both"],
    ["FREQ=DAILY;UNTIL=20270231", "must have a day that exists as UNTIL, such as 20271231"],
    ["FREQ=WEEKLY;BYDAY=XX", "must have days of the week in BYDAY: MO, TU"],
    ["FREQ=WEEKLY;BYDAY=2TU", "must have days without numbers in BYDAY here"],
    ["FREQ=MONTHLY;BYDAY=0TU", "must have days of the week in BYDAY"],
    ["FREQ=MONTHLY;BYMONTHDAY=32", "must have numbers from 1 to 31 or -31 to -1 in BYMONTHDAY"],
    ["FREQ=MONTHLY;BYMONTH=13", "must have numbers from 1 to 12 in BYMONTH"],
    [
      "FREQ=WEEKLY;BYMONTHDAY=1",
      "must leave BYMONTHDAY out with FREQ=WEEKLY: it goes with YEARLY, MONTHLY, DAILY, HOURLY",
    ],
    ["FREQ=MONTHLY;BYWEEKNO=3", "must leave BYWEEKNO out with FREQ=MONTHLY: it goes with YEARLY"],
    ["FREQ=MONTHLY;BYSETPOS=1", "must have another BY part beside BYSETPOS"],
    ["FREQ=DAILY;WKST=XX", "must have a day of the week as WKST"],
    ["DTSTART:20261201\nRRULE:FREQ=DAILY", "must be a rule without DTSTART"],
    [`FREQ=DAILY;BYMONTHDAY=${"1,".repeat(200)}1`, "must be a rule of at most 300 characters"],
  ])("%s is refused", (text, message) => {
    expect(() => readRule(text)).toThrow(RuleError);
    expect(() => readRule(text)).toThrow(message);
  });

  it("says whether it has a time, and whether it may count from completion", () => {
    const timed = ["FREQ=HOURLY", "FREQ=DAILY;BYHOUR=9", "FREQ=DAILY"].map((text) => isTimed(readRule(text).rule));
    expect(timed).toEqual([true, true, false]);
    expect([isBare("FREQ=DAILY;INTERVAL=3"), isBare("FREQ=WEEKLY;BYDAY=TU")]).toEqual([true, false]);
  });

  it.each([
    ["FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "every 2 weeks on Tuesday"],
    ["FREQ=MONTHLY;BYDAY=2TU", "every month on the 2nd Tuesday"],
    ["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"],
    ["FREQ=DAILY;BYDAY=FR,TH,WE,TU,MO", "every weekday"],
    ["FREQ=WEEKLY;BYDAY=SA,SU", "every Saturday and Sunday"],
    ["FREQ=WEEKLY;BYDAY=MO,WE,FR", "every Monday, Wednesday and Friday"],
    ["FREQ=DAILY", "every day"],
    ["FREQ=HOURLY;INTERVAL=6", "every 6 hours"],
    ["FREQ=MONTHLY;BYMONTHDAY=-1", "every month on the last day"],
    ["FREQ=MONTHLY;BYMONTHDAY=1,15", "every month on the 1st and 15th"],
    ["FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last weekday"],
    ["FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", "every month on the 13th, if it is Friday"],
    ["FREQ=MONTHLY;INTERVAL=3;BYDAY=-1FR", "every 3 months on the last Friday"],
    ["FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "every year on the 4th Thursday in November"],
    ["FREQ=YEARLY;BYYEARDAY=100", "every year on the 100th day of the year"],
    ["FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "every year on Monday in week 20"],
    ["FREQ=DAILY;BYHOUR=9,17;BYMINUTE=30", "every day at 09:30 and 17:30"],
    ["FREQ=DAILY;UNTIL=20271231", "every day, until 2027-12-31"],
    ["FREQ=DAILY;COUNT=10", "every day, 10 times"],
    ["FREQ=MONTHLY;BYMONTHDAY=-2,11,22", "every month on the 2nd to last day, 11th and 22nd"],
  ])("%s is %s in words", (text, words) => {
    expect(ruleInWords(readRule(text).text)).toBe(words);
  });

  it("that counts from completion says so", () => {
    expect(ruleInWords("FREQ=DAILY;INTERVAL=3", true)).toBe("every 3 days after completion");
  });
});
