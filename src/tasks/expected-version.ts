import { and, eq, type SQL } from "drizzle-orm";
import type { QueryBuilder } from "../database/statement.ts";
import { ApplicationError } from "../errors.ts";
import { tellChange } from "./logged-change.ts";
import { isTask, selectTask, type TaskKey } from "./select-task.ts";
import { changesSince, MOST_SINCE, readChangesSince } from "./task-history.ts";
import { computedColumns, type TaskRow, taskColumns, tasks } from "./task-rows.ts";

/** A task that a call was to change, and where it expected a version, what has changed since that. */
export interface ExpectedRow extends TaskRow {
  readonly since?: unknown;
}

/** The condition that a row is this task, at this version where one is expected. */
export function isAtVersion(key: TaskKey, expectedVersion: number | undefined): SQL | undefined {
  return and(isTask(key), expectedVersion === undefined ? undefined : eq(tasks.version, expectedVersion));
}

/** Reads an `ExpectedRow`. */
export function selectExpected(query: QueryBuilder, key: TaskKey, expectedVersion: number | undefined) {
  if (expectedVersion === undefined) return selectTask(key);
  return query
    .select({ ...taskColumns, ...computedColumns, since: changesSince(query, key, expectedVersion).as("since") })
    .from(tasks)
    .where(isTask(key));
}

/** The conflict of a task that has another version than was expected, with what has changed since. */
export function versionConflict(task: ExpectedRow, expectedVersion: number, timeZone: string): ApplicationError {
  const since = readChangesSince(task.since);
  const lines = since.slice(-MOST_SINCE).map((logged) => `\n${tellChange(logged, timeZone)}`);
  const which = since.length > MOST_SINCE ? `The last ${MOST_SINCE} changes since then` : "Since then";
  const told = since.length === 0 ? "Read it again before changing it." : `${which}:${lines.join("")}`;
  return new ApplicationError(
    "conflict",
    `The task is at version ${task.version}, not ${expectedVersion}; nothing was changed. ${told}`,
  );
}
