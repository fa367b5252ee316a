import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openConnection } from "../../ops/database/connection.ts";
import { withScratchDatabase } from "../../ops/runbook/backup/scratch-database.ts";
import { PATIENCE } from "../support/patience.ts";
import { findPostgresql, type PostgresqlCluster, startPostgresqlCluster } from "../support/postgresql-cluster.ts";

const programs = findPostgresql();
const POLL = { timeout: PATIENCE, interval: 20 };

describe.skipIf(programs === undefined)("a scratch database", () => {
  let cluster: PostgresqlCluster;
  let superuser: pg.Client;
  let ownerUrl: URL;

  beforeAll(async () => {
    cluster = await startPostgresqlCluster(programs ?? "");
    superuser = await openConnection(cluster.url());
    await superuser.query("create role owner login createdb password 'owner'");
    ownerUrl = cluster.url();
    ownerUrl.username = "owner";
    ownerUrl.password = "owner";
  });

  afterAll(async () => {
    await superuser.end();
    await cluster.remove();
  });

  const namesThere = async () =>
    (await superuser.query("select datname from pg_database where datname like 'restore_check%'")).rows;

  it("is dropped while autovacuum is at work in it, by an owner who is no superuser", async () => {
    await superuser.query("alter system set autovacuum_naptime = 1");
    await superuser.query("select pg_reload_conf()");
    await withScratchDatabase(ownerUrl, async (url) => {
      const connection = await openConnection(url);
      await connection.query(
        `create table slow (number integer) with (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
         insert into slow select generate_series(1, 100000);
         delete from slow;`,
      );
      await connection.end();
      await expect
        .poll(async () => {
          const { rows } = await superuser.query(
            "select datname from pg_stat_activity where backend_type = 'autovacuum worker'",
          );
          return rows;
        }, POLL)
        .toContainEqual({ datname: url.pathname.slice(1) });
    });
    expect(await namesThere()).toEqual([]);
  });

  it("is dropped while a session of its owner is still in it", async () => {
    await withScratchDatabase(ownerUrl, async (url) => {
      const left = await openConnection(url);
      onTestFinished(() => left.end());
    });
    expect(await namesThere()).toEqual([]);
  });
});
