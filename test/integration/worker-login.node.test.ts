import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { migrate } from "../../ops/database/migrate.ts";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { ensureWorkerLogin } from "../../ops/database/worker-login.ts";
import { ensureWorkerRole } from "../../ops/database/worker-role.ts";
import { makeBackup } from "../../ops/runbook/backup/backup.ts";
import { restoreBackup } from "../../ops/runbook/backup/restore.ts";
import { findPostgresql, startPostgresqlCluster } from "../support/postgresql-cluster.ts";

const INVALID_PASSWORD = "28P01";

async function ask(url: URL, query: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  const { rows } = await client.query(query);
  await client.end();
  return rows[0];
}

const currentUser = (url: URL) => ask(url, "select current_user as name");

const settingsOf = (url: URL) =>
  ask(
    url,
    `select current_setting('statement_timeout') as timeout,
       current_setting('idle_in_transaction_session_timeout') as idle, current_setting('TimeZone') as time_zone`,
  );

describe("the worker's login", () => {
  const programs = findPostgresql();
  it.skipIf(programs === undefined)("is made by the first who comes, in full, and follows the password", async () => {
    // A cluster of its own: the role belongs to the whole cluster.
    const cluster = await startPostgresqlCluster(programs ?? "");
    const directory = await mkdtemp(join(tmpdir(), "tasks-worker-login-"));
    const owners = [0, 1, 2, 3].map(() => new pg.Client({ connectionString: cluster.url().href }));
    try {
      const [owner] = owners;
      if (owner === undefined) throw new Error("there is no owner");
      await Promise.all(owners.map((client) => client.connect()));
      await migrate(owner, await readMigrationFiles());
      const workerUrl = cluster.url();
      workerUrl.username = "task_worker";
      workerUrl.password = "quote ' backslash \\ at @ slash / hash # ü";
      await expect(currentUser(workerUrl)).rejects.toMatchObject({ code: INVALID_PASSWORD });

      await Promise.all(owners.map((client) => ensureWorkerLogin(client, workerUrl)));
      expect(await currentUser(workerUrl)).toEqual({ name: "task_worker" });
      const { rows: before } = await owner.query("select rolpassword from pg_authid where rolname = 'task_worker'");
      await ensureWorkerLogin(owner, workerUrl);
      const { rows: after } = await owner.query("select rolpassword from pg_authid where rolname = 'task_worker'");
      expect(after).toEqual(before);

      const rotated = new URL(workerUrl);
      rotated.password = "another";
      await ensureWorkerLogin(owner, rotated);
      expect(await currentUser(rotated)).toEqual({ name: "task_worker" });
      await expect(currentUser(workerUrl)).rejects.toMatchObject({ code: INVALID_PASSWORD });

      // In a cluster that a backup is restored into, the migration that made the role is applied and never ran.
      const backup = await makeBackup(cluster.url(), directory);
      await owner.query("drop owned by task_worker; drop role task_worker");
      await cluster.createDatabase("restored");
      await restoreBackup(backup, cluster.url("restored"), { replace: false });
      const { rows: settings } = await owner.query("select rolconfig from pg_roles where rolname = 'task_worker'");
      expect(settings[0].rolconfig).toHaveLength(3);
      await Promise.all(owners.map((client) => ensureWorkerRole(client)));
      await ensureWorkerLogin(owner, rotated);
      expect(await settingsOf(rotated)).toEqual({ timeout: "10s", idle: "10s", time_zone: "UTC" });
      await owner.query("alter role task_worker set statement_timeout = '5s'; alter role task_worker reset timezone");
      await ensureWorkerLogin(owner, rotated);
      expect(await settingsOf(rotated)).toEqual({ timeout: "5s", idle: "10s", time_zone: "UTC" });
    } finally {
      await Promise.all(owners.map((client) => client.end()));
      await cluster.remove();
      await rm(directory, { recursive: true });
    }
  });
});
