import type pg from "pg";
import { z } from "zod";
import { nodesExplained } from "./explained-plan.ts";
import type { TaskLists } from "./task-lists.ts";

/** What a request to the database reads. */
export interface RowsRead {
  /** Rows of tables that its own queries look at. */
  readonly rows: number;
  /** Entries of indexes of tasks, their tags and words, in functions too; where they are ordered, that is. */
  readonly entries: number;
  /** Tables that it reads whole. */
  readonly whole: readonly (string | undefined)[];
}

const callSchema = z.looseObject({ write: z.looseObject({ key: z.string() }).optional() });
const entriesSchema = z.tuple([z.object({ entries: z.coerce.number() })]);

/** Has Postgres explain the last request of some lists, as the worker's role, and takes back what that does. */
export async function rowsRead({ proxy }: TaskLists, worker: pg.Client): Promise<RowsRead> {
  const request = proxy.journal.at(-1);
  if (request === undefined) throw new Error("nothing was asked");
  const [setCaller = "", ...queries] = request.statements;
  const call = request.parameters.findIndex((parameter) => String(parameter).includes('"user_id"'));
  let parameters = request.parameters.slice(call + 1);
  const asked = callSchema.parse(JSON.parse(String(request.parameters[call])));
  // A call of its own: the same again would be refused.
  if (asked.write !== undefined) asked.write.key = `server:${crypto.randomUUID()}`;
  let rows = 0;
  const whole: (string | undefined)[] = [];
  await worker.query("begin");
  try {
    await worker.query(setCaller, [JSON.stringify(asked)]);
    const before = await entriesRead(worker);
    for (const query of queries) {
      const count = Math.max(0, ...[...query.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
      const { rows: explained } = await worker.query(
        `explain (analyze, buffers, format json) ${query}`,
        parameters.slice(0, count),
      );
      parameters = parameters.slice(count);
      const scans = nodesExplained(explained).filter(({ relation }) => relation !== undefined);
      whole.push(...scans.filter(({ node }) => node === "Seq Scan").map(({ relation }) => relation));
      rows += scans.reduce((sum, { read }) => sum + read, 0);
    }
    return { rows, entries: (await entriesRead(worker)) - before, whole };
  } finally {
    await worker.query("rollback");
  }
}

/** How many entries of ordered indexes a connection has read lately. */
async function entriesRead(worker: pg.Client): Promise<number> {
  const { rows } = await worker.query(
    `select coalesce(sum(pg_stat_get_xact_tuples_returned(indexrelid)), 0) as entries
     from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
     where indrelid::regclass::text in ('tasks', 'task_tags', 'task_words') and amname = 'btree'`,
  );
  return entriesSchema.parse(rows)[0].entries;
}
