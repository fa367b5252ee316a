import { eq, inArray, isNotNull, type Placeholder, type SQL, sql } from "drizzle-orm";
import { type DueWord, isBetween, isDue, isDueBetween } from "./due-window.ts";
import { isReady } from "./ready.ts";
import type { Task } from "./task.ts";
import { tasks } from "./task-rows.ts";

/** Which tasks are meant; every filter that is given must hold. */
export interface TaskFilter {
  readonly statuses: readonly Task["status"][];
  /** Deleted tasks in place of those that are there. */
  readonly isDeleted?: true | undefined;
  /** Only tasks that an agent may take next. */
  readonly isReady?: boolean | undefined;
  readonly priority?: Task["priority"] | undefined;
  /** Tasks that carry all of these, without regard to case and accents. */
  readonly tags?: readonly string[] | undefined;
  /** Tasks that carry at least one of these, likewise. */
  readonly anyTags?: readonly string[] | undefined;
  /** Words that are all somewhere in title or description, without regard to case and accents. */
  readonly search?: string | undefined;
  /** Tasks whose moment has passed, or whose whole day has in the user's time zone. */
  readonly isOverdue?: boolean | undefined;
  readonly due?: DueWord | undefined;
  /** Inclusive; a date means the start of that day in the user's time zone. */
  readonly dueFrom?: string | undefined;
  /** Exclusive; a date means the start of that day in the user's time zone. */
  readonly dueBefore?: string | undefined;
  /** Tasks completed since, and before; as `dueFrom` and `dueBefore`. */
  readonly completedFrom?: string | undefined;
  readonly completedBefore?: string | undefined;
}

/**
 * The conditions of a task that fits a filter, for a query that names its user itself. One for deleted tasks must say
 * that it sees them (`seesDeleted`).
 */
export function fitting(filter: TaskFilter): (SQL | undefined)[] {
  const { statuses, isDeleted, priority, tags = [], anyTags = [], search } = filter;
  const { due, dueFrom, dueBefore, completedFrom, completedBefore } = filter;
  return [
    isDeleted ? isNotNull(tasks.deletedAt) : undefined,
    inArray(tasks.status, [...statuses]),
    ...(filter.isReady ? isReady : []),
    priority && eq(tasks.priority, priority),
    tags.length > 0 ? carriesAll(JSON.stringify(tags)) : undefined,
    anyTags.length > 0 ? carriesAny(JSON.stringify(anyTags)) : undefined,
    ...(search === undefined ? [] : containsAll(search)),
    filter.isOverdue ? isDue("overdue") : undefined,
    due && isDue(due),
    isDueBetween(dueFrom, dueBefore),
    isBetween(tasks.completedAt, completedFrom, completedBefore),
  ];
}

function containsAll(search: string): SQL[] {
  const words = new Set(search.split(/\p{White_Space}+/u).filter((word) => word !== ""));
  // Not LIKE, which is four times as slow where a word almost matches at every letter, and twice as slow elsewhere.
  return [...words].map((word) => sql`strpos(${tasks.searchedText}, (select search_text(${word}))) > 0`);
}

/** The condition that a task carries all of these tags, a JSON array, without regard to case and accents. */
export function carriesAll(tags: string | Placeholder): SQL {
  return sql`${tasks.searchedTags} @> ${searched(tags)}`;
}

function carriesAny(tags: string): SQL {
  return sql`${tasks.searchedTags} && ${searched(tags)}`;
}

function searched(tags: string | Placeholder): SQL {
  return sql`array(select search_text(tag) from jsonb_array_elements_text(${tags}::jsonb) as tag)`;
}
