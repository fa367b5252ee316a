import { type SQL, sql } from "drizzle-orm";
import type { UserDatabase } from "../database/user-database.ts";
import { isDue } from "./due-window.ts";
import { findTasks, tasksFound } from "./find-tasks.ts";
import { openStatuses } from "./ready.ts";
import { type Task, toTask } from "./task.ts";
import { MOST_COUNTED, showCount } from "./task-count.ts";
import type { TaskFilter } from "./task-filter.ts";
import { type ListOrder, taskOrders } from "./task-order.ts";
import { computedColumns, taskColumns } from "./task-rows.ts";

/** The parts of a digest, in the order in which they are read. */
export const digestParts = ["overdue", "today", "in_progress", "ready", "blocked", "finished"] as const;
export type DigestPart = (typeof digestParts)[number];

/** Where a person's tasks stand. */
export interface Digest {
  /** Of each part that has any how many tasks there are, as far as they are counted, and the first of them. */
  readonly parts: readonly { readonly part: DigestPart; readonly count: string; readonly tasks: readonly Task[] }[];
  /** The number of the last change before it. */
  readonly lastChange: number;
  readonly now: Date;
  readonly timeZone: string;
}

/** How many tasks are read for a part; ready ones as many again, as the first may stand in other parts already. */
const MOST_IN_PART = 5;
const MOST_READY = 4 * MOST_IN_PART;

/** What was finished in so many days is told. */
const LATELY = 7 * 24 * 60 * 60 * 1000;

interface Part {
  readonly filter: TaskFilter;
  readonly order: ListOrder;
  readonly also?: SQL;
}

/** What is in each part, and in which order; a task that is not due today any more is overdue alone. */
const parts: Readonly<Record<DigestPart, Part>> = {
  overdue: { filter: { statuses: openStatuses, isOverdue: true }, order: "due" },
  today: {
    filter: { statuses: openStatuses, due: "today" },
    order: "due",
    also: sql`(${isDue("overdue")}) is not true`,
  },
  in_progress: { filter: { statuses: openStatuses, isTaken: true }, order: "updated" },
  ready: { filter: { statuses: ["pending"], isReady: true }, order: "ready" },
  blocked: { filter: { statuses: openStatuses, isBlocked: true }, order: "due" },
  finished: { filter: { statuses: ["completed"] }, order: "updated" },
};

/** Reads where a person's tasks stand. */
export async function digestTasks(database: UserDatabase): Promise<Digest> {
  const { userId } = database;
  const completedFrom = new Date(Date.now() - LATELY).toISOString();
  const { results, lastChange, now, timeZone } = await database.read((query) => {
    const first = (part: DigestPart) => {
      const { filter, order, also } = parts[part];
      const asked = part === "finished" ? { ...filter, completedFrom } : filter;
      const found = findTasks({ userId, filter: asked, order, also, most: MOST_COUNTED + 1 });
      return query
        .select({
          ...taskColumns,
          description: sql<string>`''`,
          ...computedColumns,
          fits: sql<boolean>`found.fits`,
          count: sql<number>`(count(*) filter (where found.fits) over ())::integer`,
          isPart: sql<boolean>`bool_or(found.is_end) over ()`,
        })
        .from(sql`${found} as found`)
        .crossJoinLateral(tasksFound(userId))
        .orderBy(...taskOrders[order].by)
        .limit(part === "ready" ? MOST_READY : MOST_IN_PART);
    };
    return [
      first("overdue"),
      first("today"),
      first("in_progress"),
      first("ready"),
      first("blocked"),
      first("finished"),
    ];
  });
  return {
    parts: digestParts.flatMap((part, index) => {
      const rows = results[index] ?? [];
      const [one] = rows;
      if (one === undefined || one.count === 0) return [];
      const read = rows.filter(({ fits }) => fits).map((row) => toTask(row, timeZone));
      return [{ part, count: showCount(one.count, one.isPart), tasks: read }];
    }),
    lastChange,
    now,
    timeZone,
  };
}
