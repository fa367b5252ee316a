import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { z } from "zod";
import { openEmbeddedDatabase } from "../../local/embedded-database.ts";
import { type Gateway, startGateway } from "../../local/gateway.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import { openConnection } from "../../ops/database/connection.ts";
import { migrate } from "../../ops/database/migrate.ts";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { ensureWorkerLogin } from "../../ops/database/worker-login.ts";
import { eachOnItsOwn, type OwnerDoor, openOwnerDoor } from "./owner-door.ts";
import { type PostgresqlCluster, startPostgresqlCluster } from "./postgresql-cluster.ts";

const databaseSchema = z.object({
  connectionString: z.string(),
  fetchEndpoint: z.string(),
  owner: z.object({ url: z.string(), token: z.string() }),
});

/** A migrated database behind a gateway, as tests are told of it. */
export type TestDatabase = z.output<typeof databaseSchema>;

/** A test database and how to end it. */
export interface RunningTestDatabase {
  readonly database: TestDatabase;
  close(): Promise<void>;
}

/** PGlite, as `npm start` has it: a copy of the empty database that is kept, as making one takes ten seconds. */
export async function startPgliteDatabase(): Promise<RunningTestDatabase> {
  const directory = await mkdtemp(join(tmpdir(), "tasks-pglite-"));
  const embedded = await openEmbeddedDatabase(join(directory, "database"));
  const gateway = await startGateway(embedded.pool);
  const door = await openOwnerDoor(async (work) => {
    const client = await embedded.pool.connect();
    try {
      await client.query("reset role");
      return await work(client);
    } finally {
      await client.query("set role task_worker");
      client.release();
    }
  });
  return {
    database: describe(gateway, door),
    async close() {
      await door.close();
      await gateway.close();
      await embedded.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** A database of a cluster, migrated by its superuser, with the worker logging in by password. */
export async function startPostgresqlDatabase(ownerUrl: URL, workerUrl: URL): Promise<RunningTestDatabase> {
  const owner = await openConnection(ownerUrl);
  await migrate(owner, await readMigrationFiles());
  await ensureWorkerLogin(owner, workerUrl);
  await owner.end();
  const pool = openRawPool(workerUrl);
  const owners = openRawPool(ownerUrl);
  const gateway = await startGateway(pool);
  const door = await openOwnerDoor(eachOnItsOwn(owners));
  return {
    database: describe(gateway, door),
    async close() {
      await door.close();
      await gateway.close();
      await pool.end();
      await owners.end();
    },
  };
}

/** A cluster with two migrated databases in it. */
export async function startPostgresql(programs: string): Promise<
  RunningTestDatabase & {
    /** The second. */
    readonly schedule: TestDatabase;
    readonly cluster: PostgresqlCluster;
    readonly workerUrl: URL;
  }
> {
  const cluster = await startPostgresqlCluster(programs);
  const workerUrlTo = (database: string) => {
    const url = cluster.url(database);
    url.username = "task_worker";
    url.password = "the worker's password: ' \\ / ? #";
    return url;
  };
  const start = async (database: string) => {
    await cluster.createDatabase(database);
    return startDatabaseThread({ ownerUrl: cluster.url(database).href, workerUrl: workerUrlTo(database).href });
  };
  const tasks = await start("tasks");
  const schedule = await start("schedule");
  return {
    database: tasks.database,
    schedule: schedule.database,
    workerUrl: workerUrlTo("tasks"),
    cluster,
    async close() {
      await Promise.all([tasks.close(), schedule.close()]);
      await cluster.remove();
    },
  };
}

/**
 * Starts a database in a thread: vitest's own is busy for seconds while it reads modules, and what asks the database
 * meanwhile would run out of time.
 *
 * @param urls of a database of PostgreSQL; PGlite without them
 */
export async function startDatabaseThread(urls?: {
  readonly ownerUrl: string;
  readonly workerUrl: string;
}): Promise<RunningTestDatabase> {
  const thread = new Worker(join(import.meta.dirname, "database-thread.ts"), { workerData: urls });
  const [database] = z.tuple([databaseSchema]).parse(await once(thread, "message"));
  return {
    database,
    async close() {
      const ended = once(thread, "exit");
      thread.postMessage("end");
      await ended;
    },
  };
}

function describe(gateway: Gateway, { url, token }: OwnerDoor): TestDatabase {
  const { connectionString, fetchEndpoint } = gateway;
  return { connectionString, fetchEndpoint, owner: { url, token } };
}
