import { Temporal } from "temporal-polyfill";
import { expect, it } from "vitest";
import { momentAt, showMoment, weekdayOf } from "../../src/moment.ts";

it.each([
  ["2026-12-01T04:30:00Z", "America/Bogota", "2026-11-30T23:30:00-05:00"],
  ["2026-12-01T04:30:00.250Z", "UTC", "2026-12-01T04:30:00.250+00:00"],
  ["2026-07-01T00:00:00Z", "Europe/Berlin", "2026-07-01T02:00:00+02:00"],
  ["2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-25T02:30:00+02:00"],
  ["2026-10-25T01:30:00Z", "Europe/Berlin", "2026-10-25T02:30:00+01:00"],
  ["2026-07-01T00:00:00Z", "Asia/Kathmandu", "2026-07-01T05:45:00+05:45"],
  ["2026-07-01T00:00:00Z", "America/St_Johns", "2026-06-30T21:30:00-02:30"],
  ["2026-10-03T15:45:00Z", "Australia/Lord_Howe", "2026-10-04T02:45:00+11:00"],
  ["1970-01-01T00:00:00Z", "Africa/Monrovia", "1969-12-31T23:16:00-00:44"],
  ["9999-12-31T23:00:00Z", "Asia/Tokyo", "9999-12-31T23:00:00Z"],
  ["1900-01-01T00:00:00Z", "America/New_York", "1899-12-31T19:00:00-05:00"],
])("%s in %s is %s, and the same moment", (moment, timeZone, shown) => {
  expect(showMoment(new Date(moment), timeZone)).toBe(shown);
  expect(Date.parse(shown)).toBe(Date.parse(moment));
});

it.each([
  ...["America/New_York", "Europe/London", "Australia/Lord_Howe"],
  ...["America/Santiago", "Africa/Cairo", "Asia/Kathmandu"],
])(
  "times that the clock in %s skips or shows twice, and those about them, are the moments that Temporal has",
  (zone) => {
    const end = Temporal.ZonedDateTime.from(`2036-01-01T00:00[${zone}]`);
    let turn = Temporal.ZonedDateTime.from(`2026-01-01T00:00[${zone}]`).getTimeZoneTransition("next");
    const days = ["2026-06-01T12:00:00"];
    for (; turn !== null && turn.epochMilliseconds < end.epochMilliseconds; turn = turn.getTimeZoneTransition("next")) {
      days.push(turn.toPlainDateTime().toString());
    }
    for (const day of days) {
      for (let minutes = -180; minutes <= 180; minutes += 15) {
        const time = Temporal.PlainDateTime.from(day).add({ minutes });
        const { epochMilliseconds } = time.toZonedDateTime(zone, { disambiguation: "compatible" });
        const shown = time.toString({ smallestUnit: "second" });
        expect(momentAt(shown, zone).getTime(), shown).toBe(epochMilliseconds);
      }
    }
  },
);

it("a day of the week is the person's", () => {
  expect(weekdayOf(new Date("2026-12-01T04:30:00Z"), "America/Bogota")).toBe("Monday");
  expect(weekdayOf(new Date("2026-12-01T04:30:00Z"), "UTC")).toBe("Tuesday");
});

it.each(["UTC", "America/Bogota", "Pacific/Kiritimati", "Australia/Lord_Howe", "Africa/Monrovia"])(
  "the days of the week in %s are those that the platform names",
  (timeZone) => {
    const named = new Intl.DateTimeFormat("en", { timeZone, weekday: "long" });
    const hours = Array.from({ length: 8 * 24 }, (_, hour) => hour * 3_600_000);
    for (const start of ["1969-12-28T00:00:00.5Z", "2026-03-27T00:00:00Z", "2026-10-02T00:00:00Z"]) {
      const moments = hours.map((after) => new Date(Date.parse(start) + after));
      expect(moments.map((moment) => weekdayOf(moment, timeZone))).toEqual(
        moments.map((moment) => named.format(moment)),
      );
    }
  },
);
