import type pg from "pg";
import { withoutSecrets } from "../ops/database/connection.ts";
import type { DataDirectory } from "./data-directory.ts";
import { openEmbeddedDatabase } from "./embedded-database.ts";
import type { StartEnvironment } from "./environment.ts";
import { openPostgresqlDatabase } from "./postgresql-database.ts";
import type { Secrets } from "./secrets.ts";
import { refuseUnsafeRole } from "./worker-role.ts";

/** The database behind the gateway, open as the worker's role. */
export interface LocalDatabase {
  readonly pool: pg.Pool;
  /** What it is and where, for a person. */
  readonly description: string;
  close(): Promise<void>;
}

/**
 * Opens PostgreSQL where the environment has a URL to it, else the database embedded in this process; migrated.
 *
 * @throws StartError or DatabaseCommandError when that is not possible
 */
export async function openLocalDatabase(
  { databaseUrl, ownerUrl }: StartEnvironment,
  data: DataDirectory,
  { WORKER_PASSWORD }: Pick<Secrets, "WORKER_PASSWORD">,
): Promise<LocalDatabase> {
  const url = databaseUrl ?? ownerUrl;
  const database =
    url === undefined
      ? await openEmbedded(data)
      : await openPostgresql(url, { databaseUrl, ownerUrl }, WORKER_PASSWORD);
  try {
    await refuseUnsafeRole(database.pool);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

async function openEmbedded(data: DataDirectory): Promise<LocalDatabase> {
  const embedded = await openEmbeddedDatabase(data.embeddedDatabase);
  return { ...embedded, description: "embedded, kept with the data below" };
}

async function openPostgresql(
  url: URL,
  urls: { databaseUrl: URL | undefined; ownerUrl: URL | undefined },
  workerPassword: string,
): Promise<LocalDatabase> {
  const pool = await openPostgresqlDatabase(urls, workerPassword);
  return { pool, description: `PostgreSQL, ${withoutSecrets(url)}`, close: () => pool.end() };
}
