import pg from "pg";
import * as z from "zod";

/** What is measured inside the database, by what it is called in the table. */
export const databaseCalls = {
  "create 1": `insert into tasks (user_id, title, description, tags) values ($1, 'Call the dentist', 'Ask about the crown.', '{health}')`,
  "update 1": `update tasks set title = 'Call ' || $2, version = version + 1, updated_at = now() where user_id = $1 and id = 1 + $2 % 900`,
  "create 25": `insert into tasks (user_id, title, description, tags)
    select $1, 'Call the dentist ' || n, 'Ask about the crown.', '{health}' from generate_series(1, 25) as n`,
  "update 25": `update tasks set title = 'Call ' || $2, version = version + 1, updated_at = now()
    where user_id = $1 and id between 1 + $2 % 36 * 25 and 25 + $2 % 36 * 25`,
} as const;

/** The median of one call, between its beginning and the end of its commit. */
export interface MeasuredCall {
  readonly milliseconds: number;
  readonly walBytes: number;
}

const measuredSchema = z.tuple([z.object({ microseconds: z.coerce.number(), bytes: z.coerce.number() })]);

/**
 * Makes a call many times inside the database, each in a transaction of its own as the worker's are, and measures there.
 *
 * @param worker a connection as the worker's role
 * @param first a number that no call before has had
 */
export async function measureInside(
  worker: pg.Client,
  userId: number,
  statement: string,
  first: number,
  times: number,
): Promise<MeasuredCall> {
  const call = {
    user_id: userId,
    credential: { kind: "sign_in", id: crypto.randomUUID(), issued_at: new Date().toISOString() },
    origin: { via: "mcp", client: "bench", request_id: crypto.randomUUID() },
  };
  await worker.query(`do $do$
    declare
      begun timestamptz;
      before pg_lsn;
      microseconds numeric[] := '{}';
      bytes numeric[] := '{}';
      call constant jsonb := ${pg.escapeLiteral(JSON.stringify(call))};
    begin
      for number in ${first}..${first + times - 1} loop
        begun := clock_timestamp();
        before := pg_current_wal_insert_lsn();
        perform set_caller(call || jsonb_build_object('write', jsonb_build_object(
          'key', 'caller:' || gen_random_uuid(), 'tool', 'update_task', 'input_hash', repeat('0', 64), 'is_kept', false
        )));
        -- Planned anew each time, as over HTTP.
        execute ${pg.escapeLiteral(statement)} using ${userId}, number;
        perform end_call();
        commit;
        microseconds := microseconds || (extract(epoch from clock_timestamp() - begun) * 1000000)::numeric;
        bytes := bytes || (pg_current_wal_insert_lsn() - before);
      end loop;
      perform set_config('bench.microseconds', microseconds::text, false);
      perform set_config('bench.bytes', bytes::text, false);
    end
  $do$`);
  const { rows } = await worker.query(
    `select percentile_cont(0.5) within group (order by microseconds) as microseconds,
       percentile_cont(0.5) within group (order by bytes) as bytes
     from unnest(
       current_setting('bench.microseconds')::numeric[]::float8[], current_setting('bench.bytes')::numeric[]::float8[]
     ) as measured (microseconds, bytes)`,
  );
  const [{ microseconds, bytes }] = measuredSchema.parse(rows);
  return { milliseconds: microseconds / 1000, walBytes: bytes };
}
