import { and, asc, eq, gt, lte, sql } from "drizzle-orm";
import * as z from "zod";
import { changes, taskChanges } from "../database/schema.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { loggedChangeSchema } from "./logged-change.ts";

/** How many rows a page has at most, and after how many bytes of images it ends. */
const MOST_ROWS = 500;
const MOST_BYTES = 512 * 1024;

/** A call that changed tasks, as the log has it. */
export const callRecordSchema = z.object({
  change: z.int(),
  at: z.iso.datetime(),
  tool: z.string().nullable(),
  via: z.string(),
  client: z.string().nullable(),
  credential_kind: z.string().nullable(),
  credential_id: z.string().nullable(),
  request_id: z.string().nullable(),
  note: z.string().nullable(),
  undoes: z.int().nullable(),
});
type CallRecord = z.output<typeof callRecordSchema>;

/** What a call did to a task, as the log has it. */
export const taskChangeRecordSchema = z.object({
  change: z.int(),
  task_id: z.int(),
  ...loggedChangeSchema.pick({ operation: true, before: true, after: true, overrode: true }).shape,
});
type TaskChangeRecord = z.output<typeof taskChangeRecordSchema>;

/**
 * Reads every call of the caller's log, from the first on, page by page: each page is a transaction of its own.
 *
 * @throws ApplicationError as `read` does
 */
export async function* allChanges(own: UserDatabase): AsyncGenerator<readonly CallRecord[]> {
  for (let after = 0; ; ) {
    const { results } = await own.read((query) => [
      query
        .select()
        .from(changes)
        .where(and(eq(changes.userId, own.userId), gt(changes.change, after)))
        .orderBy(asc(changes.change))
        .limit(MOST_ROWS),
    ]);
    const last = results[0].at(-1);
    if (last === undefined) return;
    yield results[0].map((row) => ({
      ...{ change: row.change, at: row.at.toISOString(), tool: row.tool, via: row.via, client: row.client },
      ...{ credential_kind: row.credentialKind, credential_id: row.credentialId, request_id: row.requestId },
      ...{ note: row.note, undoes: row.undoes },
    }));
    after = last.change;
  }
}

/**
 * Reads what each call of the caller's log did to each task, from the first on, page by page as `allChanges` does.
 *
 * @throws ApplicationError as `read` does
 */
export async function* allTaskChanges(own: UserDatabase): AsyncGenerator<readonly TaskChangeRecord[]> {
  for (let after = { change: 0, taskId: 0 }; ; ) {
    const { results } = await own.read((query) => {
      const { change, taskId, operation, before, after: image, overrode } = taskChanges;
      const size = sql`coalesce(octet_length(${before}::text), 0) + coalesce(octet_length(${image}::text), 0)`;
      const next = query
        .select({
          ...{ change, taskId, operation, before, after: image, overrode },
          bytesBefore: sql<number>`sum(${size}) over (order by ${change}, ${taskId}) - (${size})`.as("bytes_before"),
        })
        .from(taskChanges)
        .where(
          and(
            eq(taskChanges.userId, own.userId),
            sql`(${change}, ${taskId}) > (${after.change}::bigint, ${after.taskId}::integer)`,
          ),
        )
        .orderBy(asc(change), asc(taskId))
        .limit(MOST_ROWS)
        .as("next");
      return [
        query.select().from(next).where(lte(next.bytesBefore, MOST_BYTES)).orderBy(asc(next.change), asc(next.taskId)),
      ];
    });
    const last = results[0].at(-1);
    if (last === undefined) return;
    yield results[0].map(({ taskId, bytesBefore: _, ...row }) =>
      taskChangeRecordSchema.parse({ ...row, task_id: taskId }),
    );
    after = last;
  }
}
