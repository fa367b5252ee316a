import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { openConnection } from "../../ops/database/connection.ts";
import { migrate } from "../../ops/database/migrate.ts";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";

/** A URL to the cluster of this run, as its superuser. */
export function clusterUrl(database = "postgres"): URL {
  const cluster = inject("clusterUrl");
  if (cluster === undefined) throw new Error("PostgreSQL is not installed");
  const url = new URL(cluster);
  url.pathname = `/${database}`;
  return url;
}

/** Makes an empty database whose owner is no superuser but may make roles, as on Neon; and the owner's URL to it. */
export async function createTestDatabase({ mayCreateDatabases = false } = {}): Promise<{ name: string; url: URL }> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  const client = new pg.Client({ connectionString: clusterUrl().href });
  await client.connect();
  await client.query(
    `create role ${name} login createrole ${mayCreateDatabases ? "createdb" : ""} password '${password}'`,
  );
  await client.query(`create database ${name} owner ${name}`);
  await client.end();
  const url = clusterUrl(name);
  url.username = name;
  url.password = password;
  return { name, url };
}

/** Copies such a database, which must have no open connections; the owner stays the same. @returns their URL to the copy */
export async function copyTestDatabase({ username, password, pathname }: URL): Promise<URL> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  const client = new pg.Client({ connectionString: clusterUrl().href });
  await client.connect();
  await client.query(`create database ${name} template ${pathname.slice(1)} owner ${username}`);
  await client.end();
  const url = clusterUrl(name);
  url.username = username;
  url.password = password;
  return url;
}

/** As `createTestDatabase`, with the newest schema. */
export async function createMigratedDatabase(): Promise<{ name: string; url: URL }> {
  const created = await createTestDatabase();
  const connection = await openConnection(created.url);
  await migrate(connection, await readMigrationFiles());
  await connection.end();
  return created;
}

/**
 * The worker's URL to a database of the cluster. The role's password belongs to the whole cluster: a test that lets
 * npm start make one up from the owner's URL would lock out all others.
 */
export function workerUrlTo({ pathname }: URL): URL {
  const workerUrl = new URL(inject("workerUrl") ?? "");
  workerUrl.pathname = pathname;
  return workerUrl;
}

/** The variables that open a database of the cluster as npm start and the scripts want them. */
export function databaseVariables(url: URL): { DATABASE_OWNER_URL: string; DATABASE_URL: string } {
  return { DATABASE_OWNER_URL: url.href, DATABASE_URL: workerUrlTo(url).href };
}

/**
 * The variables of a start that is no test of the embedded database: one of PostgreSQL's, which costs a tenth of the
 * processor time; none where it is not installed.
 */
export async function quickDatabase(): Promise<Readonly<Record<string, string>>> {
  if (inject("clusterUrl") === undefined) return {};
  return databaseVariables((await createTestDatabase()).url);
}
