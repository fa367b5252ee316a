import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { isLongRun } from "../support/long-run.ts";
import { type Rehearsal, SCALE, startFirstRelease } from "../support/rehearsal.ts";

describe.skipIf(!isLongRun || inject("clusterUrl") === undefined)("releases with a fault, with CI=true", () => {
  let rehearsal: Rehearsal;

  beforeAll(async () => {
    rehearsal = await startFirstRelease();
  });
  afterAll(() => rehearsal.close());

  it.each([
    // 5.88 % of all that is sent; of the 100 to 130 requests after which it is judged, between 5 and 7 %.
    [
      "errors",
      /error rate [56]\.\d\d % > 5\.00 % \(\d+ of \d+ requests\)/,
      /^- \[ \] No errors detected: [1-9]\d* of \d+ requests failed/m,
    ],
    ["slow", /p95 \d{3,4} ms, not < 500 ms/, /^- \[ \] Performance normal: p95 \d{3,4} ms/m],
  ])("rolls a release back by itself that was built with a fault: %s", async (fault, reason, line) => {
    const before = await rehearsal.versionInForce();
    const config = await rehearsal.configWith({ entry: `test/support/faults/${fault}.ts` });
    const run = await rehearsal.runbook(["deploy", "--config", config, ...SCALE]);

    expect(run.code, run.stdout).toBe(3);
    expect(run.stderr).toMatch(/^the release was rolled back: /);
    expect(run.stderr).toMatch(reason);
    expect(await rehearsal.versionInForce()).toBe(before);
    const log = (await rehearsal.logs("-deploy.md")).at(-1) ?? "";
    expect(log).toMatch(/### Rollback Required\n- Yes - .*; the release was rolled back\n/);
    // What was true before the fault was found stays ticked.
    expect(log).toMatch(/^- \[x\] Database backed up: /m);
    expect(log).toMatch(/^- \[x\] Application deployed: version /m);
    expect(log).toMatch(/^- \[x\] Smoke tests passed: \d+ checks passed/m);
    expect(log).toMatch(line);
    expect(log).toMatch(reason);
    expect(log).toContain("| wrangler rollback | done |");
    expect(log).toContain("| verify the rollback | done |");
    expect((await rehearsal.logs("-incident.md")).at(-1)).toMatch(reason);
    expect(rehearsal.announcements().at(-1)).toMatch(/^Deployment rolled back: production, .* due to /);
  });
});
