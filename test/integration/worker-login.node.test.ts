import pg from "pg";
import { describe, expect, it } from "vitest";
import { migrate } from "../../ops/database/migrate.ts";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { ensureWorkerLogin } from "../../ops/database/worker-login.ts";
import { findPostgresql, startPostgresqlCluster } from "../support/postgresql-cluster.ts";

const INVALID_PASSWORD = "28P01";

async function currentUser(url: URL): Promise<unknown> {
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  const { rows } = await client.query("select current_user as name");
  await client.end();
  return rows[0];
}

describe("the worker's login", { timeout: 60_000 }, () => {
  const programs = findPostgresql();
  it.skipIf(programs === undefined)("is made by whoever comes first, and follows the password", async () => {
    // A cluster of its own: the role belongs to the whole cluster.
    const cluster = await startPostgresqlCluster(programs ?? "");
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
    } finally {
      await Promise.all(owners.map((client) => client.end()));
      await cluster.remove();
    }
  });
});
