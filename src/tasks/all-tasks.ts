import { and, asc, eq, gt, lte, sql } from "drizzle-orm";
import type * as z from "zod";
import type { UserDatabase } from "../database/user-database.ts";
import { showMoment } from "../moment.ts";
import { makersOf, makersSchema, momentSchema, taskSchema, toBriefTask } from "./task.ts";
import { isClaimLapsed, taskColumns, tasks } from "./task-rows.ts";

/** How many tasks a page has at most, and after how many bytes of descriptions it ends. */
const MOST_TASKS = 500;
const MOST_BYTES = 512 * 1024;

/** A task as it is kept; one that is deleted says when it was. */
export const keptTaskSchema = taskSchema.extend({ ...makersSchema.shape, deleted_at: momentSchema.optional() });

/**
 * Reads every task of the caller, deleted ones too, from the first on, page by page: each page is a transaction of its own,
 * and is read when it is asked for.
 *
 * @throws ApplicationError as `read` does
 */
export async function* allTasks(own: UserDatabase): AsyncGenerator<readonly z.output<typeof keptTaskSchema>[]> {
  for (let after = 0; ; ) {
    const { results, timeZone } = await own.read(
      (query) => {
        const next = query
          .select({
            ...taskColumns,
            isClaimLapsed,
            deletedAt: tasks.deletedAt,
            bytesBefore: sql<number>`sum(octet_length(${tasks.description})) over (order by ${tasks.id})
            - octet_length(${tasks.description})`.as("bytes_before"),
          })
          .from(tasks)
          .where(and(eq(tasks.userId, own.userId), gt(tasks.id, after)))
          .orderBy(asc(tasks.id))
          .limit(MOST_TASKS)
          .as("next");
        return [query.select().from(next).where(lte(next.bytesBefore, MOST_BYTES)).orderBy(asc(next.id))];
      },
      { seesDeleted: true },
    );
    const page = results[0].map((row) => ({
      ...toBriefTask(row, timeZone),
      ...makersOf(row),
      ...(row.deletedAt !== null && { deleted_at: showMoment(row.deletedAt, timeZone) }),
    }));
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.id;
  }
}
