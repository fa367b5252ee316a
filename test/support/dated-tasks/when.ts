import * as fc from "fast-check";

/** When a task is due, or may begin: a day of the calendar, a moment, or never. */
export type When = string | Date | undefined;

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Far apart on both sides, with odd offsets, and some that change their clocks, at midnight too. */
export const ZONES = [
  ...["Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Apia", "Asia/Kathmandu", "America/New_York", "Europe/London"],
  ...["Australia/Lord_Howe", "America/St_Johns", "America/Santiago", "America/Havana", "Atlantic/Azores", "UTC"],
];

/** Days on which one of them changes its clock, or skips the day; a leap day, and the first and the last days that can be due. */
const ODD_DAYS = [
  ...["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01", "2027-04-04", "2027-09-05"],
  ...["1994-12-31", "2011-12-30", "2028-02-29", "1900-01-01", "9998-12-31"],
];

/** Moments about which one of them changes its clock: New York, London and the Azores, Havana, Santiago. */
const ODD_MOMENTS = ["2026-11-01T05:45:00Z", "2026-10-25T00:30:00Z", "2026-11-01T04:15:00Z", "2027-04-04T03:30:00Z"];

/** A day so many days after another. */
export function plusDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);
}

export const anyDay = fc.oneof(
  fc.constantFrom(...ODD_DAYS),
  fc.integer({ min: -40 * 365, max: 60 * 365 }).map((days) => plusDays("2026-11-29", days)),
);

const anyMoment = fc.oneof(
  fc.constantFrom(...ODD_MOMENTS).map((moment) => new Date(moment)),
  fc.integer({ min: Date.UTC(1972) / 1000, max: Date.UTC(2090) / 1000 }).map((seconds) => new Date(seconds * 1000)),
);

export const anyWhen: fc.Arbitrary<When> = fc.oneof(
  { weight: 4, arbitrary: anyDay },
  { weight: 2, arbitrary: anyMoment },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

const clocks = new Map<string, Intl.DateTimeFormat>();

/** What the clock in a time zone shows, and how far it is ahead of UTC, as told by what knows nothing of ours. */
function clockIn(timeZone: string, moment: Date): { day: string; time: string; offset: string } {
  const clock =
    clocks.get(timeZone) ??
    new Intl.DateTimeFormat("sv-SE", {
      ...{ timeZone, dateStyle: undefined, year: "numeric", month: "2-digit", day: "2-digit" },
      ...{ hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "longOffset" },
    });
  clocks.set(timeZone, clock);
  const [day = "", time = "", zone = ""] = clock.format(moment).split(" ");
  return { day, time, offset: zone.replace("GMT", "").replace("−", "-") || "+00:00" };
}

/** The day of a moment, or the day itself. */
export function dayOf(when: string | Date, timeZone: string): string {
  return typeof when === "string" ? when : clockIn(timeZone, when).day;
}

/** How an answer has to show it. */
export function shown(when: When, timeZone: string): string | undefined {
  if (when === undefined || typeof when === "string") return when;
  const { day, time, offset } = clockIn(timeZone, when);
  return `${day}T${time}${offset}`;
}

/** How a moment may be written; `clock` is by the person's, without an offset. */
export const notations = ["utc", "offset", "clock"] as const;
export type Notation = (typeof notations)[number];

/** What to send for it, and what that means: a time that the person's clock shows twice is the first of the two. */
export function written(when: When, notation: Notation, timeZone: string): { text: string | undefined; means: When } {
  if (when === undefined || typeof when === "string") return { text: when, means: when };
  if (notation === "utc") return { text: when.toISOString(), means: when };
  if (notation === "offset") {
    const local = new Date(when.getTime() + 330 * MINUTE).toISOString();
    return { text: local.replace(".000Z", "+05:30"), means: when };
  }
  const { day, time } = clockIn(timeZone, when);
  const before = [30, 60].map((minutes) => new Date(when.getTime() - minutes * MINUTE));
  const first = before.find((moment) => clockIn(timeZone, moment).time === time);
  return { text: `${day}T${time}`, means: first ?? when };
}
