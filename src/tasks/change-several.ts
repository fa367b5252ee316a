import { and, asc, eq, isNotNull, isNull, ne, not, type SQL, sql } from "drizzle-orm";
import type { QueryBuilder } from "../database/statement.ts";
import type { CallIdentity, Queries, UserDatabase } from "../database/user-database.ts";
import { completed, deleted, type TasksChanged, tasksOf } from "./change-tasks.ts";
import { isClaimLive } from "./ready.ts";
import { allOrNothing, readRefused, refusal } from "./refused-items.ts";
import { toTask } from "./task.ts";
import { computedColumns, taskColumns, tasks } from "./task-rows.ts";

/** How many tasks a call names at most. */
export const MOST_NAMED_TASKS = 25;

/** How a call goes about several tasks. */
export interface SeveralOptions {
  /** Whether it changes all of them or none. */
  readonly isAtomic: boolean;
  /** Whether a person is there to be asked about a task that somebody holds; without one it is left as it is. */
  readonly asksPerson: boolean;
}

/** What is done to each of several tasks. */
interface Deed {
  /** The statement that does it, to the tasks that this condition holds of. */
  readonly change: (query: QueryBuilder, which: SQL | undefined) => Queries[number];
  /** The condition that a task is not yet as it is to be. */
  readonly differs: SQL;
  readonly seesDeleted?: boolean;
}

/** Marks tasks completed, as `completeTask` does one; what cannot be is left and told. */
export function completeTasks(
  database: UserDatabase,
  call: CallIdentity,
  ids: readonly number[],
  options: SeveralOptions,
): Promise<TasksChanged> {
  const change: Deed["change"] = (query, which) => query.update(tasks).set(completed).where(which);
  return changeSeveral(database, call, ids, { change, differs: ne(tasks.status, "completed") }, options);
}

/** Deletes tasks, as `deleteTask` does one; what cannot be is left and told. */
export function deleteTasks(
  database: UserDatabase,
  call: CallIdentity,
  ids: readonly number[],
  options: SeveralOptions,
): Promise<TasksChanged> {
  const change: Deed["change"] = (query, which) => query.update(tasks).set(deleted).where(which);
  return changeSeveral(database, call, ids, { change, differs: sql`true`, seesDeleted: true }, options);
}

/**
 * Changes tasks by one statement, in one call under one number. A second statement finds what it has left as it was, and
 * why: not before, as then a claim could lapse between the two. The lock of the user's row keeps all else as it is.
 *
 * @throws ApplicationError `conflict` where it is to change all, and cannot
 */
async function changeSeveral(
  database: UserDatabase,
  call: CallIdentity,
  ids: readonly number[],
  { change, differs, seesDeleted }: Deed,
  { isAtomic, asksPerson }: SeveralOptions,
): Promise<TasksChanged> {
  const own = eq(tasks.userId, database.userId);
  const list = sql`${`{${ids.join(",")}}`}::integer[]`;
  const isAsked = and(own, sql`${tasks.id} = any(${list})`, isNull(tasks.deletedAt));
  const isChangedNow = sql`${tasks.lastChange} = current_setting('app.change')::bigint`;
  const { claim } = call;
  const changed = await database
    .changeTasks(
      call,
      (query) => [
        change(query, and(isAsked, differs, isLet(claim, asksPerson))),
        query.execute(sql`
          select keep_refused(
            coalesce(
              jsonb_agg(jsonb_build_object('task_id', id) || why order by place) filter (where why is not null), '[]'
            ),
            ${isAtomic}::boolean
          )
          from (
            select asked.id, asked.place, case
              when ${tasks.id} is null then ${refusal("not_found")}
              when ${isChangedNow} then null
              when ${isNotNull(tasks.deletedAt)} then ${refusal("not_found")}
              ${claim === undefined ? whenClaimed(differs) : whenLost(claim, differs)}
              else ${refusal("unchanged")}
            end as why
            from unnest(${list}) with ordinality as asked (id, place)
            left join ${tasks} on ${own} and ${tasks.id} = asked.id
          ) as judged
        `),
        query
          .select({ ...taskColumns, ...computedColumns })
          .from(tasks)
          .where(and(isAsked, not(isChangedNow)))
          .orderBy(asc(tasks.id)),
      ],
      { seesDeleted },
    )
    .catch((error: unknown) => {
      throw allOrNothing(error);
    });
  const { failed, unchanged } = readRefused(changed.refused, changed.timeZone);
  const answer = tasksOf(changed);
  const left = (changed.results?.[2] ?? []).filter(({ id }) => unchanged.has(id));
  return {
    ...answer,
    tasks: [...answer.tasks, ...left.map((row) => toTask(row, changed.timeZone))],
    failed,
    unchanged,
  };
}

/** The condition that a task's claim lets the call: the trigger, which refuses all of it for one task, need not. */
function isLet(claim: number | undefined, asksPerson: boolean): SQL | undefined {
  if (claim !== undefined) return and(eq(tasks.claim, claim), isNotNull(tasks.claimedBy));
  return asksPerson ? undefined : not(isClaimLive);
}

function whenClaimed(differs: SQL): SQL {
  const told = { claimed_by: sql`${tasks.claimedBy}`, claimed_until: sql`${tasks.claimedUntil}` };
  return sql`when ${differs} then ${refusal("claimed", told)}`;
}

function whenLost(claim: number, differs: SQL): SQL {
  const isOther = sql`${tasks.claim} is distinct from ${claim}::bigint`;
  const told = {
    given: sql`${claim}::bigint`,
    claimed_by: sql`case when ${isOther} then ${tasks.claimedBy} end`,
    claimed_until: sql`${tasks.claimedUntil}`,
  };
  return sql`when ${isOther} or (${differs}) and ${tasks.claimedBy} is null then ${refusal("claim_lost", told)}`;
}
