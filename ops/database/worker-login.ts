import pg from "pg";
import { describeConnectionError, openConnection, withoutSecrets } from "./connection.ts";
import { DatabaseCommandError } from "./database-command-error.ts";
import type { MigrationConnection } from "./migrate.ts";
import { changeRole, ensureWorkerRole, WORKER_ROLE } from "./worker-role.ts";

const INVALID_AUTHORIZATION_CLASS = "28";

/**
 * Lets the worker's role log in with the password of a URL, with the role's settings. A role belongs to the whole
 * cluster, so it is changed only where it is not so already.
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
  await ensureWorkerRole(owner);
  if (await canLogIn(workerUrl)) return;
  // ALTER ROLE takes no parameters.
  await changeRole(owner, `alter role ${WORKER_ROLE} login password ${pg.escapeLiteral(password)}`);
  if (!(await canLogIn(workerUrl))) {
    throw new DatabaseCommandError(
      `DATABASE_URL (${withoutSecrets(workerUrl)}) is refused although its password was set: is it the same server?`,
    );
  }
}

/** The owner's URL with the worker's role and a password in the place of the owner's. */
export function workerUrlFrom(ownerUrl: URL, password: string): URL {
  const workerUrl = new URL(ownerUrl);
  // A URL without a host takes no user.
  if (workerUrl.hostname === "") {
    const isElsewhere = workerUrl.searchParams.has("host");
    workerUrl.hostname = isElsewhere ? "localhost" : encodeURIComponent(process.env.PGHOST || "localhost");
  }
  // They would come before those of the URL itself.
  for (const name of ["user", "password"]) workerUrl.searchParams.delete(name);
  workerUrl.username = WORKER_ROLE;
  workerUrl.password = password;
  return workerUrl;
}

/** Whether somebody has let the worker's role log in: the password belongs to the whole cluster. */
export async function roleHasLogin(owner: MigrationConnection): Promise<boolean> {
  const { rows } = await owner.query("select from pg_roles where rolname = $1 and rolcanlogin", [WORKER_ROLE]);
  return rows.length > 0;
}

/**
 * Whether the server takes the login of a URL.
 *
 * @throws DatabaseCommandError when the server cannot be reached or refuses for another reason
 */
export async function canLogIn(url: URL): Promise<boolean> {
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
