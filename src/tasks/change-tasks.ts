import { and, eq, getTableColumns, is, ne, or, SQL, sql } from "drizzle-orm";
import type * as z from "zod";
import { defineStatement, type QueryBuilder } from "../database/statement.ts";
import type { CallIdentity, TaskCall, UserDatabase } from "../database/user-database.ts";
import { found } from "../errors.ts";
import { type ExpectedRow, isAtVersion, selectExpected, versionConflict } from "./expected-version.ts";
import { type Part, writeFields } from "./field-table.ts";
import { type LastNote, selectLastNotes } from "./last-notes.ts";
import { isLeasable, type Lease, leaseColumns, requireClaim } from "./lease.ts";
import type { FailedItem } from "./refused-items.ts";
import { isTaskOf, type TaskOf } from "./select-task.ts";
import { type Task, toTask } from "./task.ts";
import { readTaskChanges, type TaskChange } from "./task-change.ts";
import { taskFields } from "./task-fields.ts";
import { tasks } from "./task-rows.ts";

type TaskInputs = Part<typeof taskFields, "input">;
type TaskValues = { readonly [Name in keyof TaskInputs]?: z.output<TaskInputs[Name]> | undefined };

/** What a new task is made of; what is absent takes its default. */
export type NewTask = TaskValues & { readonly title: string };

/** The fields that can be emptied. */
type EmptiableField = keyof Part<typeof taskFields, "empty">;

/** What changes in a task: what is given a value, and what is emptied; what is absent stays. */
export type TaskEdit = TaskValues & { readonly clear?: readonly EmptiableField[] | undefined };

type ColumnsOfTask = typeof tasks.$inferInsert;
type ColumnValues = { [Name in keyof ColumnsOfTask]?: ColumnsOfTask[Name] | SQL };

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

const touched = { version: sql`${tasks.version} + 1`, updatedAt: sql`now()` };

/** What an update that may change nothing but a claim, which is no part of a task's version, sets beside its columns. */
function touchedWhere(differs: SQL | undefined) {
  return {
    version: sql`case when ${differs} then ${touched.version} else ${tasks.version} end`,
    updatedAt: sql`case when ${differs} then ${touched.updatedAt} else ${tasks.updatedAt} end`,
  };
}

/** What is set in a task that is completed. */
export const completed = { status: "completed", completedAt: sql`now()`, ...touched } as const;

/** What is set in a task that is deleted. Its key is free again: what looks for it in tasks does not see this one any more. */
export const deleted = { deletedAt: sql`now()`, idempotencyKey: null, ...touched };

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
  const made = await database.changeTasks(call, (query) => [
    query.insert(tasks).values({
      ...columnsOf(task),
      title: task.title,
      userId,
      idempotencyKey: keyForReleaseBefore(userId, call.key),
      completedAt: task.status === "completed" ? sql`now()` : null,
    }),
  ]);
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
  const columns = columnsOf(edit);
  const isHeld = call.claim !== undefined;
  const leased = lease === undefined ? {} : leaseColumns(lease, isHeld);
  const differs = or(...differences(columns));
  const isRelease = lease !== undefined && "release" in lease;
  const isClaim = lease !== undefined && !isRelease && !isHeld;
  const updated = await database.changeTasks(call, (query) => [
    query
      .update(tasks)
      .set({
        ...columns,
        ...(edit.status !== undefined && { completedAt: completedAtFor(edit.status) }),
        ...(differs !== undefined && (lease === undefined ? touched : touchedWhere(differs))),
        ...leased,
      })
      .where(
        and(
          isAtVersion(key, expectedVersion),
          lease === undefined ? differs : isLeasable(lease, isHeld, edit.status),
          isRelease && !isHeld ? or(...differences({ ...columns, ...leased })) : undefined,
        ),
      ),
    selectExpected(query, key, expectedVersion),
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
  return { tasks: changes.map(({ task }) => task), changes, change, isReplay, isFirstTold };
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
  { claim, lease }: { readonly claim?: number | undefined; readonly lease?: Lease | undefined } = {},
): TasksChanged {
  const task = found(row, "Task");
  if (expectedVersion === undefined || task.version === expectedVersion) {
    requireClaim(task, claim, lease);
    return { ...tasksOf(call), tasks: [toTask(task, call.timeZone)] };
  }
  throw versionConflict(task, expectedVersion, call.timeZone);
}

/** The conditions of which at least one holds where a task does not have these values yet. */
function differences(values: Readonly<Record<string, unknown>>): SQL[] {
  return Object.entries(getTableColumns(tasks)).flatMap(([name, column]) => {
    const value = values[name];
    return value === undefined
      ? []
      : [sql`${column} is distinct from ${is(value, SQL) ? value : sql.param(value, column)}`];
  });
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

function completedAtFor(status: Task["status"]) {
  return status === "completed" ? sql`coalesce(${tasks.completedAt}, now())` : null;
}

function columnsOf(edit: TaskEdit): ColumnValues;
function columnsOf({ clear = [], ...values }: TaskEdit): object {
  return writeFields(taskFields, values, clear);
}
