import pg from "pg";
import { z } from "zod";
import { startGateway } from "../../local/gateway.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import { openDatabase } from "../../src/database/database.ts";
import type { UserDatabase } from "../../src/database/user-database.ts";
import { createMigratedDatabase, workerUrlTo } from "./cluster-databases.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy/fault-proxy.ts";

export const cursorSettings = { JWT_SECRET: "a secret of the tests, 32 characters", SIGN_CURSORS: "on" } as const;

/** A database of its own, whose tasks are listed as the worker does, by its role. */
export interface TaskLists {
  readonly owner: pg.Client;
  /** Every request to the database is kept here, and the last can be explained. */
  readonly proxy: FaultProxy;
  readonly workerUrl: URL;
  /** Makes people; returns their ids. */
  newPeople(count: number, timeZone?: string): Promise<number[]>;
  /** The database as one of them. */
  as(userId: number): UserDatabase;
  close(): Promise<void>;
}

/** How long a call may take in it, in seconds: nothing here is judged by time. */
const CALL_SECONDS = 60;

export async function openTaskLists(): Promise<TaskLists> {
  const { url } = await createMigratedDatabase();
  const owner = new pg.Client({ connectionString: url.href });
  await owner.connect();
  const workerUrl = workerUrlTo(url);
  const pool = openRawPool(workerUrl);
  const gateway = await startGateway(pool);
  const proxy = await startFaultProxy(gateway.fetchEndpoint);
  const database = openDatabase(gateway.connectionString, proxy.fetchEndpoint, CALL_SECONDS);
  return {
    owner,
    proxy,
    workerUrl,
    async newPeople(count, timeZone = "UTC") {
      const { rows } = await owner.query(
        `insert into users (email, name, password_hash, time_zone)
         select gen_random_uuid() || '@example.com', 'Ada', 'no hash', $2 from generate_series(1, $1) returning id`,
        [count, timeZone],
      );
      return z
        .array(z.object({ id: z.int() }))
        .parse(rows)
        .map(({ id }) => id);
    },
    as(userId) {
      const issuedAt = new Date();
      const expiresAt = new Date(issuedAt.getTime() + 3_600_000);
      const credential = { kind: "sign_in", id: crypto.randomUUID(), issuedAt, expiresAt } as const;
      return database.as({ userId, credential, access: "full" }, { via: "http", requestId: "test" });
    },
    async close() {
      await proxy.close();
      await gateway.close();
      await pool.end();
      await owner.end();
    },
  };
}
