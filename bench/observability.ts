/**
 * What metrics, logs and error reports cost a tool call, in one run: `npx node bench/observability.ts`. The product's
 * bundle and two others made of the same source, one without metrics and error reports and one without logs too, run
 * in a workerd each, on one PostgreSQL behind the gateway, and are called in turn, call by call. Fails when the whole
 * costs more than 3 % of a call's median.
 */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from "miniflare";
import * as z from "zod";
import { projectDirectory } from "../local/environment.ts";
import { modulesOf } from "../local/worker-bundle.ts";
import { bundle, MAIN_MODULE } from "../ops/bundle/bundle.ts";
import { startPostgresql } from "../test/support/databases.ts";
import { findPostgresql } from "../test/support/postgresql-cluster.ts";
import { childrenOf, freePort } from "../test/support/processes.ts";
import { medianOf } from "./median.ts";

const CALLS = 5_000;
const WARM_UP = 300;
const ALLOWED = 0.03;
const MILLISECONDS_A_TICK = 10;

/** What stands in for a module of src/observability where it is left out. */
const withoutMetrics = {
  "metrics.ts": "export const metrics = { count() {}, change() {}, observe() {} };",
  "metrics-hand-over.ts": `export const METRICS_SHARDS = 0;
    export function metricsShard() {}
    export function handOverMetrics() {}`,
  "observe-database.ts": "export const observeDatabase = () => () => undefined;",
  "sentry.ts": "export const createErrorReporter = () => undefined;",
};
const withoutLogs = {
  "log.ts": `const nothing = () => undefined;
    const silent = { request: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing, report: nothing, with: () => silent };
    export const createLogger = () => silent;
    export const millisecondsSince = (startedAt) => performance.now() - startedAt;`,
};

const variants = {
  "as it is": {},
  "without metrics and error reports": withoutMetrics,
  "without logs too": { ...withoutMetrics, ...withoutLogs },
} satisfies Record<string, Readonly<Record<string, string>>>;

interface Contestant {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
  /** In milliseconds. */
  readonly durations: number[];
  /** The processor time of its workerd so far, in milliseconds: what it costs whatever else the machine does. */
  processorTime(): Promise<number>;
  close(): Promise<void>;
}

const limitersSchema = z.record(z.string(), z.object({ namespace_id: z.string() }));
const sessionSchema = z.object({ token: z.string() });

async function main(): Promise<void> {
  const programs = findPostgresql();
  if (programs === undefined) throw new Error("PostgreSQL is not installed");
  const temporary = await mkdtemp(join(tmpdir(), "tasks-bench-"));
  // Within the project, so that the copies find its packages.
  const copies = join(projectDirectory, "dist", "bench-observability");
  const postgresql = await startPostgresql(programs);
  const contestants: Contestant[] = [];
  try {
    for (const [index, [name, replaced]] of Object.entries(variants).entries()) {
      const main = await bundleVariant(join(copies, String(index)), join(temporary, `bundle-${index}`), replaced);
      contestants.push(await start(name, main, join(temporary, `storage-${index}`), postgresql.database));
    }
    const processorTimes = contestants.map(() => 0);
    for (let turn = 0; turn < CALLS + WARM_UP; turn += 1) {
      if (turn === WARM_UP) await addProcessorTimes(contestants, processorTimes, -1);
      // Each is first as often as the others.
      for (let place = 0; place < contestants.length; place += 1) {
        const contestant = contestants[(turn + place) % contestants.length];
        if (contestant !== undefined) await call(contestant, turn >= WARM_UP);
      }
    }
    await addProcessorTimes(contestants, processorTimes, 1);
    process.exitCode = report(contestants, processorTimes) ? 0 : 1;
  } finally {
    for (const contestant of contestants) await contestant.close();
    await postgresql.close();
    await rm(temporary, { recursive: true, force: true });
    await rm(copies, { recursive: true, force: true });
  }
}

async function bundleVariant(
  copy: string,
  directory: string,
  replaced: Readonly<Record<string, string>>,
): Promise<string> {
  await rm(copy, { recursive: true, force: true });
  await mkdir(copy, { recursive: true });
  await cp(join(projectDirectory, "src"), join(copy, "src"), { recursive: true });
  for (const [file, source] of Object.entries(replaced)) await writeFile(join(copy, "src/observability", file), source);
  await cp(join(projectDirectory, "package.json"), join(copy, "package.json"));
  await bundle({ entry: join(copy, "src/worker.ts"), directory });
  return join(directory, MAIN_MODULE);
}

async function start(
  name: string,
  main: string,
  storage: string,
  { connectionString, fetchEndpoint }: { readonly connectionString: string; readonly fetchEndpoint: string },
): Promise<Contestant> {
  Object.assign(process.env, { WRANGLER_SEND_METRICS: "false", WRANGLER_LOG: "none" });
  const { unstable_getMiniflareWorkerOptions } = await import("wrangler");
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(projectDirectory, "wrangler.toml"));
  const { modulesRules: _, bindings: _configured, ratelimits, ...options } = workerOptions;
  const unlimited = Object.fromEntries(
    Object.entries(limitersSchema.parse(ratelimits)).map(([limiter, { namespace_id }]) => [
      limiter,
      { namespace_id, simple: { limit: 1_000_000, period: 60 as const } },
    ]),
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      log: new NoOpLog(),
      handleStructuredLogs: () => undefined,
      resourcePersistencePath: storage,
      workers: [
        {
          ...options,
          ...modulesOf(main),
          bindings: {
            DATABASE_URL: connectionString,
            NEON_FETCH_ENDPOINT: fetchEndpoint,
            JWT_SECRET: "the secret of the benchmark, 32 characters and more",
            BASE_URL: url,
            // As in production.
            LOG_LEVEL: "warn",
            SENTRY_DSN: "https://key@sentry.invalid/1",
            METRICS_TOKEN: "the-metrics-token-of-the-benchmark-32-characters",
          },
          ratelimits: unlimited,
          // Past Miniflare's own worker, which would be most of what is measured.
          unsafeDirectSockets: [{ host: "127.0.0.1", port }],
        },
      ],
    }),
  );
  const before = new Set(await childrenOf(process.pid));
  await miniflare.ready;
  const [workerd] = (await childrenOf(process.pid)).filter((pid) => !before.has(pid));
  if (workerd === undefined) throw new Error("workerd is not there");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = JSON.stringify({ email: `${crypto.randomUUID()}@example.com`, password: "TestPass123" });
  const response = await fetch(`${url}/api/auth/signup`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
  });
  if (response.status !== 201) throw new Error(await response.text());
  const { token } = sessionSchema.parse(await response.json());
  return {
    name,
    url: `${url}/mcp/tools/list_tasks`,
    headers: { Authorization: `Bearer ${token}` },
    agent,
    durations: [],
    async processorTime() {
      const stat = await readFile(`/proc/${workerd}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) * MILLISECONDS_A_TICK;
    },
    async close() {
      agent.destroy();
      await miniflare.dispose();
    },
  };
}

async function call({ url, headers, agent, durations }: Contestant, counts: boolean): Promise<void> {
  const startedAt = performance.now();
  const status = await new Promise<number>((resolve, reject) => {
    const sending = request(url, { method: "POST", agent, headers }, (response) => {
      text(response).then(() => resolve(response.statusCode ?? 0), reject);
    });
    sending.on("error", reject).end();
  });
  if (status !== 200) throw new Error(`a call was answered ${status}`);
  if (counts) durations.push(performance.now() - startedAt);
}

async function addProcessorTimes(contestants: readonly Contestant[], times: number[], sign: 1 | -1): Promise<void> {
  for (const [index, contestant] of contestants.entries()) {
    times[index] = (times[index] ?? 0) + sign * (await contestant.processorTime());
  }
}

function report(contestants: readonly Contestant[], processorTimes: readonly number[]): boolean {
  const bare = medianOf(contestants.at(-1)?.durations ?? []);
  let isWithin = true;
  for (const [index, { name, durations }] of contestants.entries()) {
    const own = medianOf(durations);
    const cost = own / bare - 1;
    if (cost > ALLOWED) isWithin = false;
    const processorTime = `${((processorTimes[index] ?? 0) / CALLS).toFixed(2)} ms of processor time`;
    process.stdout.write(
      `${name.padEnd(36)}${own.toFixed(3)} ms  ${(cost * 100).toFixed(1).padStart(5)} %  ${processorTime}\n`,
    );
  }
  process.stdout.write(`${CALLS} calls each; at most ${ALLOWED * 100} % allowed: ${isWithin ? "kept" : "missed"}\n`);
  return isWithin;
}

await main();
