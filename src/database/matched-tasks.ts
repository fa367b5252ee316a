import * as z from "zod";
import { ApplicationError } from "../errors.ts";

/** How many tasks a call that finds them by a filter changes at most. */
export const MOST_MATCHED = 500;

/** What `keep_matched` tells: how many fit, and how many were expected. */
const detailSchema = z.object({ count: z.int(), expected: z.int() });

/** The error of a call that expected another number of tasks to fit its filter; nothing was changed. */
export function otherCount(count: number, expected: number, cause?: unknown): ApplicationError {
  const told =
    count > MOST_MATCHED
      ? `More than ${MOST_MATCHED} tasks fit match, not ${expected}; nothing was changed. Narrow it.`
      : `${count} ${count === 1 ? "task fits" : "tasks fit"} match, not ${expected}; nothing was changed. Look at them with list_tasks, and give their number as expect_count.`;
  return new ApplicationError("conflict", told, { cause });
}

/** As `otherCount`, from the detail of Postgres' error, JSON. */
export function countConflict(detail: string | undefined, cause: unknown): ApplicationError {
  const { count, expected } = detailSchema.parse(JSON.parse(detail ?? ""));
  return otherCount(count, expected, cause);
}
