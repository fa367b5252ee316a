import * as z from "zod";
import { refusedField } from "../errors.ts";
import { RuleError, readRule } from "../recurrence/rule.ts";
import { faultFromCompletion, foresee, goesOn, isEndedByUntil, type KnownTimes } from "../recurrence/series.ts";

/** A rule by which a task recurs, as it is kept. */
export const recurrenceSchema = z
  .string()
  .superRefine((value, context) => {
    const message = faultOf(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .overwrite((value) => (faultOf(value) === undefined ? readRule(value).text : value));

/** What a new task, or an edit of one, says of how it recurs. */
interface Recurring {
  readonly recurrence?: string | undefined;
  readonly recurrence_from?: "due" | "completion" | undefined;
  readonly due?: string | undefined;
}

/**
 * With all that goes with a rule: one counts from when tasks are due, unless it is said otherwise.
 *
 * @throws ApplicationError `invalid_input` where the two do not go together
 */
export function withRecurrence<Values extends Recurring>(values: Values): Values {
  const { recurrence, recurrence_from: from } = values;
  if (recurrence === undefined) {
    if (from !== undefined) throw refusedField("invalid_input", "recurrence_from", "goes with recurrence: give both");
    return values;
  }
  const fault = from === "completion" ? faultFromCompletion(recurrence) : undefined;
  if (fault !== undefined) throw refusedField("invalid_input", "recurrence", fault);
  return { ...values, recurrence_from: from ?? "due" };
}

/**
 * What the database will ask of the rules of a call, so that one request does.
 *
 * @param isNew whether the task is made by it, so that one without `due` has none
 * @throws ApplicationError `invalid_input` for a rule that never recurs
 */
export function foreseeTimes(values: Recurring, isNew: boolean): readonly KnownTimes[] | undefined {
  const { recurrence, recurrence_from: from, due } = values;
  if (recurrence === undefined || from === "completion" || (due === undefined && !isNew)) return undefined;
  const known = foresee(recurrence, due, new Date());
  for (const times of known) requireMore(times);
  return known;
}

/** @throws ApplicationError `invalid_input` for a rule that never recurs */
export function requireMore(known: KnownTimes): void {
  if (goesOn(known)) return;
  const since = known.start === null ? "" : ` after ${known.start}, when the task is due`;
  const message = isEndedByUntil(known)
    ? `must have a later UNTIL, or none: ${known.rule} ends before it recurs${since}`
    : `must recur within ten years${since}: ${known.rule} does not`;
  throw refusedField("invalid_input", "recurrence", message);
}

function faultOf(value: string): string | undefined {
  try {
    readRule(value);
    return undefined;
  } catch (error) {
    if (error instanceof RuleError) return error.message;
    throw error;
  }
}
