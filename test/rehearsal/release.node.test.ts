import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { isLongRun } from "../support/long-run.ts";
import { freePort } from "../support/processes.ts";
import { boxesOf, newestMigration, type Rehearsal, SCALE, startRehearsal } from "../support/rehearsal.ts";
import { watchAnswers } from "../support/watch-answers.ts";

// The real wrangler, the real bundle in workerd, a real PostgreSQL; only Cloudflare is a stand-in on loopback.

const run = promisify(execFile);
const sessionSchema = z.object({ token: z.string(), user: z.object({ id: z.number() }) });
const outcomeSchema = z.object({
  outcome: z.string(),
  steps: z.array(z.object({ name: z.string(), status: z.string(), evidence: z.string() })),
});

describe.skipIf(!isLongRun || inject("clusterUrl") === undefined)("releases, with CI=true", () => {
  let rehearsal: Rehearsal;
  beforeAll(async () => {
    rehearsal = await startRehearsal();
  });
  afterAll(() => rehearsal.close());

  it("sets up secrets and releases the first version at once", async () => {
    const setup = await rehearsal.runbook(["setup"]);
    expect(setup).toMatchObject({ code: 0, stderr: "" });
    expect(setup.stdout).toContain("Workers plan: the operator has the Workers Paid plan");
    expect(setup.stdout).toContain("given: DATABASE_URL, OPENAI_API_KEY; generated: JWT_SECRET, METRICS_TOKEN");
    expect(await rehearsal.secretsIn(setup.stdout)).toEqual([]);

    const first = await rehearsal.runbook(["deploy", ...SCALE]);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("at once: Durable Object migration none →");
  });

  it("brings a good release to 100 %, and no request of anybody fails on the way", async () => {
    const before = await rehearsal.versionInForce();
    const answers = watchAnswers(`${rehearsal.url}/health`);
    const run = await rehearsal.runbook(["deploy", "--json", ...SCALE]);
    const seen = await answers.end();

    expect(run.code, run.stderr).toBe(0);
    const { outcome, steps } = outcomeSchema.parse(JSON.parse(run.stdout));
    expect(outcome).toBe("succeeded");
    expect(steps.filter(({ status }) => status !== "done")).toMatchObject([
      { name: "preflight", status: "not checked", evidence: expect.stringMatching(/has no preflight of commit/) },
    ]);
    expect(steps.map(({ name }) => name)).toEqual([
      ...["time", "preflight", "the deployment in force", "migrations", "back up the database", "migrate", "upload"],
      ...["deploy 0 %", "the version answers", "smoke tests at 0 %"],
      ...["deploy 10 %", "watch 4 s at 10 %", "smoke tests at 10 %"],
      ...["deploy 50 %", "watch 4 s at 50 %", "smoke tests at 50 %"],
      ...["deploy 100 %", "watch 11 s at 100 %", "smoke tests at 100 %", "tell the team"],
    ]);
    const after = await rehearsal.versionInForce();
    expect(after).not.toBe(before);
    expect(seen.failures).toEqual([]);
    expect(Object.keys(seen.versions).sort()).toEqual([before, after].sort());
    expect(seen.last).toBe(after);
    const log = (await rehearsal.logs("-deploy.md")).at(-1) ?? "";
    expect(log).toContain("**Deployed By**: the rehearsal");
    expect(boxesOf(log)).toEqual([
      expect.stringMatching(/^ \[ \] Tests passed: no preflight of this commit and environment$/),
      expect.stringMatching(/^ \[x\] Database backed up: .*, restored and compared$/),
      expect.stringMatching(/^ \[ \] Configuration verified: no preflight of this commit and environment$/),
      ` [x] Application deployed: version ${after}`,
      // Seconds are no minutes: a rehearsal ticks nothing that has to hold for a while.
      expect.stringMatching(
        /^ \[ \] Health checks passing: (\d+) of \1 passed in \d+ s that stand for 10 minutes at 10 %; /,
      ),
      expect.stringMatching(/^ \[x\] Smoke tests passed: \d+ checks passed on version \S+$/),
      " [ ] Monitoring verified: not looked at by deploy: npm run runbook -- monitoring",
      expect.stringMatching(
        /^ \[ \] No errors detected: 0 of \d+ requests failed in .* that stand for 30 minutes at 100 %$/,
      ),
      expect.stringMatching(/^ \[ \] Performance normal: p95 \d+ ms in /),
    ]);
    expect(log).toContain("rehearsal: --time-scale 0.006, every window is that much shorter than the runbook's");
    expect(log).toContain("### Rollback Required\n- No\n");
    expect(rehearsal.announcements().at(-1)).toMatch(/^Deployment of v\S+ to production succeeded/);
    expect(await rehearsal.secretsIn(run.stdout + run.stderr + log)).toEqual([]);
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
    expect(monitoring.stdout).toMatch(/✓ wrangler tail: the line of request \S+ was seen/);
    expect(seen).toContainEqual(expect.stringMatching(/^POST \/api\/7\/envelope\/ .*Test event of npm run runbook/s));
    expect(blind.code).toBe(1);
    expect(blind.stderr).toBe("3 checks failed: dashboard queries, alert rules, Sentry\n");
  });

  it("loads the path to the database and reports its connections", async () => {
    const soak = await rehearsal.runbook(["soak", "--minutes", "1", "--time-scale", "0.1"]);
    expect(soak.code, soak.stderr).toBe(0);
    expect(soak.stdout).toMatch(
      /✓ soak for 6 s: 90 requests, 0 errors, p95 \d+ ms from here, at most \d+ of 100 connections/,
    );
  });

  it("ticks the boxes of configuration, database and edge that can be ticked here, and no other", async () => {
    const config = await rehearsal.configWith((toml) => toml.replaceAll("yourdomain.com", "tasks.example"));
    const preflight = await rehearsal.runbook([
      "preflight",
      "--only",
      "configuration,database,edge",
      "--json",
      "--config",
      config,
    ]);
    const { steps } = outcomeSchema.parse(JSON.parse(preflight.stdout));
    const failed = steps.filter(({ status }) => status !== "done" && status !== "person").map(({ name }) => name);

    // No real key, no Sentry, no pooler, no TLS before the stand-in, and other origins than those deployed.
    expect(failed).toEqual([
      ...["model", "error tracking", "database URL", "database connection", "backup"],
      ...["certificate", "HTTPS redirect", "CORS"],
    ]);
    expect(steps.find(({ name }) => name === "indexes")?.evidence).toMatch(/^(\d+) of \1 are there and valid$/);
    expect(preflight.code).toBe(1);
  });

  it("goes back by hand, and says what it would do first", async () => {
    const before = await rehearsal.versionInForce();
    // As if the release had applied it: a release that applied none has nothing to roll back.
    const newest = await newestMigration();
    const applied = await rehearsal.pretendToHaveApplied(before, [newest]);
    const dryRun = await rehearsal.runbook(["rollback", "--reason", "a rehearsal", "--database", "--dry-run"]);
    expect(dryRun.code, dryRun.stderr).toBe(0);
    expect(dryRun.stdout).toContain(`· rollback: mcp-task-server-production: ${before} → `);
    expect(await rehearsal.versionInForce()).toBe(before);

    const run = await rehearsal.runbook(["rollback", "--reason", "a rehearsal", "--database", "--json"]);
    expect(run.code, run.stderr).toBe(0);
    expect(applied).toEqual([]);
    const { steps } = outcomeSchema.parse(JSON.parse(run.stdout));
    expect(steps.map(({ name }) => name)).toEqual([
      ...["the versions", "wrangler rollback", "back up the database", "roll the migrations back"],
      ...["verify the rollback", "tell the team"],
    ]);
    expect(steps[3]?.evidence).toBe(`rolled back ${newest}`);
    expect(await rehearsal.versionInForce()).not.toBe(before);
    expect((await rehearsal.logs("-incident.md")).at(-1)).toContain("**What happened**: a rehearsal");
    expect(rehearsal.announcements().at(-1)).toBe("Deployment rolled back: production, due to a rehearsal");

    rehearsal.cutDatabase(true);
    const unverified = await rehearsal.runbook(["rollback", "--to", before, "--reason", "again", ...SCALE]);
    rehearsal.cutDatabase(false);
    const doubt = "it is not verified: /health answered 503: database unreachable";
    expect(unverified.code, unverified.stdout).toBe(1);
    expect(unverified.stderr).toContain(`rolled back to ${before}; ${doubt} (`);
    expect(await rehearsal.versionInForce()).toBe(before);
    expect((await rehearsal.logs("-incident.md")).at(-1)).toContain(`rolled back to ${before}; ${doubt}`);
    expect(rehearsal.announcements().at(-1)).toBe(`Deployment rolled back, but ${doubt}: production, due to again`);
  });
});
