import { and, eq, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import { dueRanges, isBetween, saysWhenDue } from "./due-window.ts";
import type { Find } from "./find-tasks.ts";
import { openStatuses } from "./ready.ts";
import { dueDay, isIn, isOfPriority, isSortedByDue } from "./task-order.ts";
import { tasks } from "./task-rows.ts";

/**
 * The ids (`ids`) of the tasks that the filter which leaves the fewest leaves, and whether that is all of them (`is_narrow`); undefined
 * where no filter has an index, or the order asked for has the tasks that it leaves one after the other.
 *
 * @param most how many a filter may leave; all of them together look up as many
 * @param idsByWords those that a search finds by the beginnings of words, one more than these at most
 */
export function idsNarrowing(
  { userId, order, filter }: Pick<Find, "userId" | "order" | "filter">,
  most: number,
  idsByWords: SQL,
): SQL | undefined {
  const isSearch = filter.search !== undefined;
  const raw = (number: number) => sql.raw(`${number}`);
  const lookUps = lookUpsOf({ userId, order, filter }, raw(most + 1));
  const count = lookUps.length + Number(isSearch);
  if (count === 0) return undefined;
  const each = Math.floor(most / count);
  // Each with how many it may have to be whole.
  const arrays = lookUps.map((lookUp) => sql`(array(${lookUp} limit ${raw(each + 1)}), ${raw(each)})`);
  // Where no words begin as those of a search do, they are looked for inside words: that narrows nothing.
  if (isSearch) arrays.push(sql`(nullif(array(${idsByWords}), '{}'), ${raw(most)})`);
  return sql`select ids, cardinality(ids) <= most as is_narrow
    from (select * from (values ${sql.join(arrays, sql`, `)}) as found (ids, most) offset 0) as narrowing
    order by cardinality(ids) > most, cardinality(ids) limit 1`;
}

function lookUpsOf({ userId, order, filter }: Pick<Find, "userId" | "order" | "filter">, most: SQL): SQL[] {
  const { statuses, isDeleted, tags = [], anyTags = [], priority, completedFrom, completedBefore } = filter;
  const isOpen = !isDeleted && statuses.every((status) => openStatuses.some((open) => open === status));
  // Each as an index has it, so that no more is read of it than is looked up.
  const tagged = (tag: string) => sql`(select task_id from task_tags
    where user_id = ${userId} and tag = (select search_text(${tag}))${isOpen ? sql` and is_open` : sql``}
    order by task_id desc limit ${most})`;
  const own = (by: SQL, ...conditions: SQL[]) => sql`(select ${tasks.id} from ${tasks}
    where ${and(eq(tasks.userId, userId), ...conditions)} order by ${by}, ${tasks.id} limit ${most})`;
  const any = (parts: readonly SQL[]) => sql`select * from (${sql.join([...parts], sql` union all `)}) as any_of`;
  /** Of those due on a day or never, and of those due at a moment: each has an index of its own. */
  const open = (days: SQL[], moments: SQL[] | undefined) =>
    any([
      own(dueDay, isIn("open"), isNull(tasks.dueAt), ...days),
      ...(moments === undefined ? [] : [own(sql`${tasks.dueAt}`, isIn("open"), isNotNull(tasks.dueAt), ...moments)]),
    ]);
  const lookUps: SQL[] = tags.map((tag) => any([tagged(tag)]));
  if (anyTags.length > 0) lookUps.push(any(anyTags.map(tagged)));
  if (!isDeleted && (filter.isTaken || (statuses.length === 1 && statuses[0] === "in_progress"))) {
    const isTaken = sql`(${tasks.status} = 'in_progress' or ${tasks.claimedUntil} is not null)`;
    lookUps.push(any([own(sql`${tasks.userId}`, isTaken, isNull(tasks.deletedAt))]));
  }
  if (filter.parentId !== undefined) {
    lookUps.push(any([own(sql`${tasks.parent_id}`, eq(tasks.parent_id, filter.parentId))]));
  }
  if (filter.isRecurring) lookUps.push(any([own(sql`${tasks.userId}`, isNotNull(tasks.recurrence))]));
  if (filter.isBlocked) {
    const waiting = sql`(select distinct task_id from task_blockers where user_id = ${userId} order by task_id limit ${most})`;
    lookUps.push(any([waiting]));
  }
  if (isOpen && saysWhenDue(filter) && !isSortedByDue(order, filter.priority) && order !== "priority") {
    const { days, moments } = dueRanges(filter);
    lookUps.push(open(days, moments));
  }
  if (isOpen && priority !== undefined && order !== "due" && order !== "priority") {
    const isOfIt = isOfPriority(priority);
    lookUps.push(open([isOfIt], [isOfIt]));
  }
  if (!isDeleted && (completedFrom !== undefined || completedBefore !== undefined)) {
    const isCompleted = isBetween(tasks.completedAt, completedFrom, completedBefore) ?? isNotNull(tasks.completedAt);
    lookUps.push(any([own(sql`${tasks.completedAt}`, isCompleted, isNull(tasks.deletedAt))]));
  }
  return lookUps;
}
