import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { noFault } from "../support/fault-proxy/fault-proxy.ts";
import { type FaultyServer, METRICS_TOKEN, startFaultyServer } from "../support/fault-proxy/faulty-server.ts";
import { readSamples, sumOf } from "../support/metrics-text.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";

const CALLERS = 200;
const SOON_MILLISECONDS = 2_000;
/** The same for a crowd: so many keep a busy machine busy by themselves. */
const CROWD_MILLISECONDS = 6_000;
/** An answer counts for a second. */
const FORGOTTEN_MILLISECONDS = 1_100;

let server: FaultyServer;

interface Answer {
  readonly status: number;
  readonly milliseconds: number;
}

async function health(signal: AbortSignal | null = null): Promise<Answer> {
  const begun = performance.now();
  const response = await fetch(`${server.url}/health`, { signal });
  await response.text();
  return { status: response.status, milliseconds: performance.now() - begun };
}

/** Many at once, as they may come from anybody: nobody is limited before /health. */
async function crowd(): Promise<{ readonly statuses: ReadonlySet<number>; readonly slowest: number }> {
  const answers = await Promise.all(Array.from({ length: CALLERS }, () => health()));
  return {
    statuses: new Set(answers.map(({ status }) => status)),
    slowest: Math.max(...answers.map(({ milliseconds }) => milliseconds)),
  };
}

async function databaseUp(): Promise<number> {
  const response = await fetch(`${server.url}/metrics`, { headers: { Authorization: `Bearer ${METRICS_TOKEN}` } });
  expect(response.status).toBe(200);
  return sumOf(readSamples(await response.text()), "database_up");
}

const forgotten = () => new Promise((resolve) => setTimeout(resolve, FORGOTTEN_MILLISECONDS));

/** How often the database was asked since. */
function askedSince(count: number): number {
  return server.proxy.journal.length - count;
}

describe.skipIf(findPostgresql() === undefined)("/health", () => {
  beforeAll(async () => {
    server = await startFaultyServer();
    // The first request pays for the worker's start.
    await health();
    await forgotten();
  });
  afterEach(async () => {
    server.proxy.follow(noFault);
    await forgotten();
  });
  afterAll(async () => {
    await server?.close();
  });

  it(`asks the database once a second, for ${CALLERS} callers as for one`, async () => {
    const before = server.proxy.journal.length;
    const begun = performance.now();
    expect([...(await crowd()).statuses]).toEqual([200]);
    while (performance.now() - begun < 3000) expect((await health()).status).toBe(200);
    expect(askedSince(before)).toBeLessThanOrEqual(1 + (performance.now() - begun) / 1000);
  });

  it(`answers ${CALLERS} callers soon while the database hangs, and asks it once a second`, async () => {
    server.proxy.follow(() => ({ fault: "silent", seconds: 30 }));
    const before = server.proxy.journal.length;
    const begun = performance.now();
    for (const { statuses, slowest } of [await crowd(), await crowd()]) {
      expect([...statuses]).toEqual([503]);
      expect(slowest).toBeLessThan(CROWD_MILLISECONDS);
    }
    expect(askedSince(before)).toBeLessThanOrEqual(1 + (performance.now() - begun) / 1000);
  });

  it("shares its answer with /metrics, which does not wait either", async () => {
    server.proxy.follow(() => ({ fault: "silent", seconds: 30 }));
    const before = server.proxy.journal.length;
    const [{ status, milliseconds }, up] = await Promise.all([health(), databaseUp()]);
    expect([status, up]).toEqual([503, 0]);
    expect(milliseconds).toBeLessThan(SOON_MILLISECONDS);
    expect(askedSince(before)).toBe(1);
  });

  it("answers those who wait for a question whose asker has gone", async () => {
    server.proxy.follow(() => ({ fault: "slow", seconds: 1 }));
    const before = server.proxy.journal.length;
    const leaving = new AbortController();
    const asker = health(leaving.signal).catch(() => "gone");
    await expect.poll(() => askedSince(before)).toBe(1);
    const waiting = health();
    leaving.abort();

    expect(await asker).toBe("gone");
    expect((await waiting).status).toBe(200);
    expect(askedSince(before)).toBe(1);
  });

  it("is well again within a second after the database is", async () => {
    server.proxy.follow(() => ({ fault: "reset_before" }));
    expect((await health()).status).toBe(503);
    server.proxy.follow(noFault);
    await expect.poll(async () => (await health()).status, { timeout: 1500, interval: 100 }).toBe(200);
  });

  it("is no error of ours, whatever the database answers", async () => {
    for (const fault of ["empty", "garbage", "truncated", "misshapen", "status_500_after"] as const) {
      server.proxy.follow(() => ({ fault }));
      await forgotten();
      expect((await health()).status, fault).toBe(503);
    }
    expect(await server.sentryEvents()).toEqual([]);
  });
});
