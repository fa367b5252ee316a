import { randomBytes } from "node:crypto";
import { readPostgresUrl, withConnection, withoutSecrets } from "../../database/connection.ts";
import { migrate } from "../../database/migrate.ts";
import { readMigrationFiles } from "../../database/migration-files.ts";
import { ensureWorkerLogin, roleHasLogin, workerUrlFrom } from "../../database/worker-login.ts";
import { WORKER_ROLE } from "../../database/worker-role.ts";
import type { Procedure } from "../procedure.ts";
import { pendingMigrations, readOwnerUrl } from "../release/database-steps.ts";
import { RunbookError } from "../runbook-error.ts";
import type { Settings } from "../settings.ts";

const PASSWORD_BYTES = 24;

/**
 * Makes up the URL by which the worker logs in, from the owner's: another password, and the pooled endpoint of Neon.
 *
 * @throws RunbookError where the worker's role has a password that is not known here: another worker may use it
 */
export async function deriveDatabaseUrl(settings: Settings): Promise<string> {
  if (await asOwner(settings, roleHasLogin)) {
    throw new RunbookError(
      `${WORKER_ROLE} has a password already, which another worker may use: put DATABASE_URL with it into ${settings.file.path}`,
    );
  }
  return workerUrlFrom(pooled(readOwnerUrl(settings)), randomBytes(PASSWORD_BYTES).toString("base64url")).href;
}

/** The endpoint with Neon's pooler in front of it; any other server's URL as it is. */
export function pooled(url: URL): URL {
  const to = new URL(url);
  to.hostname = url.hostname.replace(/^([\w-]+?)(?:-pooler)?(?=\.[\w.-]+\.neon\.tech$)/, "$1-pooler");
  return to;
}

/**
 * Makes the tables where there are none, and lets the worker log in. Migrations of a database that is in use are left to
 * `deploy`, which makes a backup before.
 *
 * @param databaseUrl the worker's URL; undefined where only Cloudflare knows it
 */
export async function setUpDatabase(settings: Settings, procedure: Procedure, databaseUrl: string | undefined) {
  if (settings.get("DATABASE_OWNER_URL") === undefined) {
    const evidence = `DATABASE_OWNER_URL is not set in ${settings.file.path}: npm run db:migrate makes tables and login with it`;
    procedure.record("database", "not checked", evidence);
    return;
  }
  const { files, isFirst } = await procedure.step("database", async () => {
    const pending = await pendingMigrations(settings);
    const at = withoutSecrets(readOwnerUrl(settings));
    const evidence = pending.isFirst
      ? `${at} is empty`
      : pending.files.length === 0
        ? `${at} has every migration`
        : `${at} lacks ${pending.files.length} migrations, which deploy applies, after a backup`;
    return { evidence, result: pending };
  });
  if (isFirst) {
    await procedure.change("tables", `apply ${files.length} migrations`, async () => {
      const migrations = await readMigrationFiles();
      const names = await asOwner(settings, (owner) => migrate(owner, migrations));
      return { evidence: `${names.length} migrations applied`, result: undefined };
    });
  }
  if (databaseUrl === undefined) return;
  const workerUrl = readPostgresUrl("DATABASE_URL", databaseUrl);
  const login = `${WORKER_ROLE} can log in with DATABASE_URL`;
  await procedure.change("worker's login", `see to it that ${login}`, async () => {
    await asOwner(settings, (owner) => ensureWorkerLogin(owner, workerUrl));
    return { evidence: login, result: undefined };
  });
}

function asOwner<Result>(settings: Settings, work: Parameters<typeof withConnection<Result>>[2]): Promise<Result> {
  return withConnection("DATABASE_OWNER_URL", readOwnerUrl(settings), work);
}
