import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from "miniflare";
import type pg from "pg";
import { inject } from "vitest";
import { projectDirectory } from "../../local/environment.ts";
import { bundleWorker } from "../../local/worker-bundle.ts";
import { readReleaseTarget } from "../../ops/runbook/release-target.ts";
import { JWT_SECRET, METRICS_TOKEN } from "./fault-proxy/faulty-server.ts";
import { freePort } from "./processes.ts";
import { openWorkerDatabase } from "./worker-database.ts";
import { readWorkerOptions } from "./worker-fleet.ts";

// The release before is the bundle of one earlier commit, which test/releases keeps compressed under the commit's name.
// At that commit, with its packages installed, it is made by
//   npx wrangler deploy --dry-run --env "" --outdir bundle && gzip -9n < bundle/worker.js > e279e57.js.gz
const BEFORE = "e279e57";

export type Release = "before" | "now";

/** Names the release that is to answer a request. */
export const RELEASE_HEADER = "X-Release";

/** Stands in for Cloudflare, which sends each request to one of the two by chance. */
const EDGE = `
  export default { fetch: (request, env) => env[request.headers.get("${RELEASE_HEADER}")].fetch(request) };
`;

/** Both releases as two workers on the same database, and the Durable Objects of one of them. */
export interface MixedReleases {
  /** The address of both: a header tells which of them is to answer. */
  readonly url: string;
  /** Connections as the database's owner. */
  readonly owner: pg.Pool;
  /** What both have logged. */
  readonly log: readonly string[];
  /** Starts the workers, over the same rows and the same objects, whose code is the release's from now on. */
  putObjectsOn(release: Release): Promise<void>;
  close(): Promise<void>;
}

/** Prepares the database and the bundles; `putObjectsOn` starts the workers. */
export async function prepareMixedReleases(): Promise<MixedReleases> {
  const endings: (() => Promise<unknown>)[] = [];
  const directory = await mkdtemp(join(tmpdir(), "tasks-releases-"));
  endings.push(() => rm(directory, { recursive: true, force: true }));
  const database = await openWorkerDatabase();
  endings.push(() => database.close());
  const bundles = {
    before: await unpackBefore(join(directory, "before")),
    now: await bundleWorker(join(directory, "now")),
  };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { variables: production } = await readReleaseTarget("production");
  const makeWorker = await readWorkerOptions(
    {
      DATABASE_URL: database.connectionString,
      NEON_FETCH_ENDPOINT: database.fetchEndpoint,
      JWT_SECRET,
      BASE_URL: url,
      LOG_LEVEL: "warn",
      METRICS_TOKEN,
      OPENAI_API_KEY: "the key of the tests",
      OPENAI_BASE_URL: inject("scriptedResponsesUrl"),
      // As they are where releases are rolled out gradually; gone once every release signs and holds scopes.
      SIGN_CURSORS: production.SIGN_CURSORS ?? "on",
      SCOPED_CREDENTIALS: production.SCOPED_CREDENTIALS ?? "on",
    },
    directory,
  );
  const log: string[] = [];
  let running: Miniflare | undefined;
  endings.push(async () => running?.dispose());
  return {
    url,
    owner: database.owner,
    log,
    async putObjectsOn(release) {
      await running?.dispose();
      running = new Miniflare(
        convertV4MiniflareOptions({
          cf: false,
          log: new NoOpLog(),
          handleStructuredLogs: ({ message }) => log.push(message),
          resourcePersistencePath: join(directory, "storage"),
          workers: [
            {
              name: "edge",
              modules: true,
              script: EDGE,
              compatibilityDate: "2026-11-01",
              serviceBindings: { before: "before", now: "now" },
              unsafeDirectSockets: [{ host: "127.0.0.1", port }],
            },
            makeWorker({ name: "before", bundle: bundles.before, objectsOf: "objects" }),
            makeWorker({ name: "now", bundle: bundles.now, objectsOf: "objects" }),
            makeWorker({ name: "objects", bundle: bundles[release], objectsOf: "objects" }),
          ],
        }),
      );
      await running.ready;
    },
    async close() {
      for (const end of endings.reverse()) await end();
    },
  };
}

/** @returns the path of the bundle of the release before */
async function unpackBefore(directory: string): Promise<string> {
  const kept = await readFile(join(projectDirectory, `test/releases/${BEFORE}.js.gz`));
  await mkdir(directory);
  const path = join(directory, "worker.js");
  await writeFile(path, gunzipSync(kept));
  return path;
}
