import { randomBytes } from "node:crypto";
import pg from "pg";
import { z } from "zod";
import { withConnection } from "../../database/connection.ts";
import { RunbookError } from "../runbook-error.ts";

const namesSchema = z.array(z.object({ name: z.string() }));

/**
 * Makes an empty database on the owner's server, and drops it after the work.
 *
 * @throws RunbookError when the owner may not make one
 */
export async function withScratchDatabase<Result>(ownerUrl: URL, work: (url: URL) => Promise<Result>): Promise<Result> {
  const time = new Date().toISOString().slice(0, 19).replace(/\D/g, "");
  const name = `restore_check_${time}_${randomBytes(6).toString("hex")}`;
  const url = new URL(ownerUrl);
  url.pathname = `/${name}`;
  return withConnection("DATABASE_OWNER_URL", ownerUrl, async (owner) => {
    await dropLeftOver(owner);
    await owner.query(`create database ${name} template template0`).catch((error: unknown) => {
      throw new RunbookError("the owner may not create a scratch database to restore into", { cause: error });
    });
    try {
      return await work(url);
    } finally {
      await dropDatabase(owner, name);
    }
  });
}

/**
 * Drops a database and ends this owner's sessions in it. `with (force)` would do that too, but an owner who is no
 * superuser is refused it while autovacuum is at work there; a plain drop ends autovacuum itself.
 */
async function dropDatabase(owner: pg.ClientBase, name: string): Promise<void> {
  await owner.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = current_user",
    [name],
  );
  await owner.query(`drop database ${name}`);
}

/** Drops those that were killed before they could: of this owner, in no use, and named by a time more than a day ago. */
async function dropLeftOver(owner: pg.ClientBase): Promise<void> {
  const { rows } = await owner.query(
    `select datname as name from pg_database
     where datdba = current_user::regrole and datname ~ '^restore_check_[0-9]{14}_[0-9a-f]{12}$'
       and substring(datname from 15 for 14) < to_char(now() at time zone 'UTC' - interval '1 day', 'YYYYMMDDHH24MISS')
       and not exists (select from pg_stat_activity where pg_stat_activity.datname = pg_database.datname)`,
  );
  for (const { name } of namesSchema.parse(rows)) {
    await owner.query(`drop database if exists ${pg.escapeIdentifier(name)}`);
  }
}
