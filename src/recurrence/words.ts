import { isBare, type Rule, readRule, type WeekdayPart } from "./rule.ts";

const UNITS = { YEARLY: "year", MONTHLY: "month", WEEKLY: "week", DAILY: "day", HOURLY: "hour" };
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

/**
 * A kept rule in words: `every 2 weeks on Tuesday`, `every month on the 2nd Tuesday`, `every weekday`.
 *
 * @param isFromCompletion whether it counts from when a task was completed
 */
export function ruleInWords(text: string, isFromCompletion = false): string {
  const { rule } = readRule(text);
  if (isFromCompletion && isBare(text)) return `${tellFrequency(rule)} after completion`;
  const every = [tellDays(rule), tellTimes(rule)].filter((part) => part !== "").join(" ");
  return `${every}${tellEnd(rule)}`;
}

function tellDays(rule: Rule): string {
  const { frequency, interval, months, monthDays, yearDays, weekNumbers } = rule;
  const week = nameWeek(rule);
  const isPlainWeek = (frequency === "WEEKLY" || frequency === "DAILY") && interval === 1 && week !== "";
  if (isPlainWeek && monthDays.length === 0 && rule.positions.length === 0) return `every ${week}${tellMonths(months)}`;
  const days = [
    monthDays.length > 0 && `the ${list(monthDays.map(countedDay))}`,
    yearDays.length > 0 && `the ${list(yearDays.map(counted))} day of the year`,
    week !== "" && `${rule.weekdays.some(({ ordinal }) => ordinal !== undefined) ? "the " : ""}${week}`,
  ].filter((part) => part !== false);
  const on = days.length > 0 ? ` on ${tellPlace(rule)}${days.join(", if it is ")}` : "";
  const weeks = weekNumbers.length > 0 ? ` in week ${list(weekNumbers.map(String))}` : "";
  return `${tellFrequency(rule)}${on}${weeks}${tellMonths(months)}`;
}

/** The days of the week; those from Monday to Friday are weekdays. */
function nameWeek({ weekdays }: Rule): string {
  const isPlain = weekdays.every(({ ordinal }) => ordinal === undefined);
  const days = new Set(weekdays.map(({ weekday }) => weekday));
  if (isPlain && days.size === 7) return "day";
  if (isPlain && days.size === 5 && !days.has(5) && !days.has(6)) return "weekday";
  return list(weekdays.map(nameWeekday));
}

function tellMonths(months: readonly number[]): string {
  return months.length === 0 ? "" : ` in ${list(months.map((month) => MONTHS[month - 1] ?? ""))}`;
}

/** Which of those that a period has: the last weekday. */
function tellPlace({ positions }: Rule): string {
  return positions.length === 0 ? "" : `the ${list(positions.map(counted))} `;
}

function tellFrequency({ frequency, interval }: Rule): string {
  const unit = UNITS[frequency];
  return interval === 1 ? `every ${unit}` : `every ${interval} ${unit}s`;
}

function tellTimes({ hours, minute, frequency }: Rule): string {
  const minutes = String(minute ?? 0).padStart(2, "0");
  if (hours.length > 0) return `at ${list(hours.map((hour) => `${String(hour).padStart(2, "0")}:${minutes}`))}`;
  return minute === undefined ? "" : `at minute ${minute}${frequency === "HOURLY" ? "" : " of its hour"}`;
}

function tellEnd({ count, until }: Rule): string {
  if (until !== undefined) return `, until ${until.time.slice(0, "2026-12-01".length)}`;
  return count === undefined ? "" : `, ${count} ${count === 1 ? "time" : "times"}`;
}

function nameWeekday({ weekday, ordinal }: WeekdayPart): string {
  const name = WEEKDAYS[weekday] ?? "";
  return ordinal === undefined ? name : `${counted(ordinal)} ${name}`;
}

function countedDay(day: number): string {
  return day === -1 ? "last day" : day < 0 ? `${counted(day)} day` : counted(day);
}

/** 1st, 2nd, 3rd …; last, 2nd to last … */
function counted(number: number): string {
  if (number === -1) return "last";
  const size = Math.abs(number);
  const ending = size % 100 >= 11 && size % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][size % 10] ?? "th");
  return `${size}${ending}${number < 0 ? " to last" : ""}`;
}

function list(items: readonly string[]): string {
  const last = items.at(-1) ?? "";
  return items.length < 2 ? last : `${items.slice(0, -1).join(", ")} and ${last}`;
}
