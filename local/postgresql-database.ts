import { createHmac } from "node:crypto";
import type pg from "pg";
import { z } from "zod";
import { withConnection, withoutSecrets } from "../ops/database/connection.ts";
import { migrate, migrationStatus } from "../ops/database/migrate.ts";
import { type MigrationFile, readMigrationFiles } from "../ops/database/migration-files.ts";
import { canLogIn, ensureWorkerLogin, roleHasLogin, workerUrlFrom } from "../ops/database/worker-login.ts";
import { WORKER_ROLE } from "../ops/database/worker-role.ts";
import { openRawPool } from "./raw-pool.ts";
import { StartError } from "./start-error.ts";

const roleSchema = z.tuple([z.object({ name: z.string(), mayMigrate: z.boolean(), database: z.string() })]);

/**
 * Migrates a PostgreSQL database and opens it as the worker's role, whose login is made where only the owner's URL is
 * given.
 *
 * @param urls one of the two at least; `databaseUrl` is the worker's when both are there
 * @param workerPassword what that login gets as its password
 * @throws StartError or DatabaseCommandError when it cannot be reached, migrated or opened as the worker
 */
export async function openPostgresqlDatabase(
  { databaseUrl, ownerUrl }: { databaseUrl: URL | undefined; ownerUrl: URL | undefined },
  workerPassword: string,
): Promise<pg.Pool> {
  const files = await readMigrationFiles();
  if (ownerUrl !== undefined && databaseUrl !== undefined) {
    await withConnection("DATABASE_OWNER_URL", ownerUrl, async (owner) => {
      await migrate(owner, files);
      await ensureWorkerLogin(owner, databaseUrl);
    });
    return openRawPool(databaseUrl);
  }
  const variable = databaseUrl === undefined ? "DATABASE_OWNER_URL" : "DATABASE_URL";
  const url = databaseUrl ?? ownerUrl;
  if (url === undefined) throw new StartError("neither DATABASE_URL nor DATABASE_OWNER_URL is set");
  return openRawPool(
    await withConnection(variable, url, (client) => prepareByOneUrl(client, { variable, url, files, workerPassword })),
  );
}

interface OneUrl {
  readonly variable: string;
  readonly url: URL;
  readonly files: readonly MigrationFile[];
  readonly workerPassword: string;
}

/** The worker's URL, after the database was migrated by the only URL there is. */
async function prepareByOneUrl(client: pg.Client, { variable, url, files, workerPassword }: OneUrl): Promise<URL> {
  const { rows } = await client.query(
    `select current_user as name, current_database() as database,
      has_schema_privilege(current_schema(), 'create') as "mayMigrate"`,
  );
  const [role] = roleSchema.parse(rows);
  if (role.name === WORKER_ROLE) {
    const pending = (await migrationStatus(client, files)).find(({ appliedAt }) => appliedAt === undefined);
    if (pending === undefined) return url;
    throw new StartError(
      `${pending.name} is pending, and ${WORKER_ROLE} may not apply it: set DATABASE_OWNER_URL, or run npm run db:migrate`,
    );
  }
  if (!role.mayMigrate) {
    throw new StartError(
      `${variable} (${withoutSecrets(url)}) is neither ${WORKER_ROLE} nor allowed to create tables in ${role.database}`,
    );
  }
  await migrate(client, files);
  const workerUrl = workerUrlFrom(url, workerPassword);
  await refuseToChangePasswordOfOthers(client, { ownerUrl: url, workerUrl, variable });
  await ensureWorkerLogin(client, workerUrl);
  return workerUrl;
}

/** The role belongs to the whole cluster: a deployed worker may log in as it, or an `npm start` with another DATA_DIR. */
async function refuseToChangePasswordOfOthers(
  owner: pg.Client,
  { ownerUrl, workerUrl, variable }: { ownerUrl: URL; workerUrl: URL; variable: string },
): Promise<void> {
  // Asked first: another start with the same password may be about to set it.
  if (!(await roleHasLogin(owner)) || (await canLogIn(workerUrl)) || (await canLogIn(urlOfEarlierReleases(ownerUrl))))
    return;
  throw new StartError(
    `${WORKER_ROLE} has a password already, which this DATA_DIR does not know and does not change, as a deployed worker or another npm start may use it: ` +
      `set DATABASE_OWNER_URL to the URL of ${variable}, and DATABASE_URL to one that logs in as ${WORKER_ROLE}`,
  );
}

/** Earlier releases computed the password: from nothing secret where the owner's URL has none. */
function urlOfEarlierReleases(ownerUrl: URL): URL {
  const key = decodeURIComponent(ownerUrl.password) || ownerUrl.href;
  return workerUrlFrom(ownerUrl, createHmac("sha256", key).update(WORKER_ROLE).digest("base64url"));
}
