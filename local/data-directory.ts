import { chmod, mkdir, rm } from "node:fs/promises";
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

/**
 * Makes the directory, readable by its owner alone, and locks it.
 *
 * @throws StartError when it cannot be written, or another start uses it
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
  } catch (error) {
    throw new StartError(`DATA_DIR ${path} cannot be used: ${reasonOf(error)}`, { cause: error });
  }
  const lock = takeLock(path);
  const temporary = join(path, "tmp");
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  return {
    path,
    embeddedDatabase: join(path, "pglite"),
    secrets: join(path, "secrets.json"),
    workerBundle: join(path, "worker"),
    workerLog: join(path, "worker.log"),
    workerStorage: join(path, "workerd"),
    temporary,
    release: () => lock.close(),
  };
}

/** SQLite holds its lock by the operating system's own, which a killed process cannot leave behind. */
function takeLock(path: string): DatabaseSync {
  try {
    const lock = new DatabaseSync(join(path, "lock"), { timeout: 0 });
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
