import { createHmac } from "node:crypto";
import type pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { openPostgresqlDatabase } from "../../local/postgresql-database.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import { refuseUnsafeRole } from "../../local/worker-role.ts";
import { openConnection } from "../../ops/database/connection.ts";
import { canLogIn, ensureWorkerLogin } from "../../ops/database/worker-login.ts";
import { clusterUrl, createTestDatabase, workerUrlTo } from "../support/cluster-databases.ts";
import { findPostgresql, type PostgresqlCluster, startPostgresqlCluster } from "../support/postgresql-cluster.ts";

const PASSWORD = "the worker's password: ' \\ / ? #";

const currentUser = async (pool: pg.Pool): Promise<unknown[]> => {
  const { rows } = await pool.query("select current_user as name");
  await pool.end();
  return rows;
};

describe.skipIf(inject("clusterUrl") === undefined)("the database that npm start opens", () => {
  it("is migrated with the owner's URL and opened with the worker's", async () => {
    const { url } = await createTestDatabase();
    const pool = await openPostgresqlDatabase({ ownerUrl: url, databaseUrl: workerUrlTo(url) }, PASSWORD);
    await refuseUnsafeRole(pool);
    expect(await currentUser(pool)).toEqual([{ name: "task_worker" }]);
    const again = await openPostgresqlDatabase({ ownerUrl: undefined, databaseUrl: workerUrlTo(url) }, PASSWORD);
    expect(await currentUser(again)).toEqual([{ name: "task_worker" }]);
  });

  it("is not migrated by the worker", async () => {
    const { url } = await createTestDatabase();
    await expect(
      openPostgresqlDatabase({ ownerUrl: undefined, databaseUrl: workerUrlTo(url) }, PASSWORD),
    ).rejects.toThrow(/^0001_\w+ is pending, and task_worker may not apply it/);
  });

  it("is refused to a role that is neither the worker nor an owner", async () => {
    const { name: stranger, url: strangersUrl } = await createTestDatabase();
    const { url } = await createTestDatabase();
    const databaseUrl = new URL(strangersUrl);
    databaseUrl.pathname = url.pathname;
    await expect(openPostgresqlDatabase({ ownerUrl: undefined, databaseUrl }, PASSWORD)).rejects.toThrow(
      `DATABASE_URL (postgres://${stranger}@${url.host}${url.pathname}) is neither task_worker nor allowed to create tables`,
    );
  });

  it("is not opened as a superuser or an owner", async () => {
    const { url, name } = await createTestDatabase();
    const pool = await openPostgresqlDatabase({ ownerUrl: url, databaseUrl: workerUrlTo(url) }, PASSWORD);
    await pool.end();
    for (const [unsafe, reason] of [
      [clusterUrl(name), "the worker may not use the role postgres, which is a superuser"],
      [url, `the worker may not use the role ${name}, which owns the tables`],
    ] as const) {
      const unsafePool = openRawPool(unsafe);
      await expect(refuseUnsafeRole(unsafePool)).rejects.toThrow(reason);
      await unsafePool.end();
    }
  });

  describe("with the owner's URL alone", () => {
    // A cluster of its own, because the role's password belongs to the whole cluster.
    let cluster: PostgresqlCluster;

    beforeAll(async () => {
      cluster = await startPostgresqlCluster(findPostgresql() ?? "");
      await cluster.createDatabase("one");
      await cluster.createDatabase("two");
    });

    afterEach(async () => {
      vi.unstubAllEnvs();
      await asOwner((owner) => owner.query("alter role task_worker nologin password null"));
    });

    afterAll(() => cluster.remove());

    async function asOwner(work: (owner: pg.Client) => Promise<unknown>): Promise<void> {
      const owner = await openConnection(cluster.url("one"));
      await work(owner);
      await owner.end();
    }

    const open = (databaseUrl: URL, password: string) =>
      openPostgresqlDatabase({ databaseUrl, ownerUrl: undefined }, password);

    const workerUrl = (password: string): URL => {
      const url = cluster.url("one");
      url.username = "task_worker";
      url.password = password;
      return url;
    };

    it("gives the worker's role its password, as several starts agree on it", async () => {
      const urls = ["one", "two", "one", "two"].map((name) => cluster.url(name));
      const pools = await Promise.all(urls.map((url) => open(url, PASSWORD)));
      for (const pool of pools) expect(await currentUser(pool)).toEqual([{ name: "task_worker" }]);
    });

    it("leaves a password alone that it does not know", async () => {
      const pool = await open(cluster.url("one"), PASSWORD);
      for (const name of ["one", "two"]) {
        await expect(open(cluster.url(name), "another one")).rejects.toThrow(
          "task_worker has a password already, which this DATA_DIR does not know and does not change",
        );
      }
      expect(await currentUser(pool)).toEqual([{ name: "task_worker" }]);
      expect(await canLogIn(workerUrl(PASSWORD))).toBe(true);
    });

    it.each([
      ["in the environment", (url: URL) => url],
      [
        "in its parameters",
        (url: URL, password: string) => {
          url.searchParams.set("user", url.username);
          url.searchParams.set("password", password);
          return url;
        },
      ],
      [
        "in the environment and its host in a parameter",
        ({ host, pathname, username }: URL) =>
          new URL(`postgres:///${pathname.slice(1)}?host=127.0.0.1&port=${host.split(":")[1]}&user=${username}`),
      ],
    ])("does not compute the password from a URL that has its own %s", async (_, change) => {
      const url = cluster.url("one");
      const { password } = url;
      vi.stubEnv("PGPASSWORD", password);
      url.password = "";
      const ownerUrl = change(url, password);

      // What a release before has set goes: it is no secret.
      const computed = workerUrl(createHmac("sha256", ownerUrl.href).update("task_worker").digest("base64url"));
      await asOwner((owner) => ensureWorkerLogin(owner, computed));

      expect(await currentUser(await open(ownerUrl, PASSWORD))).toEqual([{ name: "task_worker" }]);
      expect(await canLogIn(computed)).toBe(false);
      expect(await canLogIn(workerUrl(PASSWORD))).toBe(true);
    });
  });
});
