/**
 * What the log of changes and the keys of calls cost a call that writes, in one run: `npx node bench/change-log.ts`. The worker
 * runs in two workerds, each with a database of one PostgreSQL: as it is, with 100,000 changes in the log, and one without log
 * and key (`without-log.sql`). They are called in turn, call by call, over HTTP; then the same writes are made inside either
 * database, in turn too, where a call of 25 tasks is measured as well. Fails where the median of a tool over HTTP is more than
 * 1.25 times that without.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { bundleWorker } from "../local/worker-bundle.ts";
import { startDatabaseThread } from "../test/support/databases.ts";
import { findPostgresql, type PostgresqlCluster, startPostgresqlCluster } from "../test/support/postgresql-cluster.ts";
import { databaseCalls, measureInside } from "./change-log-calls.ts";
import { medianOf } from "./median.ts";
import { type ProductWorker, startProductWorker } from "./product-worker.ts";

const CALLS = Number(process.env.CALLS ?? 1000);
const WARM_UP = 200;
const ROUNDS = 7;
const CALLS_A_ROUND = 60;
const ALLOWED_RATIO = 1.25;
const TASKS = 1000;
const LOGGED_CHANGES = 100_000;
/** Of a day: PostgreSQL plans the look-up of a key for a table of that size, where an empty one is read whole. */
const KEPT_KEYS = 10_000;

/** The calls over HTTP; those with a key are the ones that keep it. */
const httpCalls = {
  create_task: (number: number) => ({ title: `Call the dentist ${number}`, description: "Ask about the crown." }),
  update_task: (number: number) => ({ task_id: 1 + (number % TASKS), title: `Call ${number}` }),
} as const;

interface Contestant {
  readonly hasLog: boolean;
  readonly product: ProductWorker;
  readonly token: string;
  /** The worker's role in its database. */
  readonly worker: pg.Client;
  close(): Promise<void>;
}

type Pair = readonly [withLog: Contestant, without: Contestant];

async function main(): Promise<void> {
  const programs = findPostgresql();
  if (programs === undefined) throw new Error("PostgreSQL is not installed");
  const temporary = await mkdtemp(join(tmpdir(), "tasks-bench-"));
  const cluster = await startPostgresqlCluster(programs);
  const contestants: Contestant[] = [];
  try {
    // No checkpoint comes between, whose whole pages in the WAL would count for the next call.
    await asOwner(cluster.url(), async (owner) => {
      await owner.query("alter system set checkpoint_timeout = '1h'");
      await owner.query("alter system set max_wal_size = '8GB'");
      await owner.query("select pg_reload_conf()");
    });
    const bundle = await bundleWorker(join(temporary, "bundle"));
    const withLog = await start(cluster, { bundle, temporary, hasLog: true });
    contestants.push(withLog);
    const without = await start(cluster, { bundle, temporary, hasLog: false });
    contestants.push(without);
    const pair: Pair = [withLog, without];
    const isWithin = await compareOverHttp(pair);
    await compareInside(pair);
    process.exitCode = isWithin ? 0 : 1;
  } finally {
    for (const contestant of contestants) await contestant.close();
    await cluster.remove();
    await rm(temporary, { recursive: true, force: true });
  }
}

async function start(
  cluster: PostgresqlCluster,
  { bundle, temporary, hasLog }: { readonly bundle: string; readonly temporary: string; readonly hasLog: boolean },
): Promise<Contestant> {
  const name = hasLog ? "with_log" : "without_log";
  await cluster.createDatabase(name);
  const workerUrl = cluster.url(name);
  Object.assign(workerUrl, { username: "task_worker", password: "the-worker" });
  const database = await startDatabaseThread({ ownerUrl: cluster.url(name).href, workerUrl: workerUrl.href });
  await asOwner(cluster.url(name), (owner) => prepare(owner, hasLog));
  const product = await startProductWorker(bundle, database.database, join(temporary, name));
  const token = await product.tokenOf(1);
  const worker = new pg.Client({ connectionString: workerUrl.href });
  await worker.connect();
  return {
    hasLog,
    product,
    token,
    worker,
    async close() {
      await worker.end();
      await product.close();
      await database.close();
    },
  };
}

/** A person with tasks, each of which has changed a hundred times. */
async function prepare(owner: pg.Client, hasLog: boolean): Promise<void> {
  await owner.query("insert into users (email, name, password_hash) values ('bench@example.com', 'Bench', 'none')");
  await owner.query("insert into tasks (user_id, title) select 1, 'Task ' || n from generate_series(1, $1) as n", [
    TASKS,
  ]);
  if (hasLog) {
    await owner.query(
      `insert into changes (user_id, change, tool, via, client, credential_kind, credential_id, request_id)
       select 1, n, 'update_task', 'mcp', 'bench', 'sign_in', gen_random_uuid(), gen_random_uuid()
       from generate_series(2, $1) as n`,
      [LOGGED_CHANGES],
    );
    await owner.query(
      `insert into task_changes (user_id, change, task_id, operation, before, after)
       select 1, n, 1 + n % $2::int, 'update',
         jsonb_build_object('title', 'Call ' || n, 'version', n, 'updated_at', now()),
         jsonb_build_object('title', 'Call ' || n + 1, 'version', n + 1, 'updated_at', now())
       from generate_series(2, $1) as n`,
      [LOGGED_CHANGES, TASKS],
    );
    await owner.query("update users set last_change = $1", [LOGGED_CHANGES]);
    await owner.query(
      `insert into idempotency_keys (user_id, key, tool, input_hash)
       select 1, 'caller:' || gen_random_uuid(), 'update_task', repeat('0', 64) from generate_series(1, $1)`,
      [KEPT_KEYS],
    );
  } else {
    await owner.query("truncate changes, task_changes");
    await owner.query(await readFile(join(import.meta.dirname, "without-log.sql"), "utf8"));
  }
  await owner.query("vacuum analyze");
}

/** @returns whether the log and the keys cost no more than they may */
async function compareOverHttp(pair: Pair): Promise<boolean> {
  process.stdout.write(`over HTTP, median of ${CALLS} calls each\n`);
  let isWithin = true;
  for (const [tool, inputOf] of Object.entries(httpCalls)) {
    const durations = new Map<Contestant, number[]>(pair.map((contestant) => [contestant, []]));
    for (let turn = 0; turn < CALLS + WARM_UP; turn += 1) {
      // Each is first as often as the other.
      for (const contestant of turn % 2 === 0 ? pair : pair.toReversed()) {
        const milliseconds = await call(contestant, tool, inputOf(turn));
        if (turn >= WARM_UP) durations.get(contestant)?.push(milliseconds);
      }
    }
    const [withLog, without] = pair.map((contestant) => medianOf(durations.get(contestant) ?? []));
    const ratio = (withLog ?? Number.NaN) / (without ?? Number.NaN);
    if (!(ratio <= ALLOWED_RATIO)) isWithin = false;
    process.stdout.write(
      `  ${tool.padEnd(12)} ${withLog?.toFixed(2)} ms with log and key, ${without?.toFixed(2)} ms without: ${ratio.toFixed(2)}\n`,
    );
  }
  process.stdout.write(`  at most ${ALLOWED_RATIO} allowed: ${isWithin ? "kept" : "missed"}\n`);
  return isWithin;
}

function call({ hasLog, product, token }: Contestant, tool: string, input: object): Promise<number> {
  return product.time(token, tool, { ...input, ...(hasLog && { idempotency_key: crypto.randomUUID() }) });
}

async function compareInside(pair: Pair): Promise<void> {
  process.stdout.write(`inside the database, median of ${ROUNDS} rounds of ${CALLS_A_ROUND} calls each\n`);
  let first = 1;
  for (const [name, statement] of Object.entries(databaseCalls)) {
    const rounds = new Map<Contestant, { milliseconds: number[]; walBytes: number[] }>(
      pair.map((contestant) => [contestant, { milliseconds: [], walBytes: [] }]),
    );
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const contestant of pair) {
        const measured = await measureInside(contestant.worker, 1, statement, first, CALLS_A_ROUND);
        rounds.get(contestant)?.milliseconds.push(measured.milliseconds);
        rounds.get(contestant)?.walBytes.push(measured.walBytes);
      }
      first += CALLS_A_ROUND;
    }
    const [withLog, without] = pair.map((contestant) => {
      const { milliseconds = [], walBytes = [] } = rounds.get(contestant) ?? {};
      return { milliseconds: medianOf(milliseconds), walBytes: medianOf(walBytes) };
    });
    process.stdout.write(
      `  ${name.padEnd(12)} ${withLog?.milliseconds.toFixed(2)} ms and ${withLog?.walBytes.toFixed(0)} bytes of WAL with log and key, ` +
        `${without?.milliseconds.toFixed(2)} ms and ${without?.walBytes.toFixed(0)} bytes without\n`,
    );
  }
}

async function asOwner(url: URL, work: (owner: pg.Client) => Promise<void>): Promise<void> {
  const owner = new pg.Client({ connectionString: url.href });
  await owner.connect();
  try {
    await work(owner);
  } finally {
    await owner.end();
  }
}

await main();
