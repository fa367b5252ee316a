import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Procedure } from "../procedure.ts";
import { RunbookError } from "../runbook-error.ts";
import { writeBesideLog } from "./deployment-log.ts";

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
  await writeBesideLog(directory, `${record.environment}${ENDING}`, `${JSON.stringify(record, null, 2)}\n`, procedure);
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
  const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith(`-${environment}${ENDING}`));
  for (const name of names.sort().reverse()) {
    const record = recordSchema.safeParse(JSON.parse(await readFile(join(directory, name), "utf8")));
    if (!record.success) throw new RunbookError(`${join(directory, name)} is not the record of a release`);
    if (record.data.version_id === versionId) return record.data.migrations;
  }
  throw new RunbookError(
    `${directory} has no record of the release of version ${versionId}, so which migrations it applied is not known: ` +
      "roll back without --database, then npm run runbook -- backup and npm run db:rollback -- --steps <number>",
  );
}

/**
 * Chooses what to take back: of a release's migrations those that are still applied, if nothing was applied after them.
 *
 * @throws RunbookError naming what was
 */
export function migrationsToTakeBack(released: readonly string[], applied: readonly string[]): readonly string[] {
  const wanted = released.filter((name) => applied.includes(name));
  const later = applied.slice(applied.length - wanted.length).filter((name) => !wanted.includes(name));
  if (later.length > 0) {
    throw new RunbookError(`${later.join(", ")} was applied after ${wanted.join(", ")}, and would be taken back first`);
  }
  return wanted;
}
