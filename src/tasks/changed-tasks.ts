import { and, asc, eq, gt, notExists, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { changes, taskChanges } from "../database/schema.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { beginningOf, listedColumns, type TaskInList, toTaskInList } from "./task-in-list.ts";
import { taskRowSchema, tasks } from "./task-rows.ts";

/** How many tasks may be read at once; a change of more is not told task by task: all are to be listed anew. */
const MOST_TASKS = 500;

/** What has changed since a change. */
export interface ChangedTasks {
  /** Each task that has changed since, once, as it is now, in the order of their last changes; deleted ones too. */
  readonly tasks: readonly TaskInList[];
  /** The number to ask from next time. */
  readonly change: number;
  /** Whether there are more. */
  readonly isMore: boolean;
  /** Whether what has changed since is not known, so that all tasks are to be listed anew. */
  readonly isReset: boolean;
  /** When it was read, and the person's time zone. */
  readonly now: Date;
  readonly timeZone: string;
}

/** A task with the number of its last change. */
interface Changed {
  readonly change: number;
  readonly task: TaskInList;
}

/**
 * Reads what has changed since a change, in whole changes: all the tasks of each, as many changes as the limit allows, and
 * the first of them always.
 *
 * @param since the number of a change: what came after it is told
 * @param limit how many tasks there may be
 * @throws ApplicationError as `read` does
 */
export async function readChangedTasks(database: UserDatabase, since: number, limit: number): Promise<ChangedTasks> {
  const { userId } = database;
  const isChanged = and(eq(tasks.userId, userId), gt(tasks.lastChange, since));
  // Up to the change of the first task that is past the limit.
  const lastRead = sql`(select ${tasks.lastChange} from ${tasks} where ${isChanged} order by ${tasks.lastChange} offset ${limit} limit 1)`;
  const isThere = and(eq(tasks.userId, userId), eq(tasks.id, taskChanges.taskId));
  const later = alias(taskChanges, "later");
  const isLater = and(
    eq(later.userId, taskChanges.userId),
    eq(later.taskId, taskChanges.taskId),
    gt(later.change, taskChanges.change),
  );
  const { results, lastChange, logBaseline, now, timeZone } = await database.read(
    (query) => [
      query
        .select(listedColumns)
        .from(tasks)
        .where(and(isChanged, sql`${tasks.lastChange} <= coalesce(${lastRead}, ${Number.MAX_SAFE_INTEGER}::bigint)`))
        .orderBy(asc(tasks.lastChange), asc(tasks.id))
        .limit(MOST_TASKS + 1),
      // Those whose rows are gone: by the release before, by SQL past the worker, or as they were deleted long ago.
      query
        .select({ lastChange: taskChanges.change, deletedAt: changes.at, image: taskChanges.before })
        .from(taskChanges)
        .innerJoin(changes, and(eq(changes.userId, taskChanges.userId), eq(changes.change, taskChanges.change)))
        .where(
          and(
            eq(taskChanges.userId, userId),
            gt(taskChanges.change, since),
            eq(taskChanges.operation, "delete"),
            notExists(query.select({ is: sql`1` }).from(tasks).where(isThere)),
            notExists(query.select({ is: sql`1` }).from(later).where(isLater)),
          ),
        )
        .orderBy(asc(taskChanges.change), asc(taskChanges.taskId))
        .limit(MOST_TASKS + 1),
    ],
    { seesDeleted: true },
  );
  const common = { now, timeZone };
  const reset = { tasks: [], change: lastChange, isMore: false, isReset: true, ...common };
  if (since < logBaseline || since > lastChange) return reset;

  const [rows, gone] = results;
  const found: Changed[] = [
    ...rows.map((row) => ({ change: row.lastChange, task: toTaskInList(row, timeZone) })),
    ...gone.map(({ lastChange: change, deletedAt, image }) => {
      const row = taskRowSchema.parse(image);
      return {
        change,
        task: toTaskInList({ ...row, ...beginningOf(row.description), deletedAt, lastChange: change }, timeZone),
      };
    }),
  ].sort((one, other) => one.change - other.change || one.task.id - other.task.id);
  // What was committed while this was read is not seen whole, and is for the next time.
  const wholeUpTo = Math.min(lastChange, wholeIn(rows, limit), wholeIn(gone, MOST_TASKS));
  const whole = found.filter(({ change }) => change <= wholeUpTo);
  if (whole.length === 0 && wholeUpTo < lastChange) return reset;
  const told = firstChanges(whole, limit);
  const isMore = told.length < whole.length || wholeUpTo < lastChange;
  const change = isMore ? (told.at(-1)?.change ?? since) : lastChange;
  return { tasks: told.map(({ task }) => task), change, isMore, isReset: false, ...common };
}

/** The last change of which all the tasks were read, where no more than these came. */
function wholeIn(read: readonly { readonly lastChange: number }[], limit: number): number {
  const last = read.at(-1)?.lastChange ?? 0;
  if (read.length > MOST_TASKS) return last - 1;
  return read.length > limit ? last : Number.POSITIVE_INFINITY;
}

/** As many changes as have no more tasks than that together, and the first in any case. */
function firstChanges(found: readonly Changed[], limit: number): readonly Changed[] {
  const next = found[limit];
  if (next === undefined) return found;
  const fitting = found.filter(({ change }) => change < next.change);
  return fitting.length > 0 ? fitting : found.filter(({ change }) => change === next.change);
}
