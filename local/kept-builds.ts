import { randomUUID } from "node:crypto";
import { cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { projectDirectory } from "./environment.ts";
import { fingerprintOf } from "./fingerprint.ts";

/**
 * Directories that take long to make, kept for the next start in `node_modules/.cache/mcp-task-server`: one of each kind,
 * named by the fingerprint of what it was made of. The next that is made of other sources takes its place.
 */
const KEPT = join(projectDirectory, "node_modules/.cache/mcp-task-server");

/** What is made, and of what. */
interface Build {
  /** Its name in the cache. */
  readonly kind: string;
  /** Files and directories of the project. */
  readonly sources: readonly string[];
  /** Makes it in a directory that is not there yet. */
  readonly make: (directory: string) => Promise<void>;
}

/**
 * Makes a directory, or copies the one that was made of the same sources before.
 *
 * @param directory whatever was there goes away
 * @throws what `make` throws
 */
export async function makeOnce(directory: string, { kind, sources, make }: Build): Promise<void> {
  const fingerprint = await fingerprintOf(projectDirectory, sources);
  if (await isCopied(join(KEPT, kind, fingerprint), directory)) return;
  await make(directory);
  // A source that was saved meanwhile may be in it or not.
  if ((await fingerprintOf(projectDirectory, sources)) === fingerprint) await keep(directory, kind, fingerprint);
}

async function isCopied(kept: string, directory: string): Promise<boolean> {
  await rm(directory, { recursive: true, force: true });
  try {
    await cp(kept, directory, { recursive: true });
    return true;
  } catch {
    // There is none, or another start has just made room for a newer one: it is made again.
    await rm(directory, { recursive: true, force: true });
    return false;
  }
}

async function keep(directory: string, kind: Build["kind"], fingerprint: string): Promise<void> {
  const ofKind = join(KEPT, kind);
  const partial = join(KEPT, `${kind}-${randomUUID()}`);
  try {
    await mkdir(ofKind, { recursive: true });
    const older = (await readdir(ofKind)).filter((name) => name !== fingerprint);
    await Promise.all(older.map((name) => remove(join(ofKind, name))));
    await cp(directory, partial, { recursive: true });
    await rename(partial, join(ofKind, fingerprint));
  } catch {
    // The project may not be its user's to write to, or another start has kept the same: what was made is there anyway.
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Under another name first: a start that copies it meanwhile fails, where it would miss what is gone already. */
async function remove(path: string): Promise<void> {
  const removed = join(KEPT, `removed-${randomUUID()}`);
  await rename(path, removed);
  await rm(removed, { recursive: true, force: true });
}
