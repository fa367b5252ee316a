import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { clusterUrl, createMigratedDatabase, workerUrlTo } from "../support/cluster-databases.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";
import { seededRandom } from "../support/seeded-random.ts";

const CONNECTIONS = 50;
const CALLS_EACH = 8;
const BATCHES = [1, 3, 25];
const TASKS = 60;
const SEED = 20_261;
const DEADLOCK = "40P01";
const SIGNED_OUT = "28000";

/** A database of this file's own, so that its functions may be changed. */
interface Scratch {
  readonly owner: pg.Pool;
  /** Connections as the worker's role has them. */
  readonly workers: readonly pg.Client[];
  close(): Promise<void>;
}

/** How the calls of a run ended. */
interface Run {
  /** The numbers that the calls were given, in the order in which each connection has heard of them. */
  readonly changes: readonly number[];
  /** The SQLSTATEs of those that failed. */
  readonly failures: readonly (string | undefined)[];
}

const callSchema = z.object({ change: z.coerce.number() });
const resultsSchema = z.array(z.object({ rows: z.array(z.unknown()) }));
const seenSchema = z.tuple([z.object({ count: z.coerce.number(), last: z.coerce.number() })]);

async function openScratch(): Promise<Scratch> {
  const { name, url } = await createMigratedDatabase();
  const superuser = new pg.Client({ connectionString: clusterUrl().href });
  await superuser.connect();
  // A deadlock is found as soon as this, in place of a second each.
  await superuser.query(`alter database ${name} set deadlock_timeout = '50ms'`);
  await superuser.end();
  const owner = new pg.Pool({ connectionString: url.href, max: 2 });
  const workers = Array.from({ length: CONNECTIONS }, () => new pg.Client({ connectionString: workerUrlTo(url).href }));
  await Promise.all(workers.map((client) => client.connect()));
  // On a busy machine the last of so many waits for longer than the role may.
  await Promise.all(workers.map((client) => client.query("set statement_timeout = 0")));
  return {
    owner,
    workers,
    async close() {
      await Promise.all(workers.map((client) => client.end()));
      await owner.end();
    },
  };
}

async function newUser({ owner }: Scratch): Promise<number> {
  const email = `${crypto.randomUUID()}@example.com`;
  const { rows } = await owner.query(
    "insert into users (email, name, password_hash) values ($1, 'Ada', 'no hash') returning id",
    [email],
  );
  const [{ id }] = z.tuple([z.object({ id: z.int() })]).parse(rows);
  // All under one number, the first: past the worker each transaction has one.
  await owner.query("insert into tasks (user_id, title) select $1, 'One of many' from generate_series(1, $2)", [
    id,
    TASKS,
  ]);
  return id;
}

/** Makes a call that writes, in one transaction, as the worker does. */
async function call(client: pg.Client, userId: number, statements: readonly string[]): Promise<number> {
  const setting = {
    user_id: userId,
    credential: { kind: "sign_in", id: crypto.randomUUID(), issued_at: new Date().toISOString() },
    origin: { via: "http", request_id: "test" },
    write: { key: `server:${crypto.randomUUID()}`, tool: "update_task", is_kept: false },
  };
  const literal = pg.escapeLiteral(JSON.stringify(setting));
  const all = [`select set_caller(${literal}::jsonb)`, ...statements, "select end_call() ->> 'change' as change"];
  try {
    // All at once, as the gateway sends them: nobody holds the lock for the length of a round trip.
    const results = resultsSchema.parse(await client.query(`begin; ${all.join("; ")}; commit`));
    return z.tuple([callSchema]).parse(results.at(-2)?.rows)[0].change;
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

/** Has every connection write as one user, in batches of tasks in random order, at the same time, until two deadlock. */
async function writeAtOnce({ workers }: Scratch, userId: number): Promise<Run> {
  const changes: number[] = [];
  const failures: (string | undefined)[] = [];
  const writeSome = async (client: pg.Client, index: number) => {
    const random = seededRandom(SEED + index);
    for (let made = 0; made < CALLS_EACH && !failures.includes(DEADLOCK); made += 1) {
      const size = BATCHES[Math.floor(random() * BATCHES.length)] ?? 1;
      const ids = Array.from({ length: size }, () => 1 + Math.floor(random() * TASKS));
      const updates = ids.map(
        (id) => `update tasks set version = version + 1 where user_id = ${userId} and id = ${id}`,
      );
      try {
        changes.push(await call(client, userId, updates));
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error;
        failures.push(error.code);
      }
    }
  };
  await Promise.all(workers.map(writeSome));
  return { changes, failures };
}

/**
 * Looks again and again which changes have been committed. There is a gap below the last one where a change was committed
 * before one with a lower number.
 */
async function gapsWhile(
  { owner }: Scratch,
  userId: number,
  work: Promise<unknown>,
): Promise<{ looks: number; gaps: number }> {
  let isOver = false;
  void work.finally(() => {
    isOver = true;
  });
  let [looks, gaps] = [0, 0];
  while (!isOver) {
    const { rows } = await owner.query(
      "select count(*), coalesce(max(change), 0) as last from changes where user_id = $1",
      [userId],
    );
    const [{ count, last }] = seenSchema.parse(rows);
    looks += 1;
    if (count !== last) gaps += 1;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return { looks, gaps };
}

/** Where the log does not say of a task, change by change, that each version followed the one before it up to the last. */
async function unfollowedVersions({ owner }: Scratch, userId: number): Promise<unknown[]> {
  const { rows } = await owner.query(
    `select task_id, change, "from", "to", earlier from (
       select task_id, change, (before -> 'version')::integer as "from", (after -> 'version')::integer as "to",
         lag((after -> 'version')::integer) over history as earlier
       from task_changes where user_id = $1 window history as (partition by task_id order by change)
     ) as followed where "from" is distinct from earlier or "to" <= "from"
     union all
     select id, last_change, version, null, null from tasks where user_id = $1 and not exists (
       select from task_changes
       where task_changes.user_id = tasks.user_id and task_id = id and change = last_change and (after -> 'version')::integer = version
     )`,
    [userId],
  );
  return rows;
}

async function countRows({ owner }: Scratch, table: string, userId: number): Promise<number | null> {
  return (await owner.query(`select from ${table} = $1`, [userId])).rowCount;
}

describe.skipIf(findPostgresql() === undefined)(
  `${CONNECTIONS} connections that write as one user`,
  { timeout: 120_000 },
  () => {
    let scratch: Scratch;
    beforeAll(async () => {
      scratch = await openScratch();
    }, 60_000);
    afterAll(async () => {
      await scratch?.close();
    });

    it("never deadlock, and number their changes without a gap, in the order of their commits", async () => {
      const userId = await newUser(scratch);
      const running = writeAtOnce(scratch, userId);
      const { looks, gaps } = await gapsWhile(scratch, userId, running);
      const { changes, failures } = await running;

      const calls = CONNECTIONS * CALLS_EACH;
      expect(failures).toEqual([]);
      expect(changes.toSorted((one, other) => one - other)).toEqual(
        Array.from({ length: calls }, (_, index) => index + 2),
      );
      expect(gaps).toBe(0);
      expect(looks).toBeGreaterThan(10);
      const { rows } = await scratch.owner.query("select last_change::int from users where id = $1", [userId]);
      expect(rows).toEqual([{ last_change: calls + 1 }]);
      expect(await unfollowedVersions(scratch, userId)).toEqual([]);
    });

    it("let the account be deleted in between, with everything in it", async () => {
      const userId = await newUser(scratch);
      const [deleting] = scratch.workers;
      if (deleting === undefined) throw new Error("there is no connection");
      const others = { ...scratch, workers: scratch.workers.slice(1) };
      const running = writeAtOnce(others, userId);
      const counted = () => countRows(scratch, "idempotency_keys where user_id", userId);
      await expect.poll(counted, { timeout: 30_000 }).toBeGreaterThan(10);
      await call(deleting, userId, ["select delete_account()"]);

      // Those after it are refused as anybody is whose credential does not count.
      expect([...new Set((await running).failures)]).toEqual([SIGNED_OUT]);
      for (const table of [
        "users where id",
        "tasks where user_id",
        "idempotency_keys where user_id",
        "changes where user_id",
        "task_changes where user_id",
      ]) {
        expect(await countRows(scratch, table, userId), table).toBe(0);
      }
    });

    it("deadlock where set_caller does not lock the user's row first", async () => {
      const { rows } = await scratch.owner.query(
        "select pg_get_functiondef('set_caller(jsonb)'::regprocedure) as definition",
      );
      const [{ definition }] = z.tuple([z.object({ definition: z.string() })]).parse(rows);
      const unlocked = definition.replace(/\s+for no key update/, "");
      expect(unlocked).not.toBe(definition);
      await scratch.owner.query(unlocked);
      try {
        const { failures } = await writeAtOnce(scratch, await newUser(scratch));
        expect(failures).toContain(DEADLOCK);
      } finally {
        await scratch.owner.query(definition);
      }
    });
  },
);
