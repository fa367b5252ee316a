import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { makeStartPlace, npmStart, type StartedServer, type StartPlace, startServer } from "../support/npm-start.ts";
import { findPostgresql, type PostgresqlCluster, startPostgresqlCluster } from "../support/postgresql-cluster.ts";
import { childrenOf } from "../support/processes.ts";

const CREATES = 200;
// Fewer than the creates that are left at the kill, so that it always comes in the middle.
const AT_ONCE = 50;
const KILL_AFTER = 100;
const createdSchema = z.object({ tasks: z.tuple([z.object({ id: z.int() })]) });

interface Acknowledged {
  readonly id: number;
  readonly title: string;
}

/**
 * Makes tasks, many at a time, and calls `kill` in the middle; resolves when every call under way has been answered or
 * has failed, with those that were acknowledged.
 */
async function createWhileKilled(server: StartedServer, kill: () => Promise<void>): Promise<Acknowledged[]> {
  const titles = Array.from({ length: CREATES }, (_, index) => `Task ${index}`);
  const acknowledged: Acknowledged[] = [];
  let killed: Promise<void> | undefined;
  async function createUntilKilled(): Promise<void> {
    for (let title = titles.pop(); title !== undefined && killed === undefined; title = titles.pop()) {
      const id = await createTask(server, title);
      if (id !== undefined) acknowledged.push({ id, title });
      if (acknowledged.length >= KILL_AFTER) killed ??= kill();
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, createUntilKilled));
  await killed;
  return acknowledged;
}

/** Makes a task; undefined where the answer was cut off. */
async function createTask(server: StartedServer, title: string): Promise<number | undefined> {
  try {
    const answer = await fetch(`${server.url}/mcp/tools/create_task`, {
      method: "POST",
      headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
      body: JSON.stringify({ title }),
    });
    return answer.ok ? createdSchema.parse(await answer.json()).tasks[0].id : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function expectExactlyOnce(rows: readonly Acknowledged[], acknowledged: readonly Acknowledged[]): void {
  expect(acknowledged.length).toBeGreaterThanOrEqual(KILL_AFTER);
  expect(acknowledged.length).toBeLessThan(CREATES);
  expect(rows).toEqual(expect.arrayContaining([...acknowledged]));
  expect(new Set(rows.map(({ title }) => title)).size).toBe(rows.length);
}

describe("kill -9 of everything in the middle of 200 creates", () => {
  let place: StartPlace;

  beforeEach(async () => {
    place = await makeStartPlace();
  });

  afterEach(() => place.remove());

  it("loses no acknowledged task on the embedded database; killed alone, a start leaves no workerd behind", async () => {
    const first = await startServer(place);
    const acknowledged = await createWhileKilled(first, await first.prepareKill());

    const second = await npmStart(place);
    const [start] = await childrenOf(second.pid);
    process.kill(start ?? 0, "SIGKILL");
    // On the port that workerd had.
    const third = await startServer(place);
    expect(await third.pressControlC()).toBe(0);
    const database = await PGlite.create(`${place.dataDirectory}/pglite`);
    const { rows } = await database.query<Acknowledged>("select id, title from tasks order by id");
    await database.close();
    expectExactlyOnce(rows, acknowledged);
  });

  const programs = findPostgresql();
  it.skipIf(programs === undefined)("loses no acknowledged task on PostgreSQL", async () => {
    const cluster = await startPostgresqlCluster(programs ?? "");
    try {
      await cluster.createDatabase("tasks");
      const variables = { DATABASE_URL: cluster.url("tasks").href };
      const first = await startServer(place, variables);
      const killStart = await first.prepareKill();
      const acknowledged = await createWhileKilled(first, async () => {
        await Promise.all([killStart(), cluster.kill()]);
      });

      await cluster.start();
      const second = await startServer(place, variables);
      expectExactlyOnce(await readTasks(cluster), acknowledged);
      expect(await second.pressControlC()).toBe(0);
    } finally {
      await cluster.remove();
    }
  });
});

async function readTasks(cluster: PostgresqlCluster): Promise<Acknowledged[]> {
  const client = new pg.Client({ connectionString: cluster.url("tasks").href });
  await client.connect();
  const { rows } = await client.query<Acknowledged>("select id, title from tasks order by id");
  await client.end();
  return rows;
}
