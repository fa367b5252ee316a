import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { inject } from "vitest";
import { z } from "zod";
import { bundleWorker } from "../../../local/worker-bundle.ts";
import { readSamples, sumOf } from "../metrics-text.ts";
import { freePort } from "../processes.ts";
import { sentryDsn } from "../sentry-sink.ts";
import { openWorkerDatabase } from "../worker-database.ts";
import { startWorkerFleet } from "../worker-fleet.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";

const eventsSchema = z.array(z.string());

export const JWT_SECRET = "the secret of the tests, 32 characters and more";
export const METRICS_TOKEN = "the-metrics-token-of-the-tests-32-characters";

/** The real worker in workerd, a PostgreSQL database of its own, and a fault proxy between the two. */
export interface FaultyServer {
  readonly url: string;
  /** Of workerd. */
  readonly pid: number;
  /** What the worker has logged, from LOG_LEVEL on. */
  readonly log: readonly string[];
  readonly proxy: FaultProxy;
  /** Connections as the database's owner, past the worker and the proxy. */
  readonly owner: pg.Pool;
  /** What has been sent to Sentry. */
  sentryEvents(): Promise<readonly string[]>;
  /** What has been counted under the name of a metric, some seconds ago at most. */
  counted(name: string): Promise<number>;
  close(): Promise<void>;
}

/** Starts all of it, with nobody's rate limits in the way. */
export async function startFaultyServer(bindings: Readonly<Record<string, string>> = {}): Promise<FaultyServer> {
  const endings: (() => Promise<unknown>)[] = [];
  const directory = await mkdtemp(join(tmpdir(), "tasks-faults-"));
  endings.push(() => rm(directory, { recursive: true, force: true }));
  const bundling = bundleWorker(join(directory, "bundle"));
  const database = await openWorkerDatabase();
  endings.push(() => database.close());
  const proxy = await startFaultProxy(database.fetchEndpoint);
  endings.push(() => proxy.close());
  const project = 1 + Math.floor(Math.random() * 1_000_000);
  const port = await freePort();
  const fleet = await startWorkerFleet({
    bundle: await bundling,
    port,
    size: 1,
    temporary: directory,
    bindings: {
      DATABASE_URL: database.connectionString,
      NEON_FETCH_ENDPOINT: proxy.fetchEndpoint,
      JWT_SECRET,
      BASE_URL: `http://127.0.0.1:${port}`,
      LOG_LEVEL: "error",
      METRICS_TOKEN,
      SIGN_UPS_PER_ADDRESS: "1000000",
      OPENAI_API_KEY: "the key of the tests",
      OPENAI_BASE_URL: inject("scriptedResponsesUrl"),
      SENTRY_DSN: sentryDsn(inject("sentrySinkUrl"), project),
      ...bindings,
    },
  });
  endings.push(() => fleet.close());
  return {
    url: fleet.url,
    pid: fleet.pid,
    log: fleet.log,
    proxy,
    owner: database.owner,
    async sentryEvents() {
      const response = await fetch(`${inject("sentrySinkUrl")}/${project}`);
      return eventsSchema.parse(await response.json());
    },
    async counted(name) {
      const response = await fetch(`${fleet.url}/metrics`, { headers: { Authorization: `Bearer ${METRICS_TOKEN}` } });
      return sumOf(readSamples(await response.text()), name);
    },
    async close() {
      for (const end of endings.reverse()) await end();
    },
  };
}
