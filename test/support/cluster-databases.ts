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

const newName = () => `test_${randomBytes(6).toString("hex")}`;

async function asSuperuser(...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: clusterUrl().href });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

function ownerUrl(database: string, { username, password }: Pick<URL, "username" | "password">): URL {
  return Object.assign(clusterUrl(database), { username, password });
}

interface OwnerSettings {
  /** Whether the owner may also make databases. */
  readonly mayCreateDatabases?: boolean;
}

/** Makes an empty database whose owner is no superuser but may make roles, as on Neon; and the owner's URL to it. */
export async function createTestDatabase({ mayCreateDatabases = false }: OwnerSettings = {}): Promise<{
  name: string;
  url: URL;
}> {
  const name = newName();
  const password = randomBytes(12).toString("hex");
  await asSuperuser(
    `create role ${name} login createrole ${mayCreateDatabases ? "createdb" : ""} password '${password}'`,
    `create database ${name} owner ${name}`,
  );
  return { name, url: ownerUrl(name, { username: name, password }) };
}

/** Copies such a database, which must have no open connections; the owner stays the same. @returns their URL to the copy */
export async function copyTestDatabase(original: URL): Promise<URL> {
  const name = newName();
  await asSuperuser(`create database ${name} template ${original.pathname.slice(1)} owner ${original.username}`);
  return ownerUrl(name, original);
}

/** As `createTestDatabase`, with the newest schema. */
export async function createMigratedDatabase(settings: OwnerSettings = {}): Promise<{ name: string; url: URL }> {
  const created = await createTestDatabase(settings);
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
