import { PGlite } from "@electric-sql/pglite";
import { createPgConfig } from "@electric-sql/pglite/node-postgres";
import pg from "pg";
import { migrate } from "../ops/database/migrate.ts";
import { readMigrationFiles } from "../ops/database/migration-files.ts";
import { WORKER_ROLE } from "../ops/database/worker-role.ts";
import { openRawEmbeddedPool } from "./raw-pool.ts";

/** A database inside this process. */
export interface EmbeddedDatabase {
  /** Its only connection, as the worker's role. */
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/**
 * Opens PGlite, applies what migrations are pending, and becomes the worker's role: PGlite's own user is a superuser,
 * whom row-level security does not concern.
 *
 * @param directory where it keeps its files; undefined keeps them in memory
 */
export async function openEmbeddedDatabase(directory: string | undefined): Promise<EmbeddedDatabase> {
  const database = await PGlite.create(directory === undefined ? {} : { dataDir: directory });
  const owner = new pg.Client(createPgConfig(database));
  await owner.connect();
  await migrate(owner, await readMigrationFiles());
  await owner.query(`set role ${WORKER_ROLE}`);
  await owner.end();
  const pool = openRawEmbeddedPool(database);
  return {
    pool,
    async close() {
      await pool.end();
      await database.close();
    },
  };
}
