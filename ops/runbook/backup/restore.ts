import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { z } from "zod";
import { withConnection } from "../../database/connection.ts";
import { ensureWorkerRole } from "../../database/worker-role.ts";
import { RunbookError } from "../runbook-error.ts";
import type { Backup } from "./backup.ts";
import { differences, readFingerprint } from "./fingerprint.ts";
import { clearingUp } from "./interruption.ts";
import { runOnDatabase, startOnDatabase } from "./postgresql-programs.ts";
import { inPsqlTransaction, type PsqlTransaction } from "./psql-transaction.ts";
import { withScratchDatabase } from "./scratch-database.ts";

const EMPTY_SCHEMA = join(import.meta.dirname, "empty-schema.sql");

const rolesSchema = z.array(z.object({ name: z.string() }));
const countSchema = z.tuple([z.object({ count: z.coerce.number() })]);

/**
 * Restores a backup, and compares every table with what was saved. It is one transaction, the comparison too: when this
 * throws, the database holds what it held.
 *
 * @param replace loses all that the schema public holds, also what the backup knows nothing of
 * @throws RunbookError when there is something to lose and `replace` was not given, or a table is not as it was saved
 */
export async function restoreBackup(
  backup: Backup,
  url: URL,
  { replace, signal }: { replace: boolean; signal?: AbortSignal },
): Promise<void> {
  await withConnection("DATABASE_OWNER_URL", url, async (client) => {
    const count = await countTables(client);
    if (count > 0 && !replace) {
      throw new RunbookError(`the database holds ${count} tables: give --replace to lose what is in them`);
    }
    // A dump grants to the role, which belongs to the cluster and is not in it; its login comes by db:migrate.
    await ensureWorkerRole(client);
  });
  await inPsqlTransaction(
    url,
    async (transaction) => {
      if (replace) transaction.run(await readFile(EMPTY_SCHEMA, "utf8"));
      await runBackup(backup, transaction, url, signal);
      const [first, ...more] = differences(
        backup.manifest.tables,
        await readFingerprint((query) => transaction.query(query)),
      );
      if (first !== undefined) {
        throw new RunbookError(`nothing was restored: ${first}${more.length > 0 ? `; ${more.length} more` : ""}`);
      }
    },
    signal,
  );
}

/**
 * Proves a backup: restores it into a scratch database on the same server, compares, and drops that database.
 *
 * @throws RunbookError when it cannot be restored or is not what was saved
 */
export async function verifyBackup(backup: Backup, ownerUrl: URL): Promise<void> {
  await clearingUp((signal) =>
    withScratchDatabase(ownerUrl, (scratchUrl) => restoreBackup(backup, scratchUrl, { replace: false, signal })),
  );
}

/** Runs what the backup holds, without what only somebody else may make. */
async function runBackup(backup: Backup, transaction: PsqlTransaction, url: URL, signal?: AbortSignal): Promise<void> {
  const ownRoles = "select rolname as name from pg_roles where pg_has_role(oid, 'usage')";
  const roles = new Set(rolesSchema.parse(await transaction.query(ownRoles)).map(({ name }) => name));
  const entries = (await runOnDatabase("pg_restore", url, ["--list", backup.path], signal)).split("\n");
  const directory = await mkdtemp(join(tmpdir(), "mcp-task-server-restore-"));
  try {
    const list = join(directory, "list");
    await writeFile(list, entries.filter((entry) => isOurs(entry, roles)).join("\n"));
    const args = ["--file", "-", "--no-owner", "--use-list", list, backup.path];
    await transaction.runOutputOf(startOnDatabase("pg_restore", url, args, signal));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Whether an entry of a dump's list is to be restored. The schema itself is there already, and its comment is its
 * owner's. Providers give default privileges of their own, as Neon does, which nobody else may give.
 */
function isOurs(entry: string, roles: ReadonlySet<string>): boolean {
  if (/^\d+; \d+ \d+ (SCHEMA|COMMENT) - /.test(entry)) return false;
  const [, role] = / DEFAULT ACL public DEFAULT PRIVILEGES FOR \w+ (.+)$/.exec(entry) ?? [];
  return role === undefined || roles.has(role);
}

async function countTables(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query("select count(*) from pg_tables where schemaname = 'public'");
  const [{ count }] = countSchema.parse(rows);
  return count;
}
