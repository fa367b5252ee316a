import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { withConnection } from "../../ops/database/connection.ts";
import { rollBack } from "../../ops/database/migrate.ts";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { isLongRun } from "../support/long-run.ts";
import { PATIENCE } from "../support/patience.ts";
import { freePort } from "../support/processes.ts";
import {
  boxesOf,
  newestMigration,
  outcomeSchema,
  type Rehearsal,
  SCALE,
  startRehearsal,
} from "../support/rehearsal.ts";

// The first version, what there is to see of it when it is deployed, and what becomes of the next ones.

const run = promisify(execFile);
const sessionSchema = z.object({ token: z.string(), user: z.object({ id: z.number() }) });

describe.skipIf(!isLongRun || inject("clusterUrl") === undefined)("a deployed version, with CI=true", () => {
  let rehearsal: Rehearsal;
  beforeAll(async () => {
    rehearsal = await startRehearsal();
  });
  afterAll(() => rehearsal.close());

  it("sets up secrets and releases the first version at once", async () => {
    const setup = await rehearsal.runbook(["setup"]);
    expect(setup).toMatchObject({ code: 0, stderr: "" });
    expect(setup.stdout).toContain("Workers plan: the operator has the Workers Paid plan");
    expect(setup.stdout).toContain(
      "given: DATABASE_URL, OPENAI_API_KEY; generated: JWT_SECRET, TOKEN_SECRET, BETTER_AUTH_SECRET, METRICS_TOKEN",
    );
    expect(await rehearsal.secretsIn(setup.stdout)).toEqual([]);

    const first = await rehearsal.runbook(["deploy", ...SCALE]);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    // Cloudflare keeps secrets in a version, which is in force until the first with the worker in it.
    expect(first.stdout).toMatch(/this is the first release \(version \S+ has secrets, and no worker in it\)/);
    expect(first.stdout).toContain("at once: there is no version to share the traffic with");
    expect(first.stdout).toContain("✓ cron triggers: */10 * * * *, as at Cloudflare");
  });

  it("gives what the runbook says for each of its curl lines", async () => {
    const source = await readFile(join(import.meta.dirname, "../../docs/source-runbook.md"), "utf8");
    const curls = [...source.matchAll(/^curl (?:.*\\\n)*.*$/gm)].map(([line]) => line);
    expect(curls).toHaveLength(6);
    const account = { email: "test@example.com", password: "TestPass123" };
    const signUp = await fetch(`${rehearsal.url}/api/auth/signup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(account),
    });
    const { token, user } = sessionSchema.parse(await signUp.json());
    const metricsToken = (await rehearsal.variables()).METRICS_TOKEN;
    // Isolates hand their metrics over from time to time.
    const readMetrics = async () =>
      (await fetch(`${rehearsal.url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } })).text();
    await expect.poll(readMetrics, { timeout: PATIENCE }).toContain("http_requests_total{");
    const answers: unknown[] = [];
    for (const curl of curls) {
      const isMetrics = curl.endsWith("/metrics");
      // The address is changed; user 1 is the runbook's own, and /metrics is not for everybody here.
      const line = curl
        .replace("https://api.yourdomain.com", rehearsal.url)
        .replace('"user_id": 1', `"user_id": ${user.id}`)
        .replace(/$/, isMetrics ? ' -H "Authorization: Bearer $METRICS_TOKEN"' : "");
      const { stdout } = await run("/bin/sh", ["-c", `${line} -sS -w '\n%{http_code}'`], {
        env: { ...process.env, JWT_TOKEN: token, METRICS_TOKEN: metricsToken },
      });
      const [status, ...body] = stdout.split("\n").reverse();
      answers.push([status, isMetrics ? body.reverse().join("\n") : JSON.parse(body.join(""))]);
    }
    expect(answers).toEqual([
      ["200", expect.objectContaining({ status: "healthy", database: "connected" })],
      [
        "200",
        expect.objectContaining({ token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/), token_type: "Bearer" }),
      ],
      ["200", { tools: expect.toSatisfy((tools: unknown[]) => tools.length === 6) }],
      ["200", expect.objectContaining({ response: expect.stringMatching(/./) })],
      ["200", expect.stringContaining("http_requests_total{")],
      ["200", expect.objectContaining({ status: "healthy" })],
    ]);
  });

  it("sees metrics, rules, dashboards, a test event and a line of the log", async () => {
    const seen: string[] = [];
    const port = await freePort();
    const alerts = [
      ...(await readFile(join(import.meta.dirname, "../../ops/prometheus/alerts.yml"), "utf8")).matchAll(
        /- alert: (\w+)/g,
      ),
    ];
    const outside = createServer(async (request, response) => {
      const { pathname } = new URL(request.url ?? "/", "http://outside.invalid");
      seen.push(`${request.method} ${pathname} ${await text(request)}`);
      const rules = alerts.map(([, name]) => ({ name }));
      const data = pathname.endsWith("/rules")
        ? { groups: [{ rules }] }
        : pathname.endsWith("/config")
          ? { yaml: "runbook_url: https://runbook.example/page" }
          : { result: [{}] };
      response.end(JSON.stringify({ status: "success", data }));
    }).listen(port, "127.0.0.1");
    const variables = { PROMETHEUS_URL: `http://127.0.0.1:${port}`, SENTRY_DSN: `http://key@127.0.0.1:${port}/7` };
    const monitoring = await rehearsal.runbook(["monitoring"], variables);
    const blind = await rehearsal.runbook(["monitoring", "--accept", "wrangler tail=seen above"]);
    outside.close();
    outside.closeAllConnections();

    expect(monitoring.code, monitoring.stdout).toBe(0);
    expect(monitoring.stdout).toMatch(/✓ metrics: \d+ samples/);
    expect(monitoring.stdout).toMatch(/✓ dashboard queries: \d+ queries of 4 dashboards find data/);
    expect(monitoring.stdout).toContain("✓ cron triggers: */10 * * * *, as at Cloudflare");
    expect(monitoring.stdout).toMatch(/✓ wrangler tail: the line of request \S+ was seen/);
    expect(seen).toContainEqual(expect.stringMatching(/^POST \/api\/7\/envelope\/ .*Test event of npm run runbook/s));
    expect(blind.code).toBe(1);
    expect(blind.stderr).toBe("3 checks failed: dashboard queries, alert rules, Sentry\n");
  });

  it("loads the path to the database and reports its connections", async () => {
    const soak = await rehearsal.runbook(["soak", "--minutes", "1", "--time-scale", "0.1"]);
    const [, p95] =
      /soak for 6 s: 90 requests, 0 errors, p95 (\d+) ms from here, at most \d+ of 200 connections/.exec(soak.stdout) ??
      [];
    expect(p95, soak.stdout + soak.stderr).toBeDefined();
    // A machine that is busy may be too slow for what is allowed: that must be said then, and nothing else.
    const isSlow = Number(p95) >= 500;
    expect(soak.code).toBe(isSlow ? 1 : 0);
    expect(soak.stdout).toContain(isSlow ? "✗ soak" : "✓ soak");
  });

  it("ticks the boxes of configuration, database and edge that can be ticked here, and no other", async () => {
    const worker = rehearsal.cloudflare.script("mcp-task-server-production");
    const crons = worker?.crons ?? [];
    if (worker !== undefined) worker.crons = [];
    const preflight = await rehearsal.runbook(["preflight", "--only", "configuration,database,edge", "--json"]);
    if (worker !== undefined) worker.crons = crons;
    const { steps } = outcomeSchema.parse(JSON.parse(preflight.stdout));
    const failed = steps.filter(({ status }) => status !== "done" && status !== "person").map(({ name }) => name);

    // No real key, no Sentry, no pooler, no TLS before the stand-in; the cron triggers are gone.
    expect(failed).toEqual([
      ...["model", "error tracking", "database URL", "backup"],
      ...["certificate", "HTTPS redirect", "cron triggers"],
    ]);
    expect(steps.find(({ name }) => name === "cron triggers")?.evidence).toMatch(
      /^nothing runs the schedule of version \S+: run npx wrangler triggers deploy --env production --config /,
    );
    expect(steps.find(({ name }) => name === "indexes")?.evidence).toMatch(/^(\d+) of \1 are there and valid$/);
    expect(preflight.code).toBe(1);
  });

  it("rolls a release back by itself that is told to stop half-way", async () => {
    const before = await rehearsal.versionInForce();
    const run = await rehearsal.runbook(["deploy", ...SCALE], {}, { signal: "SIGTERM", at: "✓ deploy 0 %" });

    expect(run.code, run.stdout).toBe(3);
    expect(run.stderr).toMatch(/^the release was rolled back: interrupted by SIGTERM/);
    expect(await rehearsal.versionInForce()).toBe(before);
    const log = (await rehearsal.logs("-deploy.md")).at(-1) ?? "";
    expect(log).toContain("### Rollback Required\n- Yes - interrupted by SIGTERM; the release was rolled back\n");
    // It was: the signal came after.
    expect(boxesOf(log)).toContainEqual(expect.stringMatching(/^ \[x\] Database backed up: /));
    expect(boxesOf(log)).toContainEqual(" [ ] Smoke tests passed: not run");
    expect(boxesOf(log)).toContainEqual(" [ ] Health checks passing: not watched");
    expect(log).toContain("| verify the rollback | done |");
    expect(log).not.toContain("deploy 10 %");
    expect((await rehearsal.logs("-incident.md")).at(-1)).toContain("interrupted by SIGTERM");
    expect(rehearsal.announcements().at(-1)).toMatch(/^Deployment rolled back: .*due to interrupted by SIGTERM$/);
  });

  it("releases a Durable Object migration at once, does not roll back across it, and says what to do", async () => {
    // As if the release brought it.
    await withConnection("DATABASE_OWNER_URL", rehearsal.ownerUrl, async (owner) =>
      rollBack(owner, await readMigrationFiles(), 1),
    );
    const config = await rehearsal.configWith({
      entry: "test/support/faults/health.ts",
      more: '\n[[migrations]]\ntag = "rehearsal"\n',
    });
    // wrangler fails at the domain, when the version has all the traffic already.
    rehearsal.cloudflare.broken.add("PUT /workers/scripts/*/domains/records");
    const run = await rehearsal.runbook(["deploy", "--config", config, ...SCALE]);
    rehearsal.cloudflare.broken.clear();

    expect(run.code, run.stdout).toBe(1);
    expect(run.stdout).toContain(`✓ migrations: ${await newestMigration()}: only expansions`);
    expect(run.stdout).toMatch(/✓ deploy at once: version \S+ has all the traffic; .*, although wrangler failed: /);
    expect(run.stdout).toContain("✓ smoke tests: ");
    const log = (await rehearsal.logs("-deploy.md")).at(-1) ?? "";
    expect(log).toMatch(/### Issues Encountered\n- .*domains\/records/);
    expect(log).toMatch(
      /### Rollback Required\n- Yes, and NOT done - .*health checks failing for more than 2 minutes: \/health answered 503/,
    );
    expect(boxesOf(log)).toContainEqual(expect.stringMatching(/^ \[ \] Health checks passing: \d+ of \d+ passed/));
    expect(boxesOf(log)).toContainEqual(expect.stringMatching(/^ \[x\] Smoke tests passed: /));
    expect(run.stdout).toContain("→ rehearsal cannot be rolled out gradually, nor back");
    expect(run.stderr).toContain("cannot be crossed. Go forward instead: git revert the fault");
    expect(rehearsal.announcements().at(-1)).toMatch(/^Deployment FAILED and is NOT rolled back/);
    const byHand = await rehearsal.runbook(["rollback", "--config", config, "--reason", "a rehearsal"]);
    expect(byHand.code).toBe(1);
    expect(byHand.stderr).toContain("cannot be crossed");
  });
});
