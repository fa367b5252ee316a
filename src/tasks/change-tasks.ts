import { and, eq, ne, type SQL, sql } from "drizzle-orm";
import { referenceOfNew } from "../database/refused-reference.ts";
import { defineStatement, type QueryBuilder } from "../database/statement.ts";
import type { CallIdentity, TaskCall, UserDatabase } from "../database/user-database.ts";
import { found } from "../errors.ts";
import { type ExpectedRow, isAtVersion, selectExpected, versionConflict } from "./expected-version.ts";
import { type LastNote, selectLastNotes } from "./last-notes.ts";
import { isLeasable, type Lease, requireClaim } from "./lease.ts";
import { foreseeTimes } from "./recurrence.ts";
import type { FailedItem } from "./refused-items.ts";
import { isTaskOf, type TaskOf } from "./select-task.ts";
import { type Task, toTask } from "./task.ts";
import { readTaskChanges, type TaskChange } from "./task-change.ts";
import {
  columnsOf,
  completed,
  deleted,
  limitPassed,
  type NewTask,
  pastLimit,
  type TaskEdit,
  updateOf,
} from "./task-edit.ts";
import { tasks } from "./task-rows.ts";

/** What a call made of the tasks. */
export interface TasksChanged {
  /** The tasks that it was about, as it left them; of one that was deleted, as it was. */
  readonly tasks: readonly Task[];
  /** What changed; a task that stayed as it was is not among them. */
  readonly changes: readonly TaskChange[];
  /** The user's number of the change; undefined where nothing changed. */
  readonly change: number | undefined;
  /** Whether its caller had made the same call before, so that nothing was done now. */
  readonly isReplay: boolean;
  /** Whether nobody has been told of it before, so that its changes count now. */
  readonly isFirstTold: boolean;
  /** Which of several items it has not done, and why. */
  readonly failed?: readonly FailedItem[] | undefined;
  /** Which of several tasks were so before. */
  readonly unchanged?: ReadonlySet<number> | undefined;
  /** Of tasks that it has claimed, where it does so now: what was noted last of them. */
  readonly lastNotes?: readonly LastNote[] | undefined;
}

const completeUnfinished = defineStatement((query, value: TaskOf) => complete(query, isTaskOf(value)));
const markDeleted = defineStatement((query, value: TaskOf) => remove(query, isTaskOf(value)));

function complete(query: QueryBuilder, which: SQL | undefined) {
  return query
    .update(tasks)
    .set(completed)
    .where(and(which, ne(tasks.status, "completed")));
}

function remove(query: QueryBuilder, which: SQL | undefined) {
  return query.update(tasks).set(deleted).where(which);
}

/** Creates a task. */
export async function createTask(database: UserDatabase, call: CallIdentity, task: NewTask): Promise<TasksChanged> {
  const { userId } = database;
  const occurrences = foreseeTimes(task, true);
  const made = await database
    .changeTasks({ ...call, occurrences }, (query) => [
      query.insert(tasks).values({
        ...columnsOf(task),
        title: task.title,
        userId,
        idempotencyKey: keyForReleaseBefore(userId, call.key),
        completedAt: task.status === "completed" ? sql`now()` : null,
      }),
    ])
    .catch((error: unknown) => {
      throw referenceOfNew(error);
    });
  return tasksOf(made);
}

/**
 * Changes a task; one that is so already stays as it is.
 *
 * @param expectedVersion where given, the task changes only if this is still its version
 * @param lease what becomes of its claim, which changes no version
 * @throws ApplicationError `not_found`; `conflict` where the task has another version, a claim is in the way, or it cannot be claimed
 */
export async function updateTask(
  database: UserDatabase,
  call: CallIdentity,
  id: number,
  edit: TaskEdit,
  expectedVersion: number | undefined,
  lease?: Lease,
): Promise<TasksChanged> {
  const key = { userId: database.userId, id };
  const isHeld = call.claim !== undefined;
  const { set, differs, limits } = updateOf(edit, lease, isHeld);
  const isClaim = lease !== undefined && !("release" in lease) && !isHeld;
  const isLeased = lease === undefined ? undefined : isLeasable(lease, isHeld, edit.status);
  const occurrences = foreseeTimes(edit, false);
  const updated = await database.changeTasks({ ...call, occurrences }, (query) => [
    query
      .update(tasks)
      .set(set)
      .where(and(isAtVersion(key, expectedVersion), differs, isLeased, ...limits.map(({ isKept }) => isKept))),
    selectExpected(query, key, expectedVersion, limitPassed(limits)),
    ...(isClaim ? [selectLastNotes({ userId: key.userId })] : []),
  ]);
  const lastNotes = isClaim ? updated.results?.[2] : undefined;
  if (updated.outcome.length > 0) return { ...tasksOf(updated), lastNotes };
  return asExpected(updated, updated.results?.[1][0], expectedVersion, { claim: call.claim, lease });
}

/**
 * Marks a task completed; one that is completed already stays as it is.
 *
 * @param expectedVersion as for `updateTask`
 * @throws ApplicationError `not_found`; `conflict` where the task has another version
 */
export async function completeTask(
  database: UserDatabase,
  call: CallIdentity,
  id: number,
  expectedVersion?: number,
): Promise<TasksChanged> {
  const key = { userId: database.userId, id };
  const changed = await database.changeTasks(call, (query) => [
    expectedVersion === undefined ? completeUnfinished(key) : complete(query, isAtVersion(key, expectedVersion)),
    selectExpected(query, key, expectedVersion),
  ]);
  return changed.outcome.length > 0
    ? tasksOf(changed)
    : asExpected(changed, changed.results?.[1][0], expectedVersion, { claim: call.claim });
}

/**
 * Deletes a task. Its row is kept for some time, and no other function but those of deleted tasks sees it.
 *
 * @param expectedVersion as for `updateTask`
 * @returns the task as it was
 * @throws ApplicationError `not_found`; `conflict` where the task has another version
 */
export async function deleteTask(
  database: UserDatabase,
  call: CallIdentity,
  id: number,
  expectedVersion?: number,
): Promise<TasksChanged> {
  const key = { userId: database.userId, id };
  const changed = await database.changeTasks(
    call,
    (query) => [
      expectedVersion === undefined ? markDeleted(key) : remove(query, isAtVersion(key, expectedVersion)),
      selectExpected(query, key, expectedVersion),
    ],
    { seesDeleted: true },
  );
  return changed.outcome.length > 0 ? tasksOf(changed) : asExpected(changed, changed.results?.[1][0], expectedVersion);
}

/** What a call has come to, as the database has noted it. */
export function tasksOf({ outcome, change, isReplay, isFirstTold, timeZone }: TaskCall<unknown>): TasksChanged {
  const changes = readTaskChanges(outcome, timeZone);
  const asked = changes.filter(({ follows }) => follows === undefined);
  return { tasks: asked.map(({ task }) => task), changes, change, isReplay, isFirstTold };
}

/**
 * What a call has come to that left its task as it was.
 *
 * @throws ApplicationError `not_found`; `conflict` where the task has another version than was expected, or its claim
 *   does not let the call
 */
function asExpected(
  call: TaskCall<unknown>,
  row: ExpectedRow | undefined,
  expectedVersion: number | undefined,
  { claim, lease }: { claim?: number | undefined; lease?: Lease | undefined } = {},
): TasksChanged {
  const task = found(row, "Task");
  if (expectedVersion === undefined || task.version === expectedVersion) {
    if (task.past) throw pastLimit(task.past);
    requireClaim(task, claim, lease);
    return { ...tasksOf(call), tasks: [toTask(task, call.timeZone)] };
  }
  throw versionConflict(task, expectedVersion, call.timeZone);
}

/**
 * The release before looks for a key in the task that was made with it. One that was used over 24 hours ago stays with
 * its task.
 */
function keyForReleaseBefore(userId: number, key: string | undefined) {
  if (key === undefined) return null;
  const isUsed = sql`select from ${tasks} where ${and(eq(tasks.userId, userId), eq(tasks.idempotencyKey, key))}`;
  return sql`case when not exists (${isUsed}) then ${key} end`;
}
