import { randomBytes } from "node:crypto";
import pg from "pg";
import { z } from "zod";
import { withConnection } from "../../database/connection.ts";
import { ensureWorkerRole } from "../../database/worker-role.ts";
import { RunbookError } from "../runbook-error.ts";
import type { Backup } from "./backup.ts";
import { differences, readFingerprint } from "./fingerprint.ts";
import { runOnDatabase } from "./postgresql-programs.ts";

const countSchema = z.tuple([z.object({ count: z.coerce.number() })]);

/**
 * Restores a backup in one transaction, and compares every table with what was saved.
 *
 * @param replace deletes what the schema public holds first
 * @throws RunbookError when there is something to lose and `replace` was not given, or a table is not as it was saved
 */
export async function restoreBackup(backup: Backup, url: URL, { replace }: { replace: boolean }): Promise<void> {
  await withConnection("DATABASE_OWNER_URL", url, async (client) => {
    // A dump grants to the role, which belongs to the cluster and is not in it; its login comes by db:migrate.
    await ensureWorkerRole(client);
    const count = await countTables(client);
    if (count > 0 && !replace) {
      throw new RunbookError(`the database holds ${count} tables: give --replace to lose what is in them`);
    }
  });
  const clean = replace ? ["--clean", "--if-exists"] : [];
  const schema = ["--schema", "public", "--no-owner", "--exit-on-error"];
  await runOnDatabase("pg_restore", url, [
    ...["--single-transaction", "--dbname", decodeURIComponent(url.pathname.slice(1))],
    ...schema,
    ...clean,
    backup.path,
  ]);
  const found = await withConnection("DATABASE_OWNER_URL", url, readFingerprint);
  const [first, ...more] = differences(backup.manifest.tables, found);
  if (first !== undefined)
    throw new RunbookError(`restored, but ${first}${more.length > 0 ? `; ${more.length} more` : ""}`);
}

/**
 * Proves a backup: restores it into a scratch database on the same server, compares, and drops that database.
 *
 * @throws RunbookError when it cannot be restored or is not what was saved
 */
export async function verifyBackup(backup: Backup, ownerUrl: URL): Promise<void> {
  const name = `restore_check_${randomBytes(6).toString("hex")}`;
  const scratchUrl = new URL(ownerUrl);
  scratchUrl.pathname = `/${name}`;
  await withConnection("DATABASE_OWNER_URL", ownerUrl, async (owner) => {
    await owner.query(`create database ${pg.escapeIdentifier(name)} template template0`).catch((error: unknown) => {
      throw new RunbookError("the owner may not create a scratch database to restore into", { cause: error });
    });
    try {
      await restoreBackup(backup, scratchUrl, { replace: false });
    } finally {
      await owner.query(`drop database ${pg.escapeIdentifier(name)} with (force)`);
    }
  });
}

async function countTables(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query("select count(*) from pg_tables where schemaname = 'public'");
  const [{ count }] = countSchema.parse(rows);
  return count;
}
