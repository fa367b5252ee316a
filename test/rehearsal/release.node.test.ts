import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { type Rehearsal, startRehearsal } from "../support/rehearsal.ts";
import { watchAnswers } from "../support/watch-answers.ts";

// The real wrangler, the real bundle in workerd, a real PostgreSQL; only Cloudflare is a stand-in on loopback.

const SCALE = ["--time-scale", "0.004"];
const outcomeSchema = z.object({
  outcome: z.string(),
  steps: z.array(z.object({ name: z.string(), status: z.string(), evidence: z.string() })),
});

describe.skipIf(inject("clusterUrl") === undefined)("releases", { timeout: 300_000 }, () => {
  let rehearsal: Rehearsal;
  const versionInForce = async () => {
    const health = await (await fetch(`${rehearsal.url}/health`)).json();
    return z.object({ version: z.string() }).parse(health).version;
  };

  beforeAll(async () => {
    rehearsal = await startRehearsal();
  }, 60_000);
  afterAll(() => rehearsal.close());

  it("sets up secrets and releases the first version at once", async () => {
    const setup = await rehearsal.runbook(["setup"]);
    expect(setup).toMatchObject({ code: 0, stderr: "" });
    expect(setup.stdout).toContain("given: DATABASE_URL, OPENAI_API_KEY; generated: JWT_SECRET, METRICS_TOKEN");
    expect(await rehearsal.secretsIn(setup.stdout)).toEqual([]);

    const first = await rehearsal.runbook(["deploy", ...SCALE]);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("at once: Durable Object migration none →");
  });

  it("brings a good release to 100 %, and no request of anybody fails on the way", async () => {
    const before = await versionInForce();
    const answers = watchAnswers(`${rehearsal.url}/health`);
    const run = await rehearsal.runbook(["deploy", "--json", ...SCALE]);
    const seen = await answers.end();

    expect(run.code, run.stderr).toBe(0);
    const { outcome, steps } = outcomeSchema.parse(JSON.parse(run.stdout));
    expect(outcome).toBe("succeeded");
    expect(steps.filter(({ status }) => status !== "done")).toEqual([]);
    expect(steps.map(({ name }) => name)).toEqual([
      ...["time", "the deployment in force", "migrations", "back up the database", "migrate", "upload"],
      ...["deploy 0 %", "the version answers", "smoke tests at 0 %"],
      ...["deploy 10 %", "watch 10 minutes at 10 %", "smoke tests at 10 %"],
      ...["deploy 50 %", "watch 10 minutes at 50 %", "smoke tests at 50 %"],
      ...["deploy 100 %", "watch 30 minutes at 100 %", "smoke tests at 100 %", "tell the team"],
    ]);
    const after = await versionInForce();
    expect(after).not.toBe(before);
    expect(seen.failures).toEqual([]);
    expect(Object.keys(seen.versions).sort()).toEqual([before, after].sort());
    expect(seen.last).toBe(after);
    const log = (await rehearsal.logs("-deploy.md")).at(-1) ?? "";
    expect(log).toContain("- [x] Smoke tests passed");
    expect(log).toContain("rehearsal: --time-scale 0.004, every window is that much shorter than the runbook's");
    expect(log).toContain("### Rollback Required\n- No\n");
    expect(rehearsal.announcements.at(-1)).toMatch(/^Deployment of v\S+ to production succeeded/);
    expect(await rehearsal.secretsIn(run.stdout + run.stderr + log)).toEqual([]);
  });

  it.each([
    ["errors", /error rate 5\.\d\d % > 5\.00 % \(\d+ of \d+ requests\)/],
    ["slow", /p95 9\d\d ms, not < 500 ms/],
    ["health", /health checks failing for more than 2 minutes: \/health answered 503/],
  ])("takes a release back by itself that was built with a fault: %s", async (fault, reason) => {
    const before = await versionInForce();
    const config = await rehearsal.configWith((toml) =>
      toml.replace("src/worker.ts", `test/support/faults/${fault}.ts`),
    );
    const run = await rehearsal.runbook(["deploy", "--config", config, ...SCALE]);

    expect(run.code, run.stdout).toBe(3);
    expect(run.stderr).toMatch(/^the release was taken back: /);
    expect(run.stderr).toMatch(reason);
    expect(await versionInForce()).toBe(before);
    const log = (await rehearsal.logs("-deploy.md")).at(-1) ?? "";
    expect(log).toMatch(/### Rollback Required\n- Yes - /);
    expect(log).toMatch(reason);
    expect(log).toContain("| wrangler rollback | done |");
    expect(log).toContain("| verify the rollback | done |");
    expect((await rehearsal.logs("-incident.md")).at(-1)).toMatch(reason);
    expect(rehearsal.announcements.at(-1)).toMatch(/^Deployment rolled back: production, .* due to /);
  });
});
