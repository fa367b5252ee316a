import { and, eq, ne, type Placeholder, sql } from "drizzle-orm";
import type { Caller } from "../caller.ts";
import type { Database } from "../database/database.ts";
import { tasks } from "../database/schema.ts";
import { defineStatement, type Value } from "../database/statement.ts";
import { ApplicationError } from "../errors.ts";
import { toDueColumns } from "./due.ts";
import { type Task, taskColumns, toTask } from "./task.ts";

/** What a new task is made of; what is absent takes its default. */
export interface NewTask {
  readonly title: string;
  readonly description?: string | undefined;
  readonly status?: Task["status"] | undefined;
  readonly priority?: Task["priority"] | undefined;
  readonly due?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Creating again with the same key gives the task that the first call made. */
  readonly idempotencyKey?: string | undefined;
}

/** What changes in a task; what is absent stays, `due: null` takes it away. */
export interface TaskChanges {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly status?: Task["status"] | undefined;
  readonly priority?: Task["priority"] | undefined;
  readonly due?: string | null | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** A task, and what the call that answered it made of it. */
export interface ChangedTask {
  readonly task: Task;
  /** False for one that an idempotency key found again. */
  readonly wasCreated: boolean;
  /** False for one that was completed before. */
  readonly wasCompleted: boolean;
}

const touched = { version: sql`${tasks.version} + 1`, updatedAt: sql`now()` };

type TaskKey = "userId" | "id";
type TaskOf = Value<TaskKey>;

const selectTask = defineStatement((query, value: TaskOf) =>
  query.select(taskColumns).from(tasks).where(isTaskOf(value)),
);

const completeUnfinished = defineStatement((query, value: TaskOf) =>
  query
    .update(tasks)
    .set({ status: "completed", completedAt: sql`now()`, ...touched })
    .where(and(isTaskOf(value), ne(tasks.status, "completed")))
    .returning({ id: tasks.id }),
);

const removeTask = defineStatement((query, value: TaskOf) =>
  query.delete(tasks).where(isTaskOf(value)).returning(taskColumns),
);

/** Creates a task of the caller. */
export async function createTask(database: Database, caller: Caller, task: NewTask): Promise<ChangedTask> {
  const [rows] = await database.asCaller(caller, (query) => [
    query
      .insert(tasks)
      .values({
        ...columnsOf(task),
        title: task.title,
        userId: caller.userId,
        idempotencyKey: task.idempotencyKey ?? null,
        completedAt: task.status === "completed" ? sql`now()` : null,
      })
      // An update that changes nothing, because "do nothing" would return no row.
      .onConflictDoUpdate({
        target: [tasks.userId, tasks.idempotencyKey],
        targetWhere: sql`idempotency_key is not null`,
        set: { idempotencyKey: sql`excluded.idempotency_key` },
      })
      // Of a row that was there before, the update that changes nothing is the last to have touched it.
      .returning({ ...taskColumns, wasCreated: sql<boolean>`xmax = 0` }),
  ]);
  const row = single(rows);
  return { task: toTask(row), wasCreated: row.wasCreated, wasCompleted: row.wasCreated && row.status === "completed" };
}

/** @throws ApplicationError `not_found` for a task that does not exist or is not the caller's */
export async function getTask(database: Database, caller: Caller, id: number): Promise<Task> {
  const [rows] = await database.asCaller(caller, () => [selectTask({ userId: caller.userId, id })]);
  return toTask(found(rows));
}

/**
 * Changes a task of the caller.
 *
 * @param expectedVersion where given, the task changes only if this is still its version
 * @throws ApplicationError `not_found`; `conflict` where the task has another version
 */
export async function updateTask(
  database: Database,
  caller: Caller,
  id: number,
  changes: TaskChanges,
  expectedVersion: number | undefined,
): Promise<ChangedTask> {
  const key = { userId: caller.userId, id };
  const [updated, current] = await database.asCaller(caller, (query) => [
    query
      .update(tasks)
      .set({
        ...columnsOf(changes),
        ...(changes.status !== undefined && { completedAt: completedAtFor(changes.status) }),
        ...touched,
      })
      .where(
        and(
          isTaskOf((name) => key[name]),
          expectedVersion === undefined ? undefined : eq(tasks.version, expectedVersion),
        ),
      )
      .returning(taskColumns),
    selectTask(key),
  ]);
  const { version } = found(current);
  const [row] = updated;
  if (row === undefined) {
    throw new ApplicationError(
      "conflict",
      `The task is at version ${version}, not ${expectedVersion}. Read it again before changing it.`,
    );
  }
  // Both are the moment of this transaction, unless it was completed before.
  const wasCompleted = row.completedAt?.getTime() === row.updatedAt.getTime();
  return { task: toTask(row), wasCreated: false, wasCompleted };
}

/**
 * Marks a task of the caller completed; one that is completed already stays as it is.
 *
 * @throws ApplicationError `not_found`
 */
export async function completeTask(database: Database, caller: Caller, id: number): Promise<ChangedTask> {
  const key = { userId: caller.userId, id };
  const [completed, rows] = await database.asCaller(caller, () => [completeUnfinished(key), selectTask(key)]);
  return { task: toTask(found(rows)), wasCreated: false, wasCompleted: completed.length > 0 };
}

/**
 * Deletes a task of the caller for good.
 *
 * @returns the task as it was
 * @throws ApplicationError `not_found`
 */
export async function deleteTask(database: Database, caller: Caller, id: number): Promise<Task> {
  const [rows] = await database.asCaller(caller, () => [removeTask({ userId: caller.userId, id })]);
  return toTask(found(rows));
}

function isTaskOf(value: (name: TaskKey) => number | Placeholder) {
  return and(eq(tasks.userId, value("userId")), eq(tasks.id, value("id")));
}

function completedAtFor(status: Task["status"]) {
  return status === "completed" ? sql`coalesce(${tasks.completedAt}, now())` : null;
}

function columnsOf({ title, description, status, priority, due, tags }: TaskChanges) {
  return {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(status !== undefined && { status }),
    ...(priority !== undefined && { priority }),
    ...(tags !== undefined && { tags: [...tags] }),
    ...(due !== undefined && (due === null ? { dueDate: null, dueAt: null } : toDueColumns(due))),
  };
}

function found<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new ApplicationError("not_found", "Task not found");
  return row;
}

function single<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new ApplicationError("internal", "Something went wrong on our side.");
  return row;
}
