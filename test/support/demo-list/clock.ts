const DAY = 86_400_000;

/** A zone in which it is between 10 and 11 in the morning now, so that 5pm is to come and 8am has passed. */
const MORNING = 10;
/** In hours. */
export const offset = ((MORNING - new Date().getUTCHours() + 36) % 24) - 12;
export const timeZone = `Etc/GMT${offset > 0 ? "-" : "+"}${Math.abs(offset)}`;
const here = new Date(Date.now() + offset * 3_600_000);

/** The day so many days from today, where the person is. */
export function day(later: number): string {
  return new Date(here.getTime() + later * DAY).toISOString().slice(0, 10);
}

/** The number of days to the next such weekday that is not today: 1 is Monday. */
function daysTo(weekday: number): number {
  return ((weekday - (here.getUTCDay() || 7) + 6) % 7) + 1;
}

/** The clock's hour and minute in so many minutes. */
export function clockIn(minutes: number): string {
  return new Date(here.getTime() + minutes * 60_000).toISOString().slice(0, 16).replace("T", " ");
}

const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

/** A weekday to come that is not today, and how many days it is to it. */
const place = daysTo(5) === 7 ? 6 : 5;
const name = weekdays[place - 1] ?? "";
export const weekday = { name, byDay: name.slice(0, 2).toUpperCase(), place, in: daysTo(place) };

/** The days to the Monday of this week: none, or less. */
export const toMonday = daysTo(1) - 7;

export const nextYear = Number(day(0).slice(0, 4)) + 1;
