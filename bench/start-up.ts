/**
 * What a start costs: workerd's processor time from its start to the first answer of `/health` and to that of the first
 * tool call, beside a worker that does nothing, start by start in turn; and the size of the bundle. Exits with 1 above
 * a budget.
 *
 *     npx node bench/start-up.ts [other checkout …]
 *
 * Other checkouts are measured in the same run. The database is PostgreSQL where it is installed, behind the gateway.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { projectDirectory } from "../local/environment.ts";
import { LARGEST_BUNDLE_KIB } from "../ops/bundle/budget.ts";
import { issueToken } from "../src/auth/token.ts";
import { startPgliteDatabase, startPostgresql, type TestDatabase } from "../test/support/databases.ts";
import { findPostgresql } from "../test/support/postgresql-cluster.ts";
import { freePort } from "../test/support/processes.ts";
import { medianOf } from "./median.ts";
import { bundleWorker, startWorkerd, type Workerd } from "./workerd.ts";

const STARTS = 15;
const READY_WITHIN_MILLISECONDS = 20_000;
const JWT_SECRET = "the secret of the benchmark, 32 characters and more";
const EMPTY_WORKER = "export default { fetch: () => new Response() };\n";

/** In milliseconds of processor time, beyond what the empty worker takes. */
const BUDGETS = { health: 150, toolCall: 220 };

type Step = keyof typeof BUDGETS;
const steps: readonly Step[] = ["health", "toolCall"];

interface Contestant {
  readonly name: string;
  readonly configuration: string;
  readonly bundle: string;
  readonly gzipKib: number;
  /** What each start took until then. */
  readonly processorTimes: Readonly<Record<Step, number[]>>;
}

/** A contestant that runs. */
interface Started {
  readonly workerd: Workerd;
  readonly url: string;
}

async function main(): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), "tasks-bench-"));
  const programs = findPostgresql();
  const running = programs === undefined ? await startPgliteDatabase() : await startPostgresql(programs);
  const start = (contestant: Contestant) => startContestant(contestant, temporary, running.database);
  try {
    const empty = await enter("empty worker", await emptyWorker(temporary), join(temporary, "empty"));
    const own = await enter("MCP Task Server", join(projectDirectory, "wrangler.toml"), join(temporary, "own"));
    const { positionals } = parseArgs({ allowPositionals: true });
    const others = await Promise.all(
      positionals.map((path, index) =>
        enter(path, join(resolve(path), "wrangler.toml"), join(temporary, `other-${index}`)),
      ),
    );
    const contestants = [empty, own, ...others];
    await during(start(own), signUp);
    // The first round finds nothing in the machine's caches.
    for (const contestant of contestants) await during(start(contestant), measure);
    for (let round = 0; round < STARTS; round += 1) {
      for (const contestant of contestants) {
        const taken = await during(start(contestant), measure);
        for (const step of steps) contestant.processorTimes[step].push(taken[step]);
      }
    }
    report(empty, own, others);
  } finally {
    await running.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

/** @returns the wrangler configuration of a worker that does nothing, on the same runtime */
async function emptyWorker(temporary: string): Promise<string> {
  const own = await readFile(join(projectDirectory, "wrangler.toml"), "utf8");
  const runtime = own.match(/^compatibility_\w+ = .*$/gm)?.join("\n");
  await writeFile(join(temporary, "empty.js"), EMPTY_WORKER);
  const configuration = join(temporary, "empty.toml");
  await writeFile(configuration, `name = "empty"\nmain = "empty.js"\n${runtime}\n`);
  return configuration;
}

async function enter(name: string, configuration: string, directory: string): Promise<Contestant> {
  const bundle = await bundleWorker(configuration, directory);
  const modules = (await readdir(directory)).filter((name) => name.endsWith(".js"));
  const contents = await Promise.all(modules.map((name) => readFile(join(directory, name))));
  const gzipKib = gzipSync(Buffer.concat(contents)).length / 1024;
  return { name, configuration, bundle, gzipKib, processorTimes: { health: [], toolCall: [] } };
}

async function startContestant(
  { configuration, bundle }: Contestant,
  temporary: string,
  { connectionString, fetchEndpoint }: TestDatabase,
): Promise<Started> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const bindings = {
    DATABASE_URL: connectionString,
    NEON_FETCH_ENDPOINT: fetchEndpoint,
    JWT_SECRET,
    BASE_URL: url,
    LOG_LEVEL: "warn",
  };
  const directory = await mkdtemp(join(temporary, "start-"));
  return { workerd: await startWorkerd({ configuration, bundle, bindings, url, directory }), url };
}

async function during<Result>(
  starting: Promise<Started>,
  work: (started: Started) => Promise<Result>,
): Promise<Result> {
  const started = await starting;
  try {
    return await work(started);
  } finally {
    await started.workerd.close();
  }
}

/** Makes the account that the tool is called for. */
async function signUp({ url }: Started): Promise<void> {
  await untilHealthy(url);
  await send(url, "/api/auth/signup", { email: "bench@example.com", password: "TestPass123" });
}

async function measure({ workerd, url }: Started): Promise<Record<Step, number>> {
  await untilHealthy(url);
  const health = await workerd.processorTime();
  const { token } = await issueToken(1, 3600, { secret: JWT_SECRET, issuer: url });
  await send(url, "/mcp/tools/list_tasks", {}, token);
  return { health, toolCall: await workerd.processorTime() };
}

async function untilHealthy(url: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MILLISECONDS;
  for (;;) {
    try {
      const response = await fetch(new URL("/health", url));
      if (!response.ok) throw new Error(`/health answered ${response.status}: ${await response.text()}`);
      await response.text();
      return;
    } catch (error) {
      // Until workerd listens.
      if (!(error instanceof TypeError) || Date.now() > deadline) throw error;
      await sleep(5);
    }
  }
}

async function send(url: string, path: string, body: unknown, token = ""): Promise<void> {
  const response = await fetch(new URL(path, url), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token !== "" && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  await response.text();
}

function report(empty: Contestant, own: Contestant, others: readonly Contestant[]): void {
  process.stdout.write(`milliseconds of processor time, median of ${STARTS} starts, and beyond the empty worker's\n\n`);
  process.stdout.write(`${"".padEnd(24)}${steps.map((step) => step.padStart(18)).join("")}${"bundle".padStart(18)}\n`);
  for (const contestant of [empty, own, ...others]) {
    const times = steps.map((step) => {
      const own = medianOf(contestant.processorTimes[step]);
      return `${own} (+${own - medianOf(empty.processorTimes[step])})`.padStart(18);
    });
    const size = `${contestant.gzipKib.toFixed(1)} KiB gzip`.padStart(18);
    process.stdout.write(`${contestant.name.padEnd(24)}${times.join("")}${size}\n`);
  }
  const missed = [
    ...steps.filter(
      (step) => medianOf(own.processorTimes[step]) - medianOf(empty.processorTimes[step]) > BUDGETS[step],
    ),
    ...(own.gzipKib > LARGEST_BUNDLE_KIB ? ["bundle"] : []),
  ];
  const allowed = `+${BUDGETS.health} to health, +${BUDGETS.toolCall} to toolCall, ${LARGEST_BUNDLE_KIB} KiB gzip`;
  process.stdout.write(`\nallowed: ${allowed}: ${missed.length === 0 ? "kept" : `missed by ${missed.join(", ")}`}\n`);
  if (missed.length > 0) process.exitCode = 1;
}

await main();
