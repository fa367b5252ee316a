import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartError } from "./start-error.ts";

/** Where one start keeps everything, for itself alone while it runs. */
export interface DataDirectory {
  readonly path: string;
  readonly embeddedDatabase: string;
  readonly secrets: string;
  readonly workerBundle: string;
  readonly workerLog: string;
  readonly workerStorage: string;
  /** Emptied at every start. */
  readonly temporary: string;
  /** Lets the next start in. */
  release(): void;
}

const LOCK = "lock";
const SECRETS = "secrets.json";
/** What a start leaves in its directory besides the secrets. */
const OWN_NAMES = new Set([LOCK, `${SECRETS}.new`, "pglite", "tmp", "worker", "worker.log", "workerd"]);

/**
 * Makes the directory, readable by its owner alone, or takes an empty one or the one that an earlier start has
 * made; and locks it.
 *
 * @throws StartError when it cannot be written, holds somebody's own files, or another start uses it
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  let names: string[];
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    names = await readdir(path);
    if (names.length === 0) await chmod(path, 0o700);
  } catch (error) {
    throw new StartError(`DATA_DIR ${path} cannot be used: ${reasonOf(error)}`, { cause: error });
  }
  if (names.length > 0 && !isDataDirectory(names)) {
    throw new StartError(`DATA_DIR ${path} holds files that are not npm start's: name an empty or a new directory`);
  }
  const lock = takeLock(path);
  const temporary = join(path, "tmp");
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  return {
    path,
    embeddedDatabase: join(path, "pglite"),
    secrets: join(path, SECRETS),
    workerBundle: join(path, "worker"),
    workerLog: join(path, "worker.log"),
    workerStorage: join(path, "workerd"),
    temporary,
    release: () => lock.close(),
  };
}

/**
 * Whether a start has made the directory: it makes the lock first and the secrets next. One that was killed in between,
 * or whose secrets somebody has deleted, has nothing else in it that is not its own.
 */
function isDataDirectory(names: readonly string[]): boolean {
  return names.includes(LOCK) && (names.includes(SECRETS) || names.every((name) => OWN_NAMES.has(name)));
}

/** SQLite holds its lock by the operating system's own, which a killed process cannot leave behind. */
function takeLock(path: string): DatabaseSync {
  try {
    const lock = new DatabaseSync(join(path, LOCK), { timeout: 0 });
    lock.exec("begin exclusive");
    return lock;
  } catch (error) {
    const reason =
      reasonOf(error) === "database is locked"
        ? "is in use by another npm start"
        : `cannot be locked: ${reasonOf(error)}`;
    throw new StartError(`DATA_DIR ${path} ${reason}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
