import { and, eq, isNull, type Placeholder, sql } from "drizzle-orm";
import { defineStatement, type Value } from "../database/statement.ts";
import { MOST_COUNTED } from "./task-count.ts";
import { computedColumns, taskColumns, tasks } from "./task-rows.ts";

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
    .select({ ...taskColumns, ...computedColumns })
    .from(tasks)
    .where(isTaskOf(value)),
);

const subtasks = sql`from tasks as child
  where child.user_id = tasks.user_id and child.parent_id = tasks.id and child.deleted_at is null`;

/** The tasks that wait for one: the first of them, and how many there are, as far as they are counted. */
export interface Blocks {
  readonly first: number[];
  readonly count: number;
}

/** How many of them are told. */
const MOST_BLOCKED = 20;

/** What is read of a task with what its own row does not say. */
export const wholeColumns = {
  ...taskColumns,
  ...computedColumns,
  subtasks: sql<number>`(select count(*)::integer ${subtasks})`.as("subtasks"),
  openSubtasks: sql<number>`(
    select count(*)::integer ${subtasks} and child.status in ('pending', 'in_progress')
  )`.as("open_subtasks"),
  blocks: sql<Blocks>`(
    select jsonb_build_object(
      'first', coalesce(jsonb_agg(task_id order by place) filter (where place <= ${sql.raw(`${MOST_BLOCKED}`)}), '[]'), 'count', count(*)
    ) from (
      select task_id, row_number() over (order by task_id) as place from task_blockers
      join tasks as blocked on blocked.user_id = task_blockers.user_id and blocked.id = task_blockers.task_id
      where task_blockers.user_id = tasks.user_id and task_blockers.blocker_id = tasks.id
        and tasks.status in ('pending', 'in_progress')
        and blocked.status in ('pending', 'in_progress') and blocked.deleted_at is null
      order by task_id limit ${sql.raw(`${MOST_COUNTED + MOST_BLOCKED + 1}`)}
    ) as waiting
  )`.as("blocks"),
};

/** As `selectTask`, with what its own row does not say. */
export const selectWholeTask = defineStatement((query, value: TaskOf) =>
  query.select(wholeColumns).from(tasks).where(isTaskOf(value)),
);

/** The condition that a row is this task, and that it is not deleted. */
export function isTaskOf(value: (name: keyof TaskKey) => number | Placeholder) {
  return and(eq(tasks.userId, value("userId")), eq(tasks.id, value("id")), isNull(tasks.deletedAt));
}

/** As `isTaskOf`, of a task whose key is known. */
export function isTask(key: TaskKey) {
  return isTaskOf((name) => key[name]);
}
