import { describe, expect, it } from "vitest";
import { findFirst, findOccurrences } from "../../src/recurrence/occurrences.ts";
import { isBare, isTimed, RuleError, readRule } from "../../src/recurrence/rule.ts";
import { ruleInWords } from "../../src/recurrence/words.ts";

const START = "1997-09-02T09:00:00";

function times(text: string, start = START, most = 12): readonly string[] {
  return findOccurrences(readRule(text).rule, { start, from: start, most }).times;
}

/** As days: `1997-09-02` of a time at 9:00, and any other time as it is. */
function days(text: string, start = START, most = 12): string[] {
  return times(text, start, most).map((time) => (time.endsWith("T09:00:00") ? time.slice(0, 10) : time));
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

describe("the examples of RFC 5545, section 3.8.5.3", () => {
  it.each<[rule: string, days: string, start?: string]>([
    ["FREQ=DAILY;COUNT=10", "1997-09-02 03 04 05 06 07 08 09 10 11"],
    ["FREQ=DAILY;INTERVAL=2", "1997-09-02 04 06 08 10 12 14 16 18 20 22 24"],
    ["FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02 12 22 1997-10-02 12"],
    ["FREQ=DAILY;BYMONTH=1", "1998-01-01 02 03 04 05 06 07 08 09 10 11 12", "1998-01-01T09:00:00"],
    [
      "FREQ=YEARLY;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
      "1998-01-01 02 03 04 05 06 07 08 09 10 11 12",
      "1998-01-01T09:00:00",
    ],
    ["FREQ=WEEKLY;COUNT=10", "1997-09-02 09 16 23 30 1997-10-07 14 21 28 1997-11-04"],
    [
      "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
      "1997-09-02 16 30 1997-10-14 28 1997-11-11 25 1997-12-09 23 1998-01-06 20 1998-02-03",
    ],
    ["FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997-09-02 04 09 11 16 18 23 25 30 1997-10-02"],
    [
      "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE,FR",
      "1997-09-01 03 05 15 17 19 29 1997-10-01 03 13 15 17",
      "1997-09-01T09:00:00",
    ],
    ["FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "1997-09-02 04 16 18 30 1997-10-02 14 16"],
    [
      "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
      "1997-09-05 1997-10-03 1997-11-07 1997-12-05 1998-01-02 1998-02-06 1998-03-06 1998-04-03 1998-05-01 1998-06-05",
      "1997-09-05T09:00:00",
    ],
    [
      "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
      "1997-09-07 28 1997-11-02 30 1998-01-04 25 1998-03-01 29 1998-05-03 31",
      "1997-09-07T09:00:00",
    ],
    [
      "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
      "1997-09-22 1997-10-20 1997-11-17 1997-12-22 1998-01-19 1998-02-16",
      "1997-09-22T09:00:00",
    ],
    [
      "FREQ=MONTHLY;BYMONTHDAY=-3",
      "1997-09-28 1997-10-29 1997-11-28 1997-12-29 1998-01-29 1998-02-26",
      "1997-09-28T09:00:00",
    ],
    ["FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "1997-09-02 15 1997-10-02 15 1997-11-02 15 1997-12-02 15 1998-01-02 15"],
    [
      "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
      "1997-09-30 1997-10-01 31 1997-11-01 30 1997-12-01 31 1998-01-01 31 1998-02-01",
      "1997-09-30T09:00:00",
    ],
    [
      "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
      "1997-09-10 11 12 13 14 15 1999-03-10 11 12 13",
      "1997-09-10T09:00:00",
    ],
    ["FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "1997-09-02 09 16 23 30 1997-11-04 11 18 25 1998-01-06 13 20"],
    [
      "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
      "1997-06-10 1997-07-10 1998-06-10 1998-07-10 1999-06-10 1999-07-10 2000-06-10 2000-07-10 2001-06-10 2001-07-10",
      "1997-06-10T09:00:00",
    ],
    [
      "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
      "1997-03-10 1999-01-10 1999-02-10 1999-03-10 2001-01-10 2001-02-10 2001-03-10 2003-01-10 2003-02-10 2003-03-10",
      "1997-03-10T09:00:00",
    ],
    [
      "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
      "1997-01-01 1997-04-10 1997-07-19 2000-01-01 2000-04-09 2000-07-18 2003-01-01 2003-04-10 2003-07-19 2006-01-01",
      "1997-01-01T09:00:00",
    ],
    ["FREQ=YEARLY;BYDAY=20MO", "1997-05-19 1998-05-18 1999-05-17", "1997-05-19T09:00:00"],
    ["FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12 1998-05-11 1999-05-17", "1997-05-12T09:00:00"],
    [
      "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
      "1997-03-13 20 27 1998-03-05 12 19 26 1999-03-04 11 18 25",
      "1997-03-13T09:00:00",
    ],
    [
      "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
      "1997-06-05 12 19 26 1997-07-03 10 17 24 31 1997-08-07 14 21",
      "1997-06-05T09:00:00",
    ],
    ["FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1997-09-02 1998-02-13 1998-03-13 1998-11-13 1999-08-13 2000-10-13"],
    [
      "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
      "1997-09-13 1997-10-11 1997-11-08 1997-12-13 1998-01-10 1998-02-07",
      "1997-09-13T09:00:00",
    ],
    [
      "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
      "1996-11-05 2000-11-07 2004-11-02",
      "1996-11-05T09:00:00",
    ],
    ["FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04 1997-10-07 1997-11-06", "1997-09-04T09:00:00"],
    [
      "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
      "1997-09-29 1997-10-30 1997-11-27 1997-12-30 1998-01-29 1998-02-26 1998-03-30",
      "1997-09-29T09:00:00",
    ],
    ["FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000", "1997-09-02 1997-09-02T12:00:00 1997-09-02T15:00:00"],
    ["FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05 10 19 24", "1997-08-05T09:00:00"],
    ["FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05 17 19 31", "1997-08-05T09:00:00"],
    ["FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15 30 2007-02-15 2007-03-15 30", "2007-01-15T09:00:00"],
  ])("%s", (rule, expected, start = START) => {
    let month = "";
    const wanted = expected.split(" ").map((day) => {
      if (day.length === 2) return `${month}-${day}`;
      month = day.slice(0, 7);
      return day;
    });
    const { until } = readRule(rule).rule;
    const found = findOccurrences(readRule(rule).rule, {
      start,
      from: start,
      most: wanted.length,
      until: until?.time,
    }).times;
    expect(found.map((time) => (time.endsWith("T09:00:00") ? time.slice(0, 10) : time))).toEqual(wanted);
  });
});

describe("occurrences", () => {
  it("of whole days are whole days", () => {
    expect(days("FREQ=MONTHLY;BYMONTHDAY=31", "2027-01-31", 4)).toEqual([
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
