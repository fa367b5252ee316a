import * as z from "zod";
import { type CallIdentity, UnknownOccurrences, type UserDatabase } from "../database/user-database.ts";
import { refusedField } from "../errors.ts";
import { RuleError } from "../recurrence/rule.ts";
import { type KnownTimes, MOST_TOLD, reckon, reckonFirst } from "../recurrence/series.ts";
import { requireMore } from "./recurrence.ts";

/** How often the database may ask in one call: when a task may begin, and then how its series goes on. */
const MOST_QUESTIONS = 3;

/** How many times are told together, as the database reads all of them for each task; and of each rule at least. */
const MOST_TOLD_TOGETHER = 1600;
const LEAST_TOLD = 3;

/** What `make_next_occurrences` (drizzle/0039_recurrence.sql) asks. */
const questionSchema = z.object({
  time_zone: z.string(),
  unknown: z.array(
    z.object({ rule: z.string(), start: z.string().nullable(), since: z.string(), begins: z.boolean().default(false) }),
  ),
});

/**
 * The database, told when tasks recur where it has to know that and does not: the call that it refused for that, and changed nothing
 * by, is made again with the answer.
 */
export function reckonedDatabase(database: UserDatabase): UserDatabase {
  return {
    ...database,
    until: (signal) => reckonedDatabase(database.until(signal)),
    async changeTasks(identity, build, sight) {
      let call: CallIdentity = identity;
      for (let questions = 0; ; questions += 1) {
        try {
          return await database.changeTasks(call, build, sight);
        } catch (error) {
          if (!(error instanceof UnknownOccurrences) || questions === MOST_QUESTIONS) throw error;
          call = { ...call, occurrences: [...answer(error), ...(call.occurrences ?? [])] };
        }
      }
    },
  };
}

/** @throws ApplicationError `invalid_input` for a rule that never recurs, and for one that was not written by a tool */
function answer(question: UnknownOccurrences): KnownTimes[] {
  const { time_zone: timeZone, unknown } = questionSchema.parse(JSON.parse(question.detail));
  const most = Math.min(MOST_TOLD, Math.max(LEAST_TOLD, Math.floor(MOST_TOLD_TOGETHER / unknown.length)));
  try {
    return unknown.flatMap(({ rule, start, since, begins }) => {
      const known = start === null ? reckonFirst(rule, since, timeZone) : reckon(rule, start, since, timeZone, most);
      if (known !== undefined && (begins || start === null)) requireMore(known);
      return known ?? [];
    });
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    throw refusedField("invalid_input", "recurrence", error.message);
  }
}
