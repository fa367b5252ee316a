import { z } from "zod";
import type { Procedure } from "../procedure.ts";
import { RunbookError } from "../runbook-error.ts";
import { readRecords, writeRecord } from "./log-directory.ts";

const recordSchema = z.object({
  environment: z.string(),
  commit: z.string(),
  /** Null while the release has none yet. */
  version_id: z.string().nullable(),
  /** The migrations that it applied, in order. */
  migrations: z.array(z.string()),
});

/** What a later rollback has to know of a release. */
export type ReleaseRecord = z.output<typeof recordSchema>;

const ENDING = "-release.json";

/** Writes the record of a release, over the one that it has. */
export async function writeReleaseRecord(
  directory: string,
  record: ReleaseRecord,
  procedure: Procedure,
): Promise<void> {
  await writeRecord(directory, `${record.environment}${ENDING}`, record, procedure);
}

/**
 * The migrations that the release of a version applied.
 *
 * @throws RunbookError where the directory does not know that release
 */
export async function migrationsOfRelease(
  directory: string,
  environment: string,
  versionId: string,
): Promise<readonly string[]> {
  const records = readRecords(directory, `-${environment}${ENDING}`, recordSchema, "the record of a release");
  for await (const { record } of records) if (record.version_id === versionId) return record.migrations;
  throw new RunbookError(
    `${directory} has no record of the release of version ${versionId}, so which migrations it applied is not known: ` +
      "roll back without --database, then npm run runbook -- backup and npm run db:rollback -- --steps <number>",
  );
}

/**
 * Chooses what to roll back: of a release's migrations those that are still applied, if nothing was applied after them.
 *
 * @throws RunbookError naming what was
 */
export function migrationsToRollBack(released: readonly string[], applied: readonly string[]): readonly string[] {
  const wanted = released.filter((name) => applied.includes(name));
  const later = applied.slice(applied.length - wanted.length).filter((name) => !wanted.includes(name));
  if (later.length > 0) {
    throw new RunbookError(
      `${later.join(", ")} was applied after ${wanted.join(", ")}, and would be rolled back first`,
    );
  }
  return wanted;
}
