import pg from "pg";
import { describeConnectionError, openConnection, withoutSecrets } from "./connection.ts";
import { DatabaseCommandError } from "./database-command-error.ts";
import type { MigrationConnection } from "./migrate.ts";

/** The worker's role in Postgres, which the first migration makes. */
export const WORKER_ROLE = "task_worker";

const INVALID_AUTHORIZATION_CLASS = "28";
const LAST_ATTEMPT = 5;

/**
 * Lets the worker's role log in with the password of a URL. A role belongs to the whole cluster, so it is changed
 * only when that login does not work yet.
 *
 * @param owner a connection that may alter the role
 * @throws DatabaseCommandError when the URL is not the worker's, or logging in fails for another reason
 */
export async function ensureWorkerLogin(owner: MigrationConnection, workerUrl: URL): Promise<void> {
  if (decodeURIComponent(workerUrl.username) !== WORKER_ROLE) {
    throw new DatabaseCommandError(
      `DATABASE_URL must log in as ${WORKER_ROLE}, not as ${workerUrl.username || "nobody"}`,
    );
  }
  const password = decodeURIComponent(workerUrl.password);
  if (password === "") throw new DatabaseCommandError("DATABASE_URL has no password");
  if (await canLogIn(workerUrl)) return;
  await setPassword(owner, password);
  if (!(await canLogIn(workerUrl))) {
    throw new DatabaseCommandError(
      `DATABASE_URL (${withoutSecrets(workerUrl)}) is refused although its password was set: is it the same server?`,
    );
  }
}

async function canLogIn(url: URL): Promise<boolean> {
  try {
    const client = await openConnection(url);
    await client.end();
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code?.startsWith(INVALID_AUTHORIZATION_CLASS)) return false;
    throw new DatabaseCommandError(
      `cannot connect to DATABASE_URL (${withoutSecrets(url)}): ${describeConnectionError(error)}`,
      { cause: error },
    );
  }
}

async function setPassword(owner: MigrationConnection, password: string, attempt = 1): Promise<void> {
  try {
    // ALTER ROLE takes no parameters.
    await owner.query(`alter role ${WORKER_ROLE} login password ${pg.escapeLiteral(password)}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (attempt < LAST_ATTEMPT && reason.includes("tuple concurrently updated")) {
      return setPassword(owner, password, attempt + 1);
    }
    throw new DatabaseCommandError(`cannot set the password of ${WORKER_ROLE}: ${reason}`, { cause: error });
  }
}
