import { and, asc, desc, eq, gte, inArray, or, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { UserDatabase } from "../database/user-database.ts";
import { MOST_COUNTED } from "./count-tasks.ts";
import { dueMoment, isDue } from "./due-window.ts";
import { isClaimLive, isReady, openStatuses } from "./ready.ts";
import { type Task, toTask } from "./task.ts";
import { taskOrders } from "./task-order.ts";
import { isClaimLapsed, taskColumns, tasks } from "./task-rows.ts";

/** The parts of a digest, in the order in which they are read. */
export const digestParts = ["overdue", "today", "in_progress", "ready", "finished"] as const;
export type DigestPart = (typeof digestParts)[number];

/** Where a person's tasks stand. */
export interface Digest {
  /** Of each part how many tasks there are, counted to one more than `MOST_COUNTED`, and the first of them. */
  readonly parts: readonly { readonly part: DigestPart; readonly count: number; readonly tasks: readonly Task[] }[];
  /** The number of the last change before it. */
  readonly lastChange: number;
  readonly now: Date;
  readonly timeZone: string;
}

/** How many tasks are read for a part; ready ones as many again, as the first may stand in other parts already. */
const MOST_IN_PART = 5;
const MOST_READY = 4 * MOST_IN_PART;

const orders = taskOrders(dueMoment);
const isOpen = inArray(tasks.status, [...openStatuses]);
/** Somebody is at it: they say so, or hold a claim. */
const isTaken = or(eq(tasks.status, "in_progress"), isClaimLive);

/** What is in each part, and in which order; a task that is not due today any more is overdue alone. */
const parts: Readonly<Record<DigestPart, { readonly which: SQL | undefined; readonly by: SQL[] }>> = {
  overdue: { which: and(isOpen, isDue("overdue")), by: orders.due.by },
  today: { which: and(isOpen, isDue("today"), sql`(${isDue("overdue")}) is not true`), by: orders.due.by },
  in_progress: { which: and(isOpen, isTaken), by: orders.updated.by },
  ready: { which: and(...isReady, eq(tasks.status, "pending")), by: orders.ready.by },
  finished: {
    which: and(eq(tasks.status, "completed"), gte(tasks.completedAt, sql`now() - interval '7 days'`)),
    by: [desc(tasks.completedAt), asc(tasks.id)],
  },
};

const countsSchema = z.object({ rows: z.tuple([z.record(z.enum(digestParts), z.int())]) });

/** Reads where a person's tasks stand. */
export async function digestTasks(database: UserDatabase): Promise<Digest> {
  const { userId } = database;
  const whose = (part: DigestPart) => and(eq(tasks.userId, userId), parts[part].which);
  const counts = digestParts.map(
    (part) =>
      sql`(select count(*)::integer from (select from ${tasks} where ${whose(part)} limit ${sql.raw(`${MOST_COUNTED + 1}`)}) as fit) as ${sql.identifier(part)}`,
  );
  const { results, lastChange, now, timeZone } = await database.read((query) => {
    const first = (part: DigestPart) =>
      query
        .select({ ...taskColumns, description: sql<string>`''`, isClaimLapsed })
        .from(tasks)
        .where(whose(part))
        .orderBy(...parts[part].by)
        .limit(part === "ready" ? MOST_READY : MOST_IN_PART);
    return [
      query.execute(sql`select ${sql.join(counts, sql`, `)}`),
      first("overdue"),
      first("today"),
      first("in_progress"),
      first("ready"),
      first("finished"),
    ];
  });
  const [counted, ...read] = results;
  const {
    rows: [count],
  } = countsSchema.parse(counted);
  return {
    parts: digestParts.map((part, index) => ({
      part,
      count: count[part],
      tasks: (read[index] ?? []).map((row) => toTask(row, timeZone)),
    })),
    lastChange,
    now,
    timeZone,
  };
}
