import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { isLongRun } from "../support/long-run.ts";
import { boxesOf, newestMigration, type Rehearsal, SCALE, startFirstRelease } from "../support/rehearsal.ts";

describe.skipIf(!isLongRun || inject("clusterUrl") === undefined)(
  "releases that do not end as planned, with CI=true",
  () => {
    let rehearsal: Rehearsal;
    beforeAll(async () => {
      rehearsal = await startFirstRelease();
    });
    afterAll(() => rehearsal.close());

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
      const config = await rehearsal.configWith(
        (toml) =>
          `${toml.replace("src/worker.ts", "test/support/faults/health.ts")}\n[[migrations]]\ntag = "rehearsal"\n`,
      );
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
      expect(log).toContain("### Rollback Required\n- Yes, and NOT done - ");
      expect(boxesOf(log)).toContainEqual(expect.stringMatching(/^ \[x\] Smoke tests passed: /));
      expect(run.stdout).toContain("→ rehearsal cannot be rolled out gradually, nor back");
      expect(run.stderr).toContain("cannot be crossed. Go forward instead: git revert the fault");
      expect(rehearsal.announcements().at(-1)).toMatch(/^Deployment FAILED and is NOT rolled back/);
      const byHand = await rehearsal.runbook(["rollback", "--config", config, "--reason", "a rehearsal"]);
      expect(byHand.code).toBe(1);
      expect(byHand.stderr).toContain("cannot be crossed");
    });
  },
);
