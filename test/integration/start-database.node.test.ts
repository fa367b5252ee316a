import type pg from "pg";
import { describe, expect, inject, it } from "vitest";
import { openPostgresqlDatabase } from "../../local/postgresql-database.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import { refuseUnsafeRole } from "../../local/worker-role.ts";
import { clusterUrl, createTestDatabase, workerUrlTo } from "../support/cluster-databases.ts";
import { findPostgresql, startPostgresqlCluster } from "../support/postgresql-cluster.ts";

const currentUser = async (pool: pg.Pool): Promise<unknown[]> => {
  const { rows } = await pool.query("select current_user as name");
  await pool.end();
  return rows;
};

describe.skipIf(inject("clusterUrl") === undefined)("the database that npm start opens", { timeout: 60_000 }, () => {
  it("is migrated with the owner's URL and opened with the worker's", async () => {
    const { url } = await createTestDatabase();
    const pool = await openPostgresqlDatabase({ ownerUrl: url, databaseUrl: workerUrlTo(url) });
    await refuseUnsafeRole(pool);
    expect(await currentUser(pool)).toEqual([{ name: "task_worker" }]);
    const again = await openPostgresqlDatabase({ ownerUrl: undefined, databaseUrl: workerUrlTo(url) });
    expect(await currentUser(again)).toEqual([{ name: "task_worker" }]);
  });

  it("is not migrated by the worker", async () => {
    const { url } = await createTestDatabase();
    await expect(openPostgresqlDatabase({ ownerUrl: undefined, databaseUrl: workerUrlTo(url) })).rejects.toThrow(
      /^0001_\w+ is pending, and task_worker may not apply it/,
    );
  });

  it("is refused to a role that is neither the worker nor an owner", async () => {
    const { name: stranger, url: strangersUrl } = await createTestDatabase();
    const { url } = await createTestDatabase();
    const databaseUrl = new URL(strangersUrl);
    databaseUrl.pathname = url.pathname;
    await expect(openPostgresqlDatabase({ ownerUrl: undefined, databaseUrl })).rejects.toThrow(
      `DATABASE_URL (postgres://${stranger}@${url.host}${url.pathname}) is neither task_worker nor allowed to create tables`,
    );
  });

  it("is not opened as a superuser or an owner", async () => {
    const { url, name } = await createTestDatabase();
    const pool = await openPostgresqlDatabase({ ownerUrl: url, databaseUrl: workerUrlTo(url) });
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

  it("gets the worker's login from the owner's URL alone, the same for every start", async () => {
    // A cluster of its own, because the role's password belongs to the whole cluster.
    const cluster = await startPostgresqlCluster(findPostgresql() ?? "");
    try {
      await cluster.createDatabase("one");
      await cluster.createDatabase("two");
      const urls = [cluster.url("one"), cluster.url("two"), cluster.url("one"), cluster.url("two")];
      const pools = await Promise.all(
        urls.map((databaseUrl) => openPostgresqlDatabase({ databaseUrl, ownerUrl: undefined })),
      );
      for (const pool of pools) expect(await currentUser(pool)).toEqual([{ name: "task_worker" }]);
    } finally {
      await cluster.remove();
    }
  });
});
