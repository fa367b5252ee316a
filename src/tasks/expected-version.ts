import { and, eq, type SQL, sql } from "drizzle-orm";
import type { QueryBuilder } from "../database/statement.ts";
import { ApplicationError } from "../errors.ts";
import { tellChange } from "./logged-change.ts";
import { isTask, selectTask, type TaskKey } from "./select-task.ts";
import type { LimitOfTask } from "./task-edit.ts";
import { changesSince, MOST_SINCE, readChangesSince } from "./task-history.ts";
import { computedColumns, type TaskRow, taskColumns, tasks } from "./task-rows.ts";

/** A task that a call was to change, and where it expected a version, what has changed since that. */
export interface ExpectedRow extends TaskRow {
  readonly since?: unknown;
  /** The limit that the call would take it past. */
  readonly past?: LimitOfTask | null;
}

/** The condition that a row is this task, at this version where one is expected. */
export function isAtVersion(key: TaskKey, expectedVersion: number | undefined): SQL | undefined {
  return and(isTask(key), expectedVersion === undefined ? undefined : eq(tasks.version, expectedVersion));
}

/**
 * Reads an `ExpectedRow`.
 *
 * @param past which limit the call would take the task past
 */
export function selectExpected(
  query: QueryBuilder,
  key: TaskKey,
  expectedVersion: number | undefined,
  past?: SQL<LimitOfTask | null>,
) {
  if (expectedVersion === undefined && past === undefined) return selectTask(key);
  const since = expectedVersion === undefined ? sql<unknown>`null` : changesSince(query, key, expectedVersion);
  const passed = past ?? sql<null>`null`;
  return query
    .select({ ...taskColumns, ...computedColumns, since: since.as("since"), past: passed.as("past") })
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
