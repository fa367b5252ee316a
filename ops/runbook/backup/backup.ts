import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { withConnection, withoutSecrets } from "../../database/connection.ts";
import { sleep } from "../duration.ts";
import { hasCode, RunbookError } from "../runbook-error.ts";
import { type Fingerprint, readFingerprint, tableFingerprintSchema } from "./fingerprint.ts";
import { clearingUp } from "./interruption.ts";
import { runOnDatabase } from "./postgresql-programs.ts";

const manifestSchema = z.object({
  created_at: z.iso.datetime(),
  database: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  tables: z.record(z.string(), tableFingerprintSchema),
  /** When a restore of it was compared with what was saved; null while that has not been done. */
  verified_at: z.iso.datetime().nullable(),
});

/** What stands beside a backup: what is in it, and whether that was proven. */
type BackupManifest = z.output<typeof manifestSchema>;

/** A backup on disk. */
export interface Backup {
  /** The dump's path; its manifest is beside it. */
  readonly path: string;
  readonly manifest: BackupManifest;
}

const DUMP_NAME = /^backup_\d{8}_\d{6}\.dump$/;
const LEFT_OVER = /^(backup_\d{8}_\d{6}\.dump)\.(part|json)$/;
const LEFT_OVER_AFTER_MILLISECONDS = 86_400_000;

/**
 * Saves a database with pg_dump, and beside it what every table held in that very snapshot.
 *
 * @param directory where it goes; what is made is readable by its owner alone
 */
export async function makeBackup(url: URL, directory: string): Promise<Backup> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await deleteLeftOver(directory);
  return clearingUp(async (interrupted) => {
    const { path, createdAt } = await takeName(directory);
    const part = `${path}.part`;
    try {
      const tables = await dump(url, part, interrupted);
      const manifest = {
        created_at: createdAt.toISOString(),
        database: withoutSecrets(url),
        bytes: (await stat(part)).size,
        sha256: await sha256Of(part),
        tables,
        verified_at: null,
      };
      await writeManifest({ path, manifest });
      // The dump takes its name last: under that name it is whole.
      await rename(part, path);
      return { path, manifest };
    } catch (error) {
      await rm(part, { force: true });
      await rm(manifestPath(path), { force: true });
      throw error;
    }
  });
}

/** Takes a second's name that no other backup has, by an empty file that its owner alone may read. */
async function takeName(directory: string): Promise<{ path: string; createdAt: Date }> {
  const createdAt = new Date();
  const name = `backup_${createdAt.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "_")}.dump`;
  const path = join(directory, name);
  const isTaken = await writeFile(`${path}.part`, "", { flag: "wx", mode: 0o600 }).then(
    async () => {
      const isMade = (await readdir(directory)).includes(name);
      if (isMade) await rm(`${path}.part`);
      return isMade;
    },
    (error: unknown) => {
      if (hasCode(error, "EEXIST")) return true;
      throw error;
    },
  );
  if (!isTaken) return { path, createdAt };
  await sleep(1_000 - createdAt.getMilliseconds());
  return takeName(directory);
}

/** Deletes what backups left that were killed: dumps that did not take their name, and what stands beside none. */
async function deleteLeftOver(directory: string): Promise<void> {
  const names = new Set(await readdir(directory));
  for (const name of names) {
    const [, dumpName = "", kind] = LEFT_OVER.exec(name) ?? [];
    if (kind === undefined || (kind === "json" && names.has(dumpName))) continue;
    const path = join(directory, name);
    // Another backup may be at work; pg_dump may wait long for a lock.
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > LEFT_OVER_AFTER_MILLISECONDS) await rm(path, { force: true });
  }
}

/** Dumps the snapshot of a transaction that also reads what is in it: nothing comes between the two. */
async function dump(url: URL, path: string, interrupted: AbortSignal): Promise<Fingerprint> {
  return withConnection("DATABASE_OWNER_URL", url, async (client) => {
    // A table may take minutes to read.
    interrupted.throwIfAborted();
    interrupted.addEventListener("abort", () => void client.end());
    await client.query("begin isolation level repeatable read, read only");
    const { rows } = await client.query("select pg_export_snapshot() as snapshot");
    const [{ snapshot }] = z.tuple([z.object({ snapshot: z.string() })]).parse(rows);
    const fingerprint = await readFingerprint(async (query) => (await client.query(query)).rows);
    const args = ["--format", "custom", "--schema", "public", "--no-owner", "--snapshot", snapshot, "--file", path];
    await runOnDatabase("pg_dump", url, args, interrupted);
    await client.query("rollback");
    return fingerprint;
  });
}

/**
 * Reads a backup and makes sure that its dump is as it was written.
 *
 * @throws RunbookError when it is damaged, or has no manifest
 */
export async function openBackup(path: string): Promise<Backup> {
  const text = await readFile(manifestPath(path), "utf8").catch((error: unknown) => {
    throw new RunbookError(`${path} has no manifest beside it (${manifestPath(path)})`, { cause: error });
  });
  const manifest = manifestSchema.safeParse(JSON.parse(text));
  if (!manifest.success) throw new RunbookError(`${manifestPath(path)} is not a backup's manifest`);
  const sha256 = await sha256Of(path).catch((error: unknown) => {
    throw new RunbookError(`${path} cannot be read`, { cause: error });
  });
  if (sha256 !== manifest.data.sha256) throw new RunbookError(`${path} is damaged: its SHA-256 is not the manifest's`);
  return { path, manifest: manifest.data };
}

/** Notes that a restore of a backup was compared with what was saved, and returns it with that note. */
export async function markVerified({ path, manifest }: Backup): Promise<Backup> {
  const verified = { path, manifest: { ...manifest, verified_at: new Date().toISOString() } };
  await writeManifest(verified);
  return verified;
}

/** The paths of a directory's backups, newest first; none where there is no directory. */
export async function listBackups(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  });
  return names
    .filter((name) => DUMP_NAME.test(name))
    .sort()
    .reverse()
    .map((name) => join(directory, name));
}

/** Deletes all backups but the newest, and returns those deleted. */
export async function deleteOldBackups(directory: string, keep: number): Promise<readonly string[]> {
  const old = (await listBackups(directory)).slice(keep);
  for (const path of old) {
    await rm(path);
    await rm(manifestPath(path), { force: true });
  }
  return old;
}

function manifestPath(path: string): string {
  return `${path}.json`;
}

async function writeManifest({ path, manifest }: Backup): Promise<void> {
  await writeFile(manifestPath(path), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(z.instanceof(Buffer).parse(chunk));
  return hash.digest("hex");
}
