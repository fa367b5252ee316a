import { eq, inArray, isNotNull, or, type SQL, sql } from "drizzle-orm";
import { type DueFilter, isBetween, isDueWhen } from "./due-window.ts";
import { isBlocked, isClaimLive, isReady } from "./ready.ts";
import { containsWords, type WordsSought } from "./search-words.ts";
import type { Task } from "./task.ts";
import { tasks } from "./task-rows.ts";

/** Which tasks are meant; every filter that is given must hold. */
export interface TaskFilter extends DueFilter {
  readonly statuses: readonly Task["status"][];
  /** Deleted tasks in place of those that are there. */
  readonly isDeleted?: true | undefined;
  /** Only tasks that an agent may take next. */
  readonly isReady?: boolean | undefined;
  /** Only tasks that somebody is at: they say so, or hold a claim. */
  readonly isTaken?: boolean | undefined;
  /** Only tasks that wait for others. */
  readonly isBlocked?: boolean | undefined;
  /** Only subtasks of this task. */
  readonly parentId?: number | undefined;
  /** Only tasks that recur. */
  readonly isRecurring?: boolean | undefined;
  readonly priority?: Task["priority"] | undefined;
  /** Tasks that carry all of these, without regard to case and accents. */
  readonly tags?: readonly string[] | undefined;
  /** Tasks that carry at least one of these, likewise. */
  readonly anyTags?: readonly string[] | undefined;
  /** Beginnings of words that are all in title or description, without regard to case and accents: see `containsWords`. */
  readonly search?: string | undefined;
  /** Tasks completed since, and before; as `dueFrom` and `dueBefore`. */
  readonly completedFrom?: string | undefined;
  readonly completedBefore?: string | undefined;
}

/**
 * The conditions of a task that fits a filter, for a query that names its user itself. One for deleted tasks must say
 * that it sees them (`seesDeleted`).
 *
 * @param words those of its search
 */
export function fitting(filter: TaskFilter, words: WordsSought | undefined): SQL[] {
  const { statuses, isDeleted, priority, tags = [], anyTags = [], search, completedFrom, completedBefore } = filter;
  if (search !== undefined && words === undefined) throw new Error("what its words are has to be known of a search");
  const conditions = [
    isDeleted ? isNotNull(tasks.deletedAt) : undefined,
    inArray(tasks.status, [...statuses]),
    ...(filter.isReady ? isReady : []),
    filter.isTaken ? or(eq(tasks.status, "in_progress"), isClaimLive) : undefined,
    filter.isBlocked ? isBlocked : undefined,
    filter.parentId === undefined ? undefined : eq(tasks.parent_id, filter.parentId),
    filter.isRecurring ? isNotNull(tasks.recurrence) : undefined,
    priority && eq(tasks.priority, priority),
    tags.length > 0 ? carriesAll(JSON.stringify(tags)) : undefined,
    anyTags.length > 0 ? sql`${tasks.searchedTags} && ${searched(JSON.stringify(anyTags))}` : undefined,
    search === undefined || words === undefined ? undefined : containsWords(search, words),
    ...isDueWhen(filter),
    isBetween(tasks.completedAt, completedFrom, completedBefore),
  ];
  return conditions.filter((condition) => condition !== undefined);
}

/** The condition that a task carries all of these tags, a JSON array, without regard to case and accents. */
function carriesAll(tags: string): SQL {
  return sql`${tasks.searchedTags} @> ${searched(tags)}`;
}

function searched(tags: string): SQL {
  return sql`array(select search_text(tag) from jsonb_array_elements_text(${tags}::jsonb) as tag)`;
}
