import { access, rename } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import { createPgConfig } from "@electric-sql/pglite/node-postgres";
import pg from "pg";
import { migrate } from "../ops/database/migrate.ts";
import { readMigrationFiles } from "../ops/database/migration-files.ts";
import { WORKER_ROLE } from "../ops/database/worker-role.ts";
import { makeOnce } from "./kept-builds.ts";
import { openRawEmbeddedPool } from "./raw-pool.ts";

/** A database inside this process. */
export interface EmbeddedDatabase {
  /** Its only connection, as the worker's role. */
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/** What an empty database is made of; PGlite itself is known by npm's lock files. */
const SOURCES = [
  "drizzle",
  "ops/database",
  "local/embedded-database.ts",
  "package-lock.json",
  "node_modules/.package-lock.json",
];

/**
 * Opens PGlite, applies what migrations are pending, and becomes the worker's role: PGlite's own user is a superuser,
 * whom row-level security does not concern.
 *
 * @param directory where it keeps its files
 */
export async function openEmbeddedDatabase(directory: string): Promise<EmbeddedDatabase> {
  if (!(await isThere(directory))) await makeDatabase(directory);
  const database = await openMigrated(directory);
  const pool = openRawEmbeddedPool(database);
  return {
    pool,
    async close() {
      await pool.end();
      await database.close();
    },
  };
}

/** A start that is killed on its way leaves no half of a database: it gets its name when it is whole. */
async function makeDatabase(directory: string): Promise<void> {
  const unfinished = `${directory}.new`;
  await makeOnce(unfinished, {
    kind: "database",
    sources: SOURCES,
    async make(into) {
      await (await openMigrated(into)).close();
    },
  });
  await rename(unfinished, directory);
}

async function openMigrated(directory: string): Promise<PGlite> {
  const database = await PGlite.create({ dataDir: directory });
  const owner = new pg.Client(createPgConfig(database));
  await owner.connect();
  await migrate(owner, await readMigrationFiles());
  await owner.query(`set role ${WORKER_ROLE}`);
  await owner.end();
  return database;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
