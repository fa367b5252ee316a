import { readPostgresUrl, withConnection } from "../../database/connection.ts";
import { migrate, migrationStatus, rollBack } from "../../database/migrate.ts";
import { type MigrationFile, readMigrationFiles } from "../../database/migration-files.ts";
import { RunbookError } from "../runbook-error.ts";
import type { Settings } from "../settings.ts";
import { findDestructiveStatements } from "./migration-safety.ts";
import { migrationsToTakeBack } from "./release-record.ts";

/** The owner's URL to the database of an environment. */
export function readOwnerUrl(settings: Settings): URL {
  return readPostgresUrl("DATABASE_OWNER_URL", settings.need("DATABASE_OWNER_URL"));
}

/** The migrations that are not applied yet. */
export async function pendingMigrations(settings: Settings, directory?: string): Promise<MigrationFile[]> {
  const files = await readMigrationFiles(directory);
  return withConnection("DATABASE_OWNER_URL", readOwnerUrl(settings), async (owner) => {
    const status = await migrationStatus(owner, files);
    const pending = new Set(status.filter(({ appliedAt }) => appliedAt === undefined).map(({ name }) => name));
    return files.filter(({ name }) => pending.has(name));
  });
}

/**
 * Makes sure that the running version survives the migrations.
 *
 * @throws RunbookError naming the first statement that it may not survive
 */
export function refuseDestructive(pending: readonly MigrationFile[]): string {
  const [first, ...more] = findDestructiveStatements(pending);
  if (first !== undefined) {
    const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
    throw new RunbookError(
      `${first.migration} ${first.reason}: "${first.statement}"${others}. Release the code that no longer needs it first; then apply this by npm run db:migrate, apart from any release`,
    );
  }
  return pending.length === 0 ? "nothing is pending" : `${pending.map(({ name }) => name).join(", ")}: only expansions`;
}

/** Applies what is pending. */
export async function applyMigrations(settings: Settings, directory?: string): Promise<readonly string[]> {
  const files = await readMigrationFiles(directory);
  return withConnection("DATABASE_OWNER_URL", readOwnerUrl(settings), (owner) => migrate(owner, files));
}

/**
 * Takes the migrations of a release back.
 *
 * @returns those taken back, newest first
 * @throws RunbookError when others were applied after them
 */
export async function takeBackMigrations(
  settings: Settings,
  released: readonly string[],
  directory?: string,
): Promise<readonly string[]> {
  const files = await readMigrationFiles(directory);
  return withConnection("DATABASE_OWNER_URL", readOwnerUrl(settings), async (owner) => {
    const status = await migrationStatus(owner, files);
    const applied = status.flatMap(({ name, appliedAt }) => (appliedAt === undefined ? [] : [name]));
    return rollBack(owner, files, migrationsToTakeBack(released, applied).length);
  });
}
