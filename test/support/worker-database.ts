import pg from "pg";
import { type Gateway, startGateway } from "../../local/gateway.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import { createMigratedDatabase, workerUrlTo } from "./cluster-databases.ts";

/** A database of the cluster with the newest schema, as a worker reaches it: over HTTP, by the gateway. */
export interface WorkerDatabase extends Pick<Gateway, "connectionString" | "fetchEndpoint"> {
  /** Connections as the database's owner, past the worker. */
  readonly owner: pg.Pool;
  close(): Promise<void>;
}

/** Makes such a database, and opens it. */
export async function openWorkerDatabase(): Promise<WorkerDatabase> {
  const { url } = await createMigratedDatabase();
  const owner = new pg.Pool({ connectionString: url.href, max: 4 });
  const pool = openRawPool(workerUrlTo(url));
  const gateway = await startGateway(pool);
  return {
    owner,
    connectionString: gateway.connectionString,
    fetchEndpoint: gateway.fetchEndpoint,
    async close() {
      await gateway.close();
      await pool.end();
      await owner.end();
    },
  };
}
