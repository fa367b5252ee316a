import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { projectDirectory } from "../../local/environment.ts";
import { type Gateway, startGateway } from "../../local/gateway.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import { bundleWorker } from "../../local/worker-bundle.ts";
import { openConnection } from "../../ops/database/connection.ts";
import { migrate } from "../../ops/database/migrate.ts";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { ensureWorkerLogin } from "../../ops/database/worker-login.ts";
import { isLongRun } from "../support/long-run.ts";
import { planMixedLoad } from "../support/mixed-load.ts";
import { type Monitoring, RUNBOOK_URL, startMonitoring } from "../support/monitoring.ts";
import { missingPrograms, runProgram } from "../support/monitoring-programs.ts";
import { PATIENCE } from "../support/patience.ts";
import { findPostgresql, type PostgresqlCluster, startPostgresqlCluster } from "../support/postgresql-cluster.ts";
import { freePort } from "../support/processes.ts";
import { RequestLedger } from "../support/request-ledger.ts";
import { Script, says } from "../support/scripted-model.ts";
import { startWorkerFleet, type WorkerFleet } from "../support/worker-fleet.ts";

// Four workers of the bundle, a real PostgreSQL, a real Prometheus and Alertmanager. The tests are one story: the load
// and what Prometheus makes of it, then a database that is killed and comes back.

/** 20,000 take minutes of every core: `LIVE_REQUESTS=20000` for those. */
const REQUESTS = z.coerce.number().int().positive().default(1_500).parse(process.env.LIVE_REQUESTS);
const WORKERS = 4;
const SETTLED_WITHIN_MILLISECONDS = 10_000;
const METRICS_TOKEN = "the-metrics-token-of-the-tests-32-characters";

const programs = findPostgresql();
const isLeftOut = !isLongRun || programs === undefined || missingPrograms().length > 0;

const sessionSchema = z.object({ token: z.string() });
const createdSchema = z.object({ tasks: z.tuple([z.object({ id: z.int() })]) });
const pagesSchema = z.array(
  z.object({ event_action: z.string(), payload: z.object({ summary: z.string() }).optional() }),
);
const panelsSchema = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).default([]) })),
});

let directory: string;
let cluster: PostgresqlCluster;
let gateway: Gateway;
let fleet: WorkerFleet;
let monitoring: Monitoring;
let ledger: RequestLedger;
let token: string;
let startedAt: Date;
const endings: (() => Promise<unknown>)[] = [];

async function openDatabase(): Promise<Gateway> {
  cluster = await startPostgresqlCluster(programs ?? "");
  endings.push(() => cluster.remove());
  await cluster.createDatabase("tasks");
  const workerUrl = cluster.url("tasks");
  workerUrl.username = "task_worker";
  workerUrl.password = "the password of the worker";
  const owner = await openConnection(cluster.url("tasks"));
  await migrate(owner, await readMigrationFiles());
  await ensureWorkerLogin(owner, workerUrl);
  await owner.end();
  const pool = openRawPool(workerUrl);
  endings.push(() => pool.end());
  return startGateway(pool);
}

beforeAll(async () => {
  if (isLeftOut) return;
  directory = await mkdtemp(join(tmpdir(), "tasks-observability-"));
  endings.push(() => rm(directory, { recursive: true, force: true }));
  const [bundle] = await Promise.all([
    bundleWorker(join(directory, "bundle")),
    openDatabase().then((opened) => {
      gateway = opened;
      endings.push(() => gateway.close());
    }),
  ]);
  const port = await freePort();
  fleet = await startWorkerFleet({
    bundle,
    port,
    size: WORKERS,
    temporary: directory,
    bindings: {
      DATABASE_URL: gateway.connectionString,
      NEON_FETCH_ENDPOINT: gateway.fetchEndpoint,
      JWT_SECRET: "the secret of the tests, 32 characters and more",
      BASE_URL: `http://127.0.0.1:${port}`,
      LOG_LEVEL: "error",
      METRICS_TOKEN,
      OPENAI_API_KEY: "the key of the tests",
      OPENAI_BASE_URL: inject("scriptedResponsesUrl"),
      AGENT_TIMEOUT: "2",
    },
  });
  endings.push(() => fleet.close());
  ledger = new RequestLedger(fleet.url);
  endings.push(async () => ledger.close());
  startedAt = new Date();
  monitoring = await startMonitoring(join(directory, "monitoring"), new URL(fleet.url).host, METRICS_TOKEN);
  endings.push(() => monitoring.close());
});

afterAll(async () => {
  for (const end of endings.reverse()) await end();
});

async function signUp(): Promise<{ token: string; taskId: number }> {
  const body = { email: `${crypto.randomUUID()}@example.com`, password: "TestPass123" };
  const route = "/api/auth/signup";
  const session = sessionSchema.parse(
    JSON.parse(await ledger.send({ method: "POST", path: route, body, status: 201, route })),
  );
  const created = await ledger.send({
    method: "POST",
    path: "/mcp/tools/create_task",
    headers: { Authorization: `Bearer ${session.token}` },
    body: { title: "The first" },
    status: 200,
    route: "/mcp/tools/:name",
    tool: "create_task",
  });
  return { token: session.token, taskId: createdSchema.parse(JSON.parse(created)).tasks[0].id };
}

/** A turn that is answered, and one that the model lets wait. */
async function chat(): Promise<void> {
  const scripts = [await Script.write([says("Hello")]), await Script.write([{ hang: true }])];
  for (const { mark } of scripts) {
    await ledger.send({
      method: "POST",
      path: "/chat",
      headers: { Authorization: `Bearer ${token}` },
      body: { message: `Hello ${mark}` },
      status: 200,
      route: "/chat",
    });
  }
}

async function failToSignIn(): Promise<void> {
  const route = "/api/auth/signin";
  const body = { email: `${crypto.randomUUID()}@example.com`, password: "WrongPass123" };
  await ledger.send({ method: "POST", path: route, body, status: 401, route });
}

async function totals(expression: string, labels: readonly string[]): Promise<Map<string, number>> {
  const samples = await monitoring.query(expression);
  return new Map(samples.map((sample) => [labels.map((label) => sample.labels[label]).join(" "), sample.value]));
}

const sorted = (counts: ReadonlyMap<string, number>) => [...counts].sort(([a], [b]) => (a < b ? -1 : 1));

describe.skipIf(isLeftOut)(
  "with CI=true: four workers behind a round-robin, PostgreSQL, Prometheus and Alertmanager",
  () => {
    it(`count ${REQUESTS} mixed requests exactly, ten seconds after the last`, async () => {
      const people = [await signUp(), await signUp(), await signUp(), await signUp()];
      token = people[0]?.token ?? "";
      await chat();
      await failToSignIn();
      const begun = performance.now();
      await ledger.sendAll(planMixedLoad(REQUESTS, people), 24);
      const seconds = (performance.now() - begun) / 1000;
      await chat();
      await failToSignIn();
      await new Promise((resolve) => setTimeout(resolve, SETTLED_WITHIN_MILLISECONDS));

      // Failures are told as 0 before there are any.
      const counted = await totals('sum by (method, route, status) (http_requests_total{route!="/metrics"}) > 0', [
        "method",
        "route",
        "status",
      ]);
      expect(sorted(counted)).toEqual(sorted(ledger.requests));
      expect(sorted(await totals("sum by (tool, status) (tool_executions_total) > 0", ["tool", "status"]))).toEqual(
        sorted(ledger.tools),
      );
      const sum = [...ledger.requests.values()].reduce((total, count) => total + count, 0);
      expect(sum).toBeGreaterThanOrEqual(REQUESTS);
      // A machine under stress may let requests down; they must be counted all the same.
      expect(ledger.surprises.length, ledger.surprises.slice(0, 5).join("\n")).toBeLessThan(REQUESTS / 10);
      const durations = 'sum(http_request_duration_seconds_count{route!="/metrics"})';
      expect((await monitoring.query(durations))[0]?.value).toBe(sum);
      expect((await monitoring.query("sum(tasks_created_total)"))[0]?.value).toBe(
        ledger.tools.get("create_task success"),
      );
      expect((await monitoring.query("sum(agent_turns_total)"))[0]?.value).toBe(4);
      expect((await monitoring.query("sum(agent_timeouts_total)"))[0]?.value).toBe(2);
      expect((await monitoring.query("sum(sign_in_failures_total)"))[0]?.value).toBe(2);
      process.stdout.write(`${REQUESTS} requests in ${seconds.toFixed(1)} s; ${sum} sent, ${sum} counted\n`);
    });

    it("satisfy promtool, which has nothing to say", async () => {
      const response = await fetch(`${fleet.url}/metrics`, { headers: { Authorization: `Bearer ${METRICS_TOKEN}` } });

      expect(await runProgram("promtool", ["check", "metrics"], await response.text())).toEqual({
        code: 0,
        output: "",
      });
    });

    it("have data for every query of every dashboard", async () => {
      const directory_ = join(projectDirectory, "ops/grafana");
      const files = (await readdir(directory_)).filter((name) => name.endsWith(".json"));
      expect(files.length).toBe(4);
      for (const file of files) {
        const { panels } = panelsSchema.parse(JSON.parse(await readFile(join(directory_, file), "utf8")));
        for (const { title, targets } of panels) {
          for (const { expr } of targets) {
            const query = expr.replaceAll("$__rate_interval", "10s").replaceAll("$version", ".*");
            const values = await monitoring.countValues(query, startedAt, new Date());
            expect(values, `${file}, ${title}: ${query}`).toBeGreaterThan(0);
          }
        }
      }
    });

    it("fire no alert while all is well", async () => {
      expect([...(await monitoring.firing())]).toEqual(expect.not.arrayContaining(["DatabaseDown", "ErrorRate"]));
    });

    it("fire DatabaseDown and ErrorRate when the database is killed, page once, tell Slack, and resolve", async () => {
      let isOver = false;
      const callers = Array.from({ length: 2 }, async () => {
        while (!isOver) {
          const response = await fetch(`${fleet.url}/mcp/tools/list_tasks`, {
            method: "POST",
            headers: { Authorization: `Bearer ${token}` },
          });
          await response.text();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      });
      try {
        // On a slow machine the workers start later than Prometheus waits for them.
        const pages = monitoring.told("pagerduty").length;
        await cluster.kill();
        const poll = { timeout: PATIENCE, interval: 500 };
        const alerts = ["DatabaseDown", "ErrorRate"];
        await expect.poll(async () => [...(await monitoring.firing())], poll).toEqual(expect.arrayContaining(alerts));
        const told = (receiver: "pagerduty" | "slack") => JSON.stringify(monitoring.told(receiver));
        await expect.poll(() => told("slack"), poll).toContain("FIRING DatabaseDown");
        expect(told("slack")).toContain(`${RUNBOOK_URL}#databasedown`);
        expect(told("slack")).not.toContain("ErrorRate");
        const sent = pagesSchema.parse(monitoring.told("pagerduty").slice(pages));
        const summaries = sent.filter((page) => page.event_action === "trigger").map(({ payload }) => payload?.summary);
        expect(new Set(summaries)).toEqual(new Set(["The database does not answer"]));

        await cluster.start();
        await expect
          .poll(async () => [...(await monitoring.firing())].filter((name) => alerts.includes(name)), poll)
          .toEqual([]);
        await expect.poll(() => told("slack"), poll).toContain("RESOLVED DatabaseDown");
        await expect.poll(() => told("pagerduty"), poll).toContain('"event_action":"resolve"');
      } finally {
        isOver = true;
        await Promise.all(callers);
      }
    });
  },
);
