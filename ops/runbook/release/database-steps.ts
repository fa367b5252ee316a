import { readPostgresUrl, withConnection } from "../../database/connection.ts";
import { migrate, migrationStatus, rollBack } from "../../database/migrate.ts";
import { type MigrationFile, readMigrationFiles } from "../../database/migration-files.ts";
import { RunbookError } from "../runbook-error.ts";
import type { Settings } from "../settings.ts";
import { migrationsToRollBack } from "./release-record.ts";

/** The owner's URL to the database of an environment. */
export function readOwnerUrl(settings: Settings): URL {
  return readPostgresUrl("DATABASE_OWNER_URL", settings.need("DATABASE_OWNER_URL"));
}

/** The migrations that are not applied yet. */
export interface PendingMigrations {
  readonly files: readonly MigrationFile[];
  /** Whether none is applied: no version can be running on the database. */
  readonly isFirst: boolean;
}

/** Finds what is not applied yet. */
export async function pendingMigrations(settings: Settings, directory?: string): Promise<PendingMigrations> {
  const files = await readMigrationFiles(directory);
  return withConnection("DATABASE_OWNER_URL", readOwnerUrl(settings), async (owner) => {
    const status = await migrationStatus(owner, files);
    const pending = new Set(status.filter(({ appliedAt }) => appliedAt === undefined).map(({ name }) => name));
    return { files: files.filter(({ name }) => pending.has(name)), isFirst: pending.size === files.length };
  });
}

/**
 * Makes sure that the running version survives the migrations, by what they declare.
 *
 * @returns what they are, for the operator
 * @throws RunbookError naming those that are no expansions
 */
export function refuseContractions({ files, isFirst }: PendingMigrations): string {
  if (files.length === 0) return "nothing is pending";
  const names = namesOf(files);
  if (isFirst) return `${names}: the database is empty`;
  const contractions = files.filter(({ kind }) => kind === "contract");
  if (contractions.length === 0) return `${names}: only expansions`;
  throw new RunbookError(
    `pending, and declared "-- contract": ${namesOf(contractions)}. The running version may need what it takes away: release the code that no longer needs it first; then apply it by npm run db:migrate, apart from any release`,
  );
}

function namesOf(files: readonly MigrationFile[]): string {
  return files.map(({ name }) => name).join(", ");
}

/** Applies what is pending. */
export async function applyMigrations(settings: Settings, directory?: string): Promise<readonly string[]> {
  const files = await readMigrationFiles(directory);
  return withConnection("DATABASE_OWNER_URL", readOwnerUrl(settings), (owner) => migrate(owner, files));
}

/**
 * Takes the migrations of a release back.
 *
 * @returns those rolled back, newest first
 * @throws RunbookError when others were applied after them
 */
export async function rollBackMigrations(
  settings: Settings,
  released: readonly string[],
  directory?: string,
): Promise<readonly string[]> {
  const files = await readMigrationFiles(directory);
  return withConnection("DATABASE_OWNER_URL", readOwnerUrl(settings), async (owner) => {
    const status = await migrationStatus(owner, files);
    const applied = status.flatMap(({ name, appliedAt }) => (appliedAt === undefined ? [] : [name]));
    return rollBack(owner, files, migrationsToRollBack(released, applied).length);
  });
}
