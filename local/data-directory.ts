import { chmod, mkdir, readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { areSecrets } from "./secrets.ts";
import { StartError } from "./start-error.ts";

/** Where one start keeps everything, for itself alone while it runs. */
export interface DataDirectory {
  readonly path: string;
  readonly embeddedDatabase: string;
  readonly secrets: string;
  readonly workerBundle: string;
  readonly workerLog: string;
  readonly workerStorage: string;
  /** The lines that connect each MCP client, token included. */
  readonly clients: string;
  /** Emptied at every start. */
  readonly temporary: string;
  /** Lets the next start in. */
  release(): void;
}

const LOCK = "lock";
const SECRETS = "secrets.json";
const SQLITE_NOTADB = 26;
/** What a start leaves in its directory besides the secrets; of a killed one also what SQLite keeps beside the lock. */
const OWN_NAME =
  /^(lock(-journal|-wal|-shm)?|secrets\.json\.new|clients\.txt|pglite(\.new)?|tmp|worker|worker\.log(\.\d+)?|workerd)$/;

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
  if (names.length > 0 && !(await isDataDirectory(path, names))) {
    throw new StartError(`DATA_DIR ${path} holds files that are not npm start's: name an empty or a new directory`);
  }
  const lock = await takeLock(path);
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
    clients: join(path, "clients.txt"),
    temporary,
    release: () => lock.close(),
  };
}

/**
 * Whether a start has made the directory: it makes the lock first and the secrets next. One that was killed in between,
 * or whose secrets somebody has deleted, has nothing else in it that is not its own; one whose lock somebody has deleted
 * still has its secrets.
 */
async function isDataDirectory(path: string, names: readonly string[]): Promise<boolean> {
  const hasSecrets = names.includes(SECRETS);
  if (names.includes(LOCK)) return hasSecrets || names.every((name) => OWN_NAME.test(name));
  return hasSecrets && (await areSecrets(join(path, SECRETS)));
}

/**
 * SQLite holds its lock by the operating system's own, which a killed process cannot leave behind. What the files of the
 * lock say does not matter.
 */
async function takeLock(path: string): Promise<DatabaseSync> {
  const file = join(path, LOCK);
  try {
    return lockFile(file);
  } catch (error) {
    if (!isDamaged(error)) throw lockError(path, error);
  }
  try {
    // In place: a process that has locked the file since keeps it locked.
    await truncate(file);
    return lockFile(file);
  } catch (error) {
    throw lockError(path, error);
  }
}

function lockFile(file: string): DatabaseSync {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    // Without a file beside it.
    lock.exec("pragma journal_mode = memory; begin exclusive");
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

function isDamaged(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_NOTADB;
}

function lockError(path: string, error: unknown): StartError {
  const reason =
    reasonOf(error) === "database is locked"
      ? "is in use by another npm start"
      : `cannot be locked: ${reasonOf(error)}`;
  return new StartError(`DATA_DIR ${path} ${reason}`, { cause: error });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
