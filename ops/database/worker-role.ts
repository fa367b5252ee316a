import { z } from "zod";
import { DatabaseCommandError } from "./database-command-error.ts";
import type { MigrationConnection } from "./migrate.ts";

/** The worker's role in Postgres, which the first migration makes. */
export const WORKER_ROLE = "task_worker";

/** What every session of the role begins with, by the names that Postgres writes them down under. */
const SETTINGS: Readonly<Record<string, string>> = {
  statement_timeout: "10s",
  idle_in_transaction_session_timeout: "10s",
  TimeZone: "UTC",
};

const LAST_ATTEMPT = 5;

const roleSchema = z.array(z.object({ settings: z.array(z.string()) }));

/**
 * Makes the worker's role where the cluster has none, and gives it those of its settings that it lacks. A migration
 * that is recorded as applied does neither, and in a cluster that a backup is restored into it never ran.
 *
 * @param owner a connection that may make roles
 * @throws DatabaseCommandError when it may not
 */
export async function ensureWorkerRole(owner: MigrationConnection): Promise<void> {
  if ((await readSettings(owner)) === undefined) {
    await changeRole(
      owner,
      `do $$
      begin
        create role ${WORKER_ROLE} nologin nosuperuser nocreatedb nocreaterole nobypassrls;
      exception
        -- Another database of the cluster was faster.
        when duplicate_object or unique_violation then null;
      end
      $$`,
    );
  }
  const settings = (await readSettings(owner)) ?? [];
  for (const [name, value] of Object.entries(SETTINGS)) {
    // What an operator has set to something else stays.
    if (settings.some((setting) => setting.startsWith(`${name}=`))) continue;
    await changeRole(owner, `alter role ${WORKER_ROLE} set ${name} = '${value}'`);
  }
}

/**
 * Changes the worker's role. It belongs to the whole cluster, where another database's owner may do the same now.
 *
 * @throws DatabaseCommandError when the owner may not
 */
export async function changeRole(owner: MigrationConnection, statement: string, attempt = 1): Promise<void> {
  try {
    await owner.query(statement);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (attempt < LAST_ATTEMPT && reason.includes("tuple concurrently updated")) {
      return changeRole(owner, statement, attempt + 1);
    }
    throw new DatabaseCommandError(`cannot change the role ${WORKER_ROLE}: ${reason}`, { cause: error });
  }
}

/** `name=value` of each setting of the role; undefined where there is no role. */
async function readSettings(owner: MigrationConnection): Promise<readonly string[] | undefined> {
  const { rows } = await owner.query(
    `select coalesce(setconfig, '{}') as settings
     from pg_roles left join pg_db_role_setting on setrole = pg_roles.oid and setdatabase = 0
     where rolname = $1`,
    [WORKER_ROLE],
  );
  return roleSchema.parse(rows)[0]?.settings;
}
