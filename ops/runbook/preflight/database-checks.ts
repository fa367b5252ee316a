import type pg from "pg";
import { z } from "zod";
import { readPostgresUrl, withConnection } from "../../database/connection.ts";
import { migrationStatus } from "../../database/migrate.ts";
import { readMigrationFiles } from "../../database/migration-files.ts";
import { WORKER_ROLE } from "../../database/worker-role.ts";
import { listBackups, openBackup } from "../backup/backup.ts";
import { pendingMigrations, readOwnerUrl, refuseContractions } from "../release/database-steps.ts";
import { RunbookError } from "../runbook-error.ts";
import { type PreflightCheck, type PreflightContext, seen } from "./check.ts";

const FRESH_HOURS = 24;
const INDEX = /^\s*create\s+(?:unique\s+)?index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?"?(\w+)"?/gim;
const DROPPED_INDEX = /^\s*drop\s+index\s+(?:concurrently\s+)?(?:if\s+exists\s+)?"?(\w+)"?/gim;

const timeoutSchema = z.tuple([z.object({ role: z.string(), timeout: z.coerce.number(), isUnsafe: z.boolean() })]);
const indexesSchema = z.array(z.object({ name: z.string(), valid: z.boolean() }));

/** The database: reached as the worker will reach it, migrated, indexed, and saved. */
export const databaseChecks: readonly PreflightCheck[] = [
  { name: "database URL", run: checkWorkerUrl },
  { name: "database connection", run: checkWorkerLogin },
  {
    name: "migrations",
    async run({ settings }) {
      return seen(`pending, and applied by deploy: ${refuseContractions(await pendingMigrations(settings))}`);
    },
  },
  { name: "indexes", run: checkIndexes },
  { name: "backup", run: checkBackup },
];

/** Isolates come and go by the hundred: without Neon's pooler they would use up the connections. */
async function checkWorkerUrl({ settings }: PreflightContext) {
  const url = readPostgresUrl("DATABASE_URL", settings.need("DATABASE_URL"));
  if (decodeURIComponent(url.username) !== WORKER_ROLE) throw new RunbookError(`its role is not ${WORKER_ROLE}`);
  if (!/^[\w-]+-pooler\./.test(url.hostname)) {
    throw new RunbookError(`${url.hostname} is not Neon's pooled endpoint: the host's first part ends in -pooler`);
  }
  if (!["require", "verify-full", "verify-ca"].includes(url.searchParams.get("sslmode") ?? "")) {
    throw new RunbookError("sslmode=require is missing");
  }
  return seen(`${url.hostname}, pooled, TLS required`);
}

async function checkWorkerLogin({ settings }: PreflightContext) {
  const url = readPostgresUrl("DATABASE_URL", settings.need("DATABASE_URL"));
  return withConnection("DATABASE_URL", url, async (client) => {
    const { rows } = await client.query(
      `select current_user as role, rolsuper or rolbypassrls as "isUnsafe",
        (select setting from pg_settings where name = 'statement_timeout') as timeout
       from pg_roles where rolname = current_user`,
    );
    const [{ role, timeout, isUnsafe }] = timeoutSchema.parse(rows);
    if (isUnsafe) throw new RunbookError(`${role} is not held by row-level security`);
    if (timeout === 0) throw new RunbookError(`${role} has no statement_timeout`);
    return seen(`logged in as ${role}, held by row-level security, statement_timeout ${timeout} ms`);
  });
}

/** Every index that the applied migrations make is there and valid. */
async function checkIndexes({ settings }: PreflightContext) {
  return withConnection("DATABASE_OWNER_URL", readOwnerUrl(settings), async (client) => {
    const expected = await expectedIndexes(client);
    const { rows } = await client.query(
      "select relname as name, indisvalid as valid from pg_index join pg_class on oid = indexrelid where relnamespace = 'public'::regnamespace",
    );
    const valid = new Set(indexesSchema.parse(rows).flatMap((index) => (index.valid ? [index.name] : [])));
    const missing = expected.filter((name) => !valid.has(name));
    if (missing.length > 0) throw new RunbookError(`missing or not valid: ${missing.join(", ")}`);
    return seen(`${expected.length} of ${expected.length} are there and valid`);
  });
}

async function expectedIndexes(client: pg.ClientBase): Promise<string[]> {
  const files = await readMigrationFiles();
  const applied = new Set(
    (await migrationStatus(client, files)).flatMap(({ name, appliedAt }) => (appliedAt === undefined ? [] : [name])),
  );
  const names = new Set<string>();
  for (const { name, up } of files) {
    if (!applied.has(name)) continue;
    for (const [, index = ""] of up.matchAll(INDEX)) names.add(index);
    for (const [, index = ""] of up.matchAll(DROPPED_INDEX)) names.delete(index);
  }
  return [...names];
}

async function checkBackup({ backupDirectory }: PreflightContext) {
  const [path] = await listBackups(backupDirectory);
  if (path === undefined) throw new RunbookError(`${backupDirectory} holds no backup: run backup`);
  const { manifest } = await openBackup(path);
  const hours = (Date.now() - Date.parse(manifest.created_at)) / 3_600_000;
  if (hours > FRESH_HOURS) throw new RunbookError(`the newest is ${Math.round(hours)} hours old: run backup`);
  if (manifest.verified_at === null)
    throw new RunbookError(`${path} was never restored: run backup without --no-verify`);
  return seen(`${path}, ${hours.toFixed(1)} hours old, restored and compared`);
}
