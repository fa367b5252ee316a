import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { TimeScale } from "../../ops/runbook/duration.ts";
import { Procedure } from "../../ops/runbook/procedure.ts";
import { writeDeploymentLog } from "../../ops/runbook/release/deployment-log.ts";
import {
  judgeErrors,
  judgeHealth,
  judgePerformance,
  type Measured,
  type WatchedStage,
} from "../../ops/runbook/watch/watched-stage.ts";

const MINUTE = 60_000;
const figures = { requests: 500, errors: 0, errorRate: 0, p95: 40 };

function watched(measured: Partial<Measured> = {}, stage: Partial<WatchedStage> = {}): WatchedStage {
  const { minutes = 10, timeScale = new TimeScale(1) } = stage;
  const whole = { figures, healthChecks: 60, healthFailures: 0, milliseconds: timeScale.minutes(minutes) };
  return { percentage: 10, minutes, timeScale, ...stage, measured: { ...whole, ...measured } };
}

it("ticks each line by what was measured for it", () => {
  const stages = [watched(), watched({ healthChecks: 180 }, { percentage: 100, minutes: 30 })];
  expect(judgeHealth(stages)).toEqual({
    isTrue: true,
    evidence: "60 of 60 passed in 10 minutes at 10 %; 180 of 180 passed in 30 minutes at 100 %",
  });
  expect(judgeErrors(stages)).toMatchObject({ isTrue: true });
  expect(judgePerformance(stages)).toMatchObject({ isTrue: true });
});

it("ticks what was true of a release that failed for something else", () => {
  const slow = [watched(), watched({ figures: { ...figures, p95: 9_800 }, milliseconds: 4 * MINUTE })];
  expect(judgePerformance(slow)).toEqual({
    isTrue: false,
    evidence: "p95 40 ms in 10 minutes at 10 %; p95 9800 ms in 240 s of 10 minutes at 10 %",
  });
  expect(judgeHealth(slow).isTrue).toBe(true);
  expect(judgeErrors(slow).isTrue).toBe(true);

  const failing = [watched({ figures: { ...figures, errors: 1, errorRate: 0.002 }, healthFailures: 1 })];
  expect(judgeErrors(failing)).toEqual({
    isTrue: false,
    evidence: "1 of 500 requests failed in 10 minutes at 10 %",
  });
  expect(judgeHealth(failing)).toEqual({ isTrue: false, evidence: "59 of 60 passed in 10 minutes at 10 %" });
  expect(judgePerformance(failing).isTrue).toBe(true);
});

it("ticks nothing that was not measured, nor what a rehearsal measured for seconds in place of minutes", () => {
  const nothing = watched({ figures: { requests: 0, errors: 0, errorRate: 0, p95: undefined }, healthChecks: 0 });
  const rehearsed = watched({}, { minutes: 30, percentage: 100, timeScale: new TimeScale(0.006) });
  for (const judge of [judgeHealth, judgeErrors, judgePerformance]) {
    expect(judge([])).toEqual({ isTrue: false, evidence: "not watched" });
    expect(judge([nothing]).isTrue).toBe(false);
    expect(judge([rehearsed])).toEqual({
      isTrue: false,
      evidence: expect.stringMatching(/ in 11 s that stand for 30 minutes at 100 %$/),
    });
  }
});

it("says in each line of the log what was seen, ticked or not", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tasks-runbook-log-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const seen = (isTrue: boolean, evidence: string) => ({ isTrue, evidence });
  const path = await writeDeploymentLog(
    directory,
    {
      version: "v1.0.0",
      environment: "production",
      deployedBy: "Ada",
      issues: ["p95 9800 ms, not < 500 ms"],
      rollback: "No, there was no version before - p95 9800 ms",
      notes: [],
      boxes: {
        tests: seen(true, "deployments/a-preflight.json"),
        backup: seen(true, "backups/a"),
        configuration: seen(false, "no preflight"),
        deployed: seen(true, "version 1"),
        health: seen(true, "60 of 60 passed"),
        smoke: seen(true, "15 checks\npassed"),
        monitoring: seen(false, "not looked at"),
        noErrors: seen(true, "0 of 500 requests failed"),
        performance: seen(false, "p95 9800 ms"),
      },
    },
    new Procedure("deploy", { isDryRun: false, tell: () => undefined }),
  );
  const log = await readFile(path, "utf8");
  expect(log.split("\n").filter((line) => line.startsWith("- ["))).toEqual([
    "- [x] Tests passed: deployments/a-preflight.json",
    "- [x] Database backed up: backups/a",
    "- [ ] Configuration verified: no preflight",
    "- [x] Application deployed: version 1",
    "- [x] Health checks passing: 60 of 60 passed",
    "- [x] Smoke tests passed: 15 checks passed",
    "- [ ] Monitoring verified: not looked at",
    "- [x] No errors detected: 0 of 500 requests failed",
    "- [ ] Performance normal: p95 9800 ms",
  ]);
  expect(log).toContain("### Rollback Required\n- No, there was no version before - p95 9800 ms\n");
});
