import { z } from "zod";
import { DatabaseCommandError } from "./database-command-error.ts";
import type { MigrationFile } from "./migration-files.ts";

/** What migrating needs of a connection; a `pg` client has it, over PostgreSQL as over PGlite. */
export interface MigrationConnection {
  /** Without values the text may hold several statements. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** One line of `db:status`. */
export interface MigrationStatus {
  readonly name: string;
  /** When it was applied; undefined while it is pending. */
  readonly appliedAt: string | undefined;
  /** False for one that was applied by a newer version than this. */
  readonly isOnDisk: boolean;
}

const appliedMigrationsSchema = z.array(z.object({ name: z.string(), checksum: z.string(), applied_at: z.string() }));
type AppliedMigration = z.output<typeof appliedMigrationsSchema>[number];

// Any number will do, as long as nothing else in the database takes the same lock.
const ADVISORY_LOCK = 4_202_611;
const LAST_ATTEMPT = 5;

/**
 * Applies what is pending, each migration in its own transaction.
 *
 * @returns the names of those applied
 * @throws DatabaseCommandError naming the file that failed, or what on disk contradicts the database
 */
export async function migrate(
  connection: MigrationConnection,
  files: readonly MigrationFile[],
): Promise<readonly string[]> {
  const names: string[] = [];
  for (;;) {
    const name = await inLockedTransaction(connection, () => applyNext(connection, files));
    if (name === undefined) return names;
    names.push(name);
  }
}

/**
 * Rolls back the newest migrations.
 *
 * @param steps how many at most
 * @returns the names of those rolled back, newest first
 * @throws DatabaseCommandError naming the file that failed, or what on disk contradicts the database
 */
export async function rollBack(
  connection: MigrationConnection,
  files: readonly MigrationFile[],
  steps: number,
): Promise<readonly string[]> {
  const names: string[] = [];
  while (names.length < steps) {
    const name = await inLockedTransaction(connection, () => rollBackNewest(connection, files));
    if (name === undefined) return names;
    names.push(name);
  }
  return names;
}

/**
 * Every migration on disk, in order, and when it was applied.
 *
 * @throws DatabaseCommandError for what on disk contradicts the database, and where a newer version has migrated it
 */
export async function migrationStatus(
  connection: MigrationConnection,
  files: readonly MigrationFile[],
): Promise<readonly MigrationStatus[]> {
  const statuses = await surveyMigrations(connection, files);
  refuseMissingFiles(statuses.filter(({ isOnDisk }) => !isOnDisk));
  return statuses;
}

/**
 * Every migration on disk, in order, and after them those that only the database knows.
 *
 * @throws DatabaseCommandError for what on disk contradicts the database
 */
export async function surveyMigrations(
  connection: MigrationConnection,
  files: readonly MigrationFile[],
): Promise<readonly MigrationStatus[]> {
  const { rows } = await connection.query("select to_regclass('schema_migrations') is not null as exists");
  const [{ exists }] = z.tuple([z.object({ exists: z.coerce.string() })]).parse(rows);
  const applied = exists.startsWith("t") ? await readApplied(connection) : [];
  refuseAnotherHistory(files, applied);
  const appliedAt = new Map(applied.map((migration) => [migration.name, migration.applied_at]));
  return [
    ...files.map(({ name }) => ({ name, appliedAt: appliedAt.get(name), isOnDisk: true })),
    ...withoutFile(files, applied).map(({ name }) => ({ name, appliedAt: appliedAt.get(name), isOnDisk: false })),
  ];
}

async function applyNext(
  connection: MigrationConnection,
  files: readonly MigrationFile[],
): Promise<string | undefined> {
  const applied = await readApplied(connection);
  refuseContradictions(files, applied);
  const next = files[applied.length];
  if (next === undefined) return undefined;
  await runFile(connection, `${next.name}.sql`, next.up);
  await connection.query("insert into schema_migrations (name, checksum) values ($1, $2)", [next.name, next.checksum]);
  return next.name;
}

async function rollBackNewest(
  connection: MigrationConnection,
  files: readonly MigrationFile[],
): Promise<string | undefined> {
  const applied = await readApplied(connection);
  refuseContradictions(files, applied);
  const newest = files[applied.length - 1];
  if (newest === undefined) return undefined;
  await runFile(connection, `${newest.name}.down.sql`, newest.down);
  await connection.query("delete from schema_migrations where name = $1", [newest.name]);
  return newest.name;
}

async function runFile(connection: MigrationConnection, file: string, text: string): Promise<void> {
  try {
    await connection.query(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatabaseCommandError(`${file} failed and was undone: ${reason}`, { cause: error });
  }
}

async function readApplied(connection: MigrationConnection): Promise<AppliedMigration[]> {
  const { rows } = await connection.query(
    "select name, checksum, to_json(applied_at) #>> '{}' as applied_at from schema_migrations order by name collate \"C\"",
  );
  return appliedMigrationsSchema.parse(rows);
}

function withoutFile(
  files: readonly MigrationFile[],
  applied: readonly AppliedMigration[],
): readonly AppliedMigration[] {
  const onDisk = new Set(files.map(({ name }) => name));
  return applied.filter(({ name }) => !onDisk.has(name));
}

function refuseMissingFiles([first]: readonly { readonly name: string }[]): void {
  if (first === undefined) return;
  throw new DatabaseCommandError(
    `${first.name} is applied, but this version has no ${first.name}.sql: the database was migrated by a newer version; use that one`,
  );
}

function refuseContradictions(files: readonly MigrationFile[], applied: readonly AppliedMigration[]): void {
  refuseMissingFiles(withoutFile(files, applied));
  refuseAnotherHistory(files, applied);
}

function refuseAnotherHistory(files: readonly MigrationFile[], applied: readonly AppliedMigration[]): void {
  const byName = new Map(files.map((file) => [file.name, file]));
  for (const { name, checksum } of applied) {
    const file = byName.get(name);
    if (file !== undefined && file.checksum !== checksum) {
      throw new DatabaseCommandError(`${name}.sql was changed after it was applied; write a new migration instead`);
    }
  }
  const appliedNames = new Set(applied.map(({ name }) => name));
  const pending = files.find(({ name }) => !appliedNames.has(name));
  const newest = applied.at(-1);
  if (pending !== undefined && newest !== undefined && pending.name < newest.name) {
    throw new DatabaseCommandError(`${pending.name}.sql is pending, but sorts before ${newest.name}, which is applied`);
  }
}

/** Holds the lock for one transaction: a session's lock would not survive a transaction pooler such as Neon's. */
async function inLockedTransaction<Result>(
  connection: MigrationConnection,
  work: () => Promise<Result>,
  attempt = 1,
): Promise<Result> {
  await connection.query("begin");
  try {
    await connection.query("select pg_advisory_xact_lock($1)", [ADVISORY_LOCK]);
    await connection.query(
      `create table if not exists schema_migrations (
        name text primary key, checksum text not null, applied_at timestamptz not null default now()
      )`,
    );
    const result = await work();
    await connection.query("commit");
    return result;
  } catch (error) {
    await connection.query("rollback");
    if (attempt < LAST_ATTEMPT && meetsAnotherDatabase(error)) {
      return inLockedTransaction(connection, work, attempt + 1);
    }
    throw error;
  }
}

/** Roles belong to the whole cluster and the lock to one database, so two databases can meet at a role. */
function meetsAnotherDatabase(error: unknown): boolean {
  return error instanceof Error && error.message.includes("tuple concurrently updated");
}
