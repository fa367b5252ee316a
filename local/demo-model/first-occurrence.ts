import { findOccurrences } from "../../src/recurrence/occurrences.ts";
import { readRule } from "../../src/recurrence/rule.ts";
import { addDays, type Now, toMoment } from "./calendar.ts";

/**
 * When a task that is there already is due once it recurs by a rule, as `due` is given without an offset; undefined
 * where the rule says nothing but how often, so that it may stay due when it is.
 */
export function firstOccurrence(rule: string, { day, instant, timeZone }: Now): string | undefined {
  if (!rule.includes(";BY")) return undefined;
  const isTimed = rule.includes(";BYHOUR");
  const { rule: whenever } = readRule(rule.replaceAll(/;(?:INTERVAL|COUNT)=\d+/g, ""));
  const [start, from] = isTimed
    ? [`${addDays(day, -1)}T00:00:00`, toMoment(instant, timeZone).slice(0, 19)]
    : [addDays(day, -1), day];
  return findOccurrences(whenever, { start, from, most: 1 }).times[0];
}
