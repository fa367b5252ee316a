import { and, asc, eq, isNotNull, isNull, ne, not, type SQL, sql } from "drizzle-orm";
import type { QueryBuilder } from "../database/statement.ts";
import type { CallIdentity, Queries, UserDatabase } from "../database/user-database.ts";
import { type TasksChanged, tasksOf } from "./change-tasks.ts";
import { selectLastNotes } from "./last-notes.ts";
import { isLeasable, type Lease } from "./lease.ts";
import { keepMatched, type MatchedTasks, matchedIds } from "./match-tasks.ts";
import { isClaimLive } from "./ready.ts";
import { foreseeTimes } from "./recurrence.ts";
import { allOrNothing, readRefused, refusal } from "./refused-items.ts";
import { toTask } from "./task.ts";
import { completed, deleted, type Limit, type TaskEdit, updateOf } from "./task-edit.ts";
import { computedColumns, taskColumns, tasks } from "./task-rows.ts";

/** How many tasks a call names at most. */
export const MOST_NAMED_TASKS = 25;

/** The tasks that a call is about: by their ids, or by what fits them. */
type WhichTasks = readonly number[] | MatchedTasks;

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
  /** The condition that a task is not yet as it is to be; undefined where it is changed in any case. */
  readonly differs: SQL | undefined;
  readonly limits?: readonly Limit[];
  /** The condition that a task can be claimed, where that is done. */
  readonly isClaimable?: SQL | undefined;
  /** Whether it claims them. */
  readonly isClaim?: boolean;
  readonly seesDeleted?: boolean;
}

/** Marks tasks completed, as `completeTask` does one; what cannot be is left and told. */
export function completeTasks(
  database: UserDatabase,
  call: CallIdentity,
  which: WhichTasks,
  options: SeveralOptions,
): Promise<TasksChanged> {
  const change: Deed["change"] = (query, condition) => query.update(tasks).set(completed).where(condition);
  return changeSeveral(database, call, which, { change, differs: ne(tasks.status, "completed") }, options);
}

/** Deletes tasks, as `deleteTask` does one; what cannot be is left and told. */
export function deleteTasks(
  database: UserDatabase,
  call: CallIdentity,
  ids: readonly number[],
  options: SeveralOptions,
): Promise<TasksChanged> {
  const change: Deed["change"] = (query, which) => query.update(tasks).set(deleted).where(which);
  return changeSeveral(database, call, ids, { change, differs: undefined, seesDeleted: true }, options);
}

/**
 * Changes tasks, as `updateTask` does one; what cannot be is left and told.
 *
 * @param lease what becomes of their claims
 */
export function updateTasks(
  database: UserDatabase,
  call: CallIdentity,
  which: WhichTasks,
  edit: TaskEdit,
  { lease, ...options }: SeveralOptions & { readonly lease: Lease | undefined },
): Promise<TasksChanged> {
  const isHeld = call.claim !== undefined;
  const { set, ...update } = updateOf(edit, lease, isHeld);
  const isClaimable = lease === undefined ? undefined : isLeasable(lease, isHeld, edit.status);
  const change: Deed["change"] = (query, condition) => query.update(tasks).set(set).where(condition);
  const isClaim = lease !== undefined && !("release" in lease) && !isHeld;
  const told = { ...call, occurrences: foreseeTimes(edit, false) };
  return changeSeveral(database, told, which, { change, ...update, isClaimable, isClaim }, options);
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
  which: WhichTasks,
  { change, differs, limits = [], isClaimable, isClaim = false, seesDeleted }: Deed,
  { isAtomic, asksPerson }: SeveralOptions,
): Promise<TasksChanged> {
  const own = eq(tasks.userId, database.userId);
  const { claim, versions } = call;
  const list = "expectCount" in which ? matchedIds : listOf(which);
  // What was not there when a person was asked is no part of their yes, whatever has brought it back since.
  const seen = "expectCount" in which ? list : listOf(which.filter((id) => versions?.has(id) ?? true));
  const isAsked = and(own, sql`${tasks.id} = any(${seen})`, isNull(tasks.deletedAt));
  const isChangedNow = sql`${tasks.lastChange} = current_setting('app.change')::bigint`;
  const changed = await database
    .changeTasks(
      call,
      (query) => [
        query.execute("expectCount" in which ? keepMatched(database.userId, which, call) : sql`select`),
        change(
          query,
          and(isAsked, differs, isClaimable, ...limits.map(({ isKept }) => isKept), isLet(claim, asksPerson)),
        ),
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
              ${sql.join([...limits.map(whenPast), ...(isClaimable === undefined ? [] : [whenFinished(isClaimable)])], sql` `)}
              ${claim === undefined ? whenClaimed(differs) : whenLost(claim, differs)}
              else ${refusal("unchanged")}
            end as why
            from unnest(${list}) with ordinality as asked (id, place)
            left join ${tasks} on ${own} and ${tasks.id} = asked.id and asked.id = any(${seen})
          ) as judged
        `),
        query
          .select({ ...taskColumns, ...computedColumns })
          .from(tasks)
          .where(and(isAsked, not(isChangedNow)))
          .orderBy(asc(tasks.id)),
        ...(isClaim ? [selectLastNotes({ userId: database.userId })] : []),
      ],
      { seesDeleted },
    )
    .catch((error: unknown) => {
      throw allOrNothing(error);
    });
  const { failed, unchanged } = readRefused(changed.refused, changed.timeZone);
  const answer = tasksOf(changed);
  const left = (changed.results?.[3] ?? []).filter(({ id }) => unchanged.has(id));
  return {
    ...answer,
    tasks: [...answer.tasks, ...left.map((row) => toTask(row, changed.timeZone))],
    failed,
    unchanged,
    lastNotes: isClaim ? changed.results?.[4] : undefined,
  };
}

function listOf(ids: readonly number[]): SQL {
  return sql`${`{${ids.join(",")}}`}::integer[]`;
}

/** The condition that a task's claim lets the call: the trigger, which refuses all of it for one task, need not. */
function isLet(claim: number | undefined, asksPerson: boolean): SQL | undefined {
  if (claim !== undefined) return and(eq(tasks.claim, claim), isNotNull(tasks.claimedBy));
  return asksPerson ? undefined : not(isClaimLive);
}

function whenPast({ name, isKept }: Limit): SQL {
  return sql`when not (${isKept}) then ${refusal(name)}`;
}

function whenFinished(isClaimable: SQL): SQL {
  return sql`when not (${isClaimable}) then ${refusal("not_open", { status: sql`${tasks.status}` })}`;
}

function whenClaimed(differs: SQL = sql`true`): SQL {
  const told = { claimed_by: sql`${tasks.claimedBy}`, claimed_until: sql`${tasks.claimedUntil}` };
  return sql`when ${differs} then ${refusal("claimed", told)}`;
}

function whenLost(claim: number, differs: SQL = sql`true`): SQL {
  const isOther = sql`${tasks.claim} is distinct from ${claim}::bigint`;
  const told = {
    given: sql`${claim}::bigint`,
    claimed_by: sql`case when ${isOther} then ${tasks.claimedBy} end`,
    claimed_until: sql`${tasks.claimedUntil}`,
  };
  return sql`when ${isOther} or (${differs}) and ${tasks.claimedBy} is null then ${refusal("claim_lost", told)}`;
}
