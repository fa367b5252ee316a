import { and, eq, isNull, type Placeholder } from "drizzle-orm";
import { defineStatement, type Value } from "../database/statement.ts";
import { isClaimLapsed, taskColumns, tasks } from "./task-rows.ts";

/** What a task is known by. */
export interface TaskKey {
  readonly userId: number;
  readonly id: number;
}

/** Puts the key of a task into a query that is given it later. */
export type TaskOf = Value<keyof TaskKey>;

/** Reads one task; none where it does not exist, is another user's or is deleted. */
export const selectTask = defineStatement((query, value: TaskOf) =>
  query
    .select({ ...taskColumns, isClaimLapsed })
    .from(tasks)
    .where(isTaskOf(value)),
);

/** The condition that a row is this task, and that it is not deleted. */
export function isTaskOf(value: (name: keyof TaskKey) => number | Placeholder) {
  return and(eq(tasks.userId, value("userId")), eq(tasks.id, value("id")), isNull(tasks.deletedAt));
}

/** As `isTaskOf`, of a task whose key is known. */
export function isTask(key: TaskKey) {
  return isTaskOf((name) => key[name]);
}
