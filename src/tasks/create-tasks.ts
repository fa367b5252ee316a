import { and, eq, getTableColumns, isNull, SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { CallIdentity, UserDatabase } from "../database/user-database.ts";
import { ApplicationError, refusedField } from "../errors.ts";
import type { KnownTimes } from "../recurrence/series.ts";
import { type TasksChanged, tasksOf } from "./change-tasks.ts";
import { foreseeTimes, withRecurrence } from "./recurrence.ts";
import { allOrNothing, readRefused, refusal, refusalOfOne } from "./refused-items.ts";
import { columnsOf, type NewTask } from "./task-edit.ts";
import { tasks } from "./task-rows.ts";

/** How many tasks a call makes at most, subtasks among them. */
export const MOST_NEW_TASKS = 25;

/** How many tasks a person has at most: the database holds them to it (`log_task_changes`). */
const MOST_TASKS = 100_000;

/** A new task with the subtasks that come with it. */
export type NewTaskWithSubtasks = NewTask & { readonly subtasks?: readonly NewTask[] | undefined };

/** A row to be made. */
interface NewRow {
  /** Its place among all, and that of the row it is a subtask of. */
  readonly place: number;
  readonly parentPlace: number | null;
  /** The place of the task that was given, to which it belongs. */
  readonly item: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Creates tasks, each with its subtasks, in their order. One that cannot be made is left with its subtasks, and told by its
 * place among those given.
 *
 * @param isAtomic whether all are made or none
 * @param refused what is thrown in place of `ItemsRefused`
 * @param pathOf what stands before the name of a field of one of those given
 * @throws ApplicationError `conflict` where all are to be made, and cannot; `invalid_input` where a task may not refer to another
 */
export async function createTasks(
  database: UserDatabase,
  call: CallIdentity,
  given: readonly NewTaskWithSubtasks[],
  isAtomic: boolean,
  refused: (error: unknown) => unknown = allOrNothing,
  pathOf = (item: number) => `tasks.${item}.`,
): Promise<TasksChanged> {
  const { userId } = database;
  const occurrences = given.flatMap(({ subtasks = [], ...task }, item) => [
    ...foreseeAt(pathOf(item), task),
    ...subtasks.flatMap((subtask, place) => foreseeAt(`${pathOf(item)}subtasks.${place}.`, subtask)),
  ]);
  const made = await database
    .changeTasks({ ...call, occurrences }, (query) => [
      query.execute(judge(userId, given, isAtomic)),
      query.execute(insert(userId, toRows(given))),
    ])
    .catch((error: unknown) => {
      throw refused(error);
    });
  return { ...tasksOf(made), failed: readRefused(made.refused, made.timeZone).failed };
}

/**
 * Creates a task with its subtasks, or nothing.
 *
 * @throws ApplicationError `invalid_input` where one of them may not refer to another; `conflict` where there are too many tasks
 */
export function createWithSubtasks(
  database: UserDatabase,
  call: CallIdentity,
  task: NewTaskWithSubtasks,
): Promise<TasksChanged> {
  return createTasks(database, call, [task], true, refusalOfOne, () => "");
}

/** When a new task recurs; what is wrong with its rule is told by its place among all. */
function foreseeAt(path: string, task: NewTask): readonly KnownTimes[] {
  try {
    return foreseeTimes(withRecurrence(task), true) ?? [];
  } catch (error) {
    const [fault] = error instanceof ApplicationError ? error.fields : [];
    throw fault === undefined ? error : refusedField("invalid_input", `${path}${fault.field}`, fault.message);
  }
}

function toRows(given: readonly NewTaskWithSubtasks[]): NewRow[] {
  const rows: NewRow[] = [];
  const add = (task: NewTask, item: number, parentPlace: number | null) => {
    const completedAt = task.status === "completed" ? sql`now()` : undefined;
    rows.push({ place: rows.length, parentPlace, item, values: { ...columnsOf(task), completedAt } });
    return rows.length - 1;
  };
  for (const [item, { subtasks = [], ...task }] of given.entries()) {
    const place = add(task, item, null);
    for (const subtask of subtasks) add(subtask, item, place);
  }
  return rows;
}

/** Keeps which of them cannot be made, and why. */
function judge(userId: number, given: readonly NewTaskWithSubtasks[], isAtomic: boolean): SQL {
  let upTo = 0;
  const items = given.map(({ subtasks = [], ...task }, item) => {
    upTo += 1 + subtasks.length;
    const below = subtasks.flatMap((subtask, place) => referencesOf(subtask, `subtasks.${place}.`));
    const referred = JSON.stringify([...referencesOf(task), ...below]);
    return sql`(${item}::integer, ${upTo}::integer, ${referred}::jsonb)`;
  });
  const isThere = and(
    eq(tasks.userId, userId),
    sql`${tasks.id} = (reference ->> 'id')::integer`,
    isNull(tasks.deletedAt),
  );
  const missing = refusal("missing", { field: sql`reference ->> 'field'`, given: sql`reference -> 'id'` });
  return sql`
    select keep_refused(
      coalesce(jsonb_agg(jsonb_build_object('index', item) || why order by item) filter (where why is not null), '[]'),
      ${isAtomic}::boolean
    )
    from (
      select item, case
        when (select task_count from users where id = ${userId}) + up_to > ${MOST_TASKS}::integer
          then ${refusal("tasks", { given: MOST_TASKS })}
        else (
          select ${missing} from jsonb_array_elements(referred) with ordinality as listed (reference, place)
          where not exists (select from ${tasks} where ${isThere}) order by place limit 1
        )
      end as why
      from (values ${sql.join(items, sql`, `)}) as given (item, up_to, referred)
    ) as judged`;
}

/**
 * The tasks that a new one refers to, and how.
 *
 * @param place what stands before the names of its fields
 */
function referencesOf({ parent_id: parent, discovered_from: found, blocked_by: blockers = [] }: NewTask, place = "") {
  return [
    ...(parent === undefined ? [] : [{ field: `${place}parent_id`, id: parent }]),
    ...blockers.map((id) => ({ field: `${place}blocked_by`, id })),
    ...(found === undefined ? [] : [{ field: `${place}discovered_from`, id: found }]),
  ];
}

/**
 * Makes the others, by one statement. Their ids follow the user's last, whose row is locked, in the order in which they are
 * inserted: so a subtask knows the id of a task that comes with it.
 */
function insert(userId: number, rows: readonly NewRow[]): SQL {
  const known = getTableColumns(tasks);
  const given = new Set(rows.flatMap(({ values }) => Object.keys(values).filter((name) => values[name] !== undefined)));
  const columns = Object.entries(known).filter(([name]) => given.has(name) && name !== "parent_id");
  const selected = rows.map(({ place, parentPlace, item, values }) => {
    const parent = sql`${values.parent_id ?? null}::integer as own_parent`;
    const own = columns.map(
      ([name, column]) => sql`${writtenValue(values[name], column)} as ${sql.identifier(column.name)}`,
    );
    const places = sql`${place}::integer as place, ${parentPlace}::integer as parent_place, ${item}::integer as item`;
    return sql`select ${sql.join([places, parent, ...own], sql`, `)}`;
  });
  const names = columns.map(([, column]) => sql.identifier(column.name));
  const values = columns.map(([, column]) => sql`kept.${sql.identifier(column.name)}`);
  return sql`
    with given as (${sql.join(selected, sql` union all `)}),
    kept as (
      select *, row_number() over (order by place) as number from given
      where item <> all (
        select (refused -> 'index')::integer from jsonb_array_elements(current_setting('app.refused')::jsonb) as refused
      )
    )
    insert into tasks (${sql.join([sql`user_id`, sql`parent_id`, ...names], sql`, `)})
    select ${sql.join(
      [
        sql`${userId}::integer`,
        sql`coalesce((select last_task_id from users where id = ${userId}) + parent.number, kept.own_parent)::integer`,
        ...values,
      ],
      sql`, `,
    )}
    from kept left join kept as parent on parent.place = kept.parent_place
    order by kept.place`;
}

/** A value of a column; where none is given, what it is then. */
function writtenValue(value: unknown, column: PgColumn): SQL {
  const given = value ?? column.default ?? null;
  const written = given instanceof SQL || given === null ? given : sql.param(given, column);
  return sql`(${written})::${sql.raw(column.getSQLType())}`;
}
