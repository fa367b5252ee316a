import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { isLongRun } from "../support/long-run.ts";
import {
  boxesOf,
  newestMigration,
  outcomeSchema,
  type Rehearsal,
  SCALE,
  startFirstRelease,
} from "../support/rehearsal.ts";
import { watchAnswers } from "../support/watch-answers.ts";

// The real wrangler, the real bundle in workerd, a real PostgreSQL; only Cloudflare is a stand-in on loopback.

describe.skipIf(!isLongRun || inject("clusterUrl") === undefined)("releases, with CI=true", () => {
  let rehearsal: Rehearsal;
  beforeAll(async () => {
    rehearsal = await startFirstRelease();
  });
  afterAll(() => rehearsal.close());

  it("brings a good release to 100 %, and no request of anybody fails on the way", async () => {
    const before = await rehearsal.versionInForce();
    const worker = rehearsal.cloudflare.script("mcp-task-server-production");
    // As if the version before had no schedule, and was released without cron triggers.
    const crons = worker?.crons;
    if (worker !== undefined) worker.crons = [];
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
      ...["time", "preflight", "the deployment in force", "migrations", "cron triggers"],
      ...["back up the database", "migrate", "upload"],
      ...["deploy 0 %", "the version answers", "smoke tests at 0 %"],
      ...["deploy 10 %", "watch 4 s at 10 %", "smoke tests at 10 %"],
      ...["deploy 50 %", "watch 4 s at 50 %", "smoke tests at 50 %"],
      ...["deploy 100 %", "watch 11 s at 100 %", "smoke tests at 100 %"],
      ...["cron triggers", "tell the team"],
    ]);
    expect(steps.filter(({ name }) => name === "cron triggers").map(({ evidence }) => evidence)).toEqual([
      expect.stringMatching(
        /^\*\/10 \* \* \* \* in the configuration, none at Cloudflare: wrangler triggers deploy once it has all the traffic/,
      ),
      "*/10 * * * *, by wrangler triggers deploy; before: none",
    ]);
    expect(worker?.crons).toEqual(["*/10 * * * *"]);
    expect(worker?.crons).toEqual(crons);
    const after = await rehearsal.versionInForce();
    expect(after).not.toBe(before);
    expect(seen.failures).toEqual([]);
    const answered = Object.values(seen.versions).reduce((sum, count) => sum + count, 0);
    expect(seen.unhealthy).toBeLessThan(answered / 20);
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
