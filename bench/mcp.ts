/**
 * How many tool calls a second each interface makes in workerd, in one run: `npx node bench/mcp.ts`. The database is PostgreSQL
 * where it is installed, behind the gateway.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { issueToken } from "../src/auth/token.ts";
import { startPgliteDatabase, startPostgresql } from "../test/support/databases.ts";
import { findPostgresql } from "../test/support/postgresql-cluster.ts";
import { freePort } from "../test/support/processes.ts";
import { BARE, type Lane, openLanes, PLAIN_HTTP } from "./mcp-lanes.ts";
import { startBenchWorker } from "./mcp-runtime.ts";
import { medianOf } from "./median.ts";
import type { Workerd } from "./workerd.ts";

const CONNECTIONS = [1, 16];
/** Many and short, as what else the machine does changes from second to second. */
const ROUNDS = 15;
const ROUND_MILLISECONDS = 1000;
const WARM_UP_MILLISECONDS = 10_000;
/**
 * How many times the processor time of the session mode's call McpAgent's is to take with many connections. Calls a second are
 * those of the client and the database too, which share the machine.
 */
const REQUIRED_RATIO = 2.5;
const JWT_SECRET = "the secret of the benchmark, 32 characters and more";

const accountSchema = z.object({ user: z.object({ id: z.int() }) });

interface Measured {
  readonly callsASecond: number;
  readonly median: number;
  /** Of workerd, for one call, in milliseconds: what it costs whatever else the machine does. */
  readonly processorTime: number;
}

async function main(): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), "tasks-bench-"));
  const programs = findPostgresql();
  const running = programs === undefined ? await startPgliteDatabase() : await startPostgresql(programs);
  const url = `http://127.0.0.1:${await freePort()}`;
  const { connectionString, fetchEndpoint } = running.database;
  const worker = await startBenchWorker(temporary, url, {
    DATABASE_URL: connectionString,
    NEON_FETCH_ENDPOINT: fetchEndpoint,
    JWT_SECRET,
    BASE_URL: url,
  });
  try {
    // Each with an account of its own, as one has 50 sessions at most.
    const refused = { url, ...(await prepare(url)), taskId: undefined };
    const settings = { url, ...(await prepare(url)) };
    process.stdout.write("get_task with an id that is refused before the database is asked: the interfaces alone\n");
    // The other two answer a refusal with a status, which is not what is compared.
    const others: readonly string[] = [BARE, PLAIN_HTTP];
    const alone = openLanes(refused).filter(({ name }) => !others.includes(name));
    for (const connections of CONNECTIONS) await compare(alone, connections, worker, REQUIRED_RATIO);
    process.stdout.write(`\nget_task on ${programs === undefined ? "PGlite" : "PostgreSQL"}\n`);
    // PGlite runs in this process, which then has less left for calling than a lane could answer.
    const required = programs === undefined ? 0 : REQUIRED_RATIO;
    for (const connections of CONNECTIONS) await compare(openLanes(settings), connections, worker, required);
  } finally {
    await worker.close();
    await running.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

/** An account with one task. */
async function prepare(url: string): Promise<{ token: string; taskId: number }> {
  const post = async (path: string, body: unknown, token?: string): Promise<unknown> => {
    const response = await fetch(new URL(path, url), {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return JSON.parse(await response.text());
  };
  const email = `${crypto.randomUUID()}@example.com`;
  const { user } = accountSchema.parse(await post("/api/auth/signup", { email, password: "TestPass123" }));
  const { token } = await issueToken(user.id, 3600, { secret: JWT_SECRET, issuer: url });
  await post("/mcp/tools/create_task", { title: "Buy milk" }, token);
  return { token, taskId: 1 };
}

/** Measures the lanes in turn, round by round, so that whatever the machine does meets them all. */
async function compare(
  lanes: readonly Lane[],
  connections: number,
  worker: Workerd,
  requiredRatio: number,
): Promise<void> {
  const opened = await Promise.all(
    lanes.map(async ({ name, open }) => ({
      name,
      calls: await Promise.all(Array.from({ length: connections }, open)),
    })),
  );
  const rounds = new Map<string, Measured[]>(lanes.map(({ name }) => [name, []]));
  // V8 takes that long to have compiled what is called most.
  for (const { calls } of opened) await measure(calls, WARM_UP_MILLISECONDS, worker);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { name, calls } of opened) rounds.get(name)?.push(await measure(calls, ROUND_MILLISECONDS, worker));
  }
  const ratio = report(rounds, connections);
  // A single one waits for itself, the database and this process, which take as long on either side.
  if (connections > 1 && ratio < requiredRatio) process.exitCode = 1;
}

async function measure(
  calls: readonly (() => Promise<void>)[],
  milliseconds: number,
  worker: Workerd,
): Promise<Measured> {
  const times: number[] = [];
  const processorTime = await worker.processorTime();
  const begun = performance.now();
  await Promise.all(
    calls.map(async (call) => {
      while (performance.now() - begun < milliseconds) {
        const sent = performance.now();
        await call();
        times.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  return {
    callsASecond: times.length / seconds,
    median: medianOf(times),
    processorTime: ((await worker.processorTime()) - processorTime) / times.length,
  };
}

/** @returns how many times the processor time of the session mode's call McpAgent's takes */
function report(rounds: ReadonlyMap<string, Measured[]>, connections: number): number {
  const each = (name: string, value: keyof Measured) => (rounds.get(name) ?? []).map((round) => round[value]);
  const middle = (name: string, value: keyof Measured) => medianOf(each(name, value));
  /** Of two lanes, round by round. */
  const ratio = (name: string, other: string, value: keyof Measured) => {
    const others = each(other, value);
    return medianOf(each(name, value).map((one, round) => one / (others[round] ?? Number.NaN)));
  };
  process.stdout.write(`\n${connections} connection${connections === 1 ? "" : "s"}, median of ${ROUNDS} rounds\n`);
  for (const name of rounds.keys()) {
    const calls = `${middle(name, "callsASecond").toFixed(0).padStart(6)} calls/s`;
    const time = `${middle(name, "median").toFixed(2).padStart(7)} ms`;
    const cost = `${middle(name, "processorTime").toFixed(2).padStart(5)} ms of workerd`;
    const share = rounds.has(BARE)
      ? `  ${ratio(name, BARE, "callsASecond").toFixed(2)} of the bare route's calls, ${ratio(name, BARE, "processorTime").toFixed(2)} of its processor time`
      : "";
    process.stdout.write(`  ${name.padEnd(16)} ${calls}  ${time}  ${cost}${share}\n`);
  }
  const cost = ratio("McpAgent", "session mode", "processorTime");
  const calls = ratio("McpAgent", "session mode", "callsASecond");
  process.stdout.write(
    `  McpAgent : session mode = ${cost.toFixed(2)} of the processor time, ${calls.toFixed(2)} of the calls\n`,
  );
  return cost;
}

await main();
