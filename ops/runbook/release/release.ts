import type { AcceptedChecks } from "../accepted-checks.ts";
import type { RunbookContext } from "../context.ts";
import { sleep, type TimeScale } from "../duration.ts";
import { MARKS, type Procedure, type StepResult } from "../procedure.ts";
import { RunbookError } from "../runbook-error.ts";
import { describeFailed, runSmoke } from "../smoke/smoke.ts";
import { criteria, describeFigures } from "../watch/criteria.ts";
import { watchVersion } from "../watch/watch.ts";
import type { Progress } from "./progress.ts";

/** How much of the traffic a new version gets, one stage after the other, and how long it is watched there. */
export const stages = [
  { percentage: 10, minutes: 10 },
  { percentage: 50, minutes: 10 },
  { percentage: 100, minutes: criteria.successMinutes },
] as const;

/** What the runbook sees to in a release, and how. */
export interface ReleaseOrder {
  readonly context: RunbookContext;
  readonly procedure: Procedure;
  readonly accepted: AcceptedChecks;
  readonly timeScale: TimeScale;
  /** Aborted when the operator or the machine wants the command to end. */
  readonly interruption: AbortSignal;
}

const OVERRIDE_WITHIN_MILLISECONDS = 60_000;

/** A step of a release: none begins once the release was interrupted. */
export async function releaseStep<Result>(
  { procedure, interruption }: ReleaseOrder,
  name: string,
  work: () => Promise<StepResult<Result>>,
): Promise<Result> {
  interruption.throwIfAborted();
  return procedure.step(name, work);
}

/** Waits until requests that ask for a version are answered by it: a deployment takes a moment to be everywhere. */
export async function awaitVersion(order: ReleaseOrder, versionId: string): Promise<void> {
  const { context, interruption } = order;
  await releaseStep(order, "the version answers", async () => {
    const deployment = context.deployment.ofVersion(versionId);
    const until = Date.now() + OVERRIDE_WITHIN_MILLISECONDS;
    for (;;) {
      const { status, text } = await deployment.send("/health");
      if (text.includes(versionId)) return { evidence: `${versionId}, health ${status}`, result: undefined };
      if (Date.now() > until) throw new RunbookError(`requests for version ${versionId} are not answered by it`);
      await sleep(1_000, interruption);
    }
  });
}

/**
 * Runs the smoke tests on one version.
 *
 * @param progress is told what was seen, however it ends
 * @throws RunbookError naming the checks that failed
 */
export async function smokeVersion(
  order: ReleaseOrder,
  versionId: string,
  name: string,
  progress: Pick<Progress, "smoke">,
): Promise<void> {
  const { context, procedure } = order;
  await releaseStep(order, name, async () => {
    const deployment = context.deployment.ofVersion(versionId);
    const results = await runSmoke(deployment, order.accepted, async (check, make) => {
      const result = await make();
      procedure.note(`${MARKS[result.status]} ${check}: ${result.evidence}`);
      return result;
    });
    const failed = results.filter(({ status }) => status === "failed");
    if (failed.length > 0) {
      const evidence = describeFailed(results);
      progress.smoke = { isTrue: false, evidence: `${failed.length} of ${results.length} failed: ${evidence}` };
      throw new RunbookError(`smoke tests failed: ${evidence}`);
    }
    const accepted = results.filter(({ status }) => status === "accepted").map(({ check }) => check);
    const but = accepted.length === 0 ? "" : `, accepted: ${accepted.join(", ")}`;
    const evidence = `${results.length - accepted.length} checks passed on version ${versionId}${but}`;
    progress.smoke = { isTrue: true, evidence };
    return { evidence, result: undefined };
  });
}

/**
 * Watches one version.
 *
 * @param progress is told what was measured, however it ends
 * @throws RunbookError with every reason why it is no success
 */
export async function watchStage(
  order: ReleaseOrder,
  versionId: string,
  stage: { readonly percentage: number; readonly minutes: number },
  { watched }: Pick<Progress, "watched">,
): Promise<void> {
  const { context, procedure, timeScale, interruption } = order;
  const place = watched.length;
  await releaseStep(order, `watch ${timeScale.describe(stage.minutes)} at ${stage.percentage} %`, async () => {
    const { failures, figures, healthChecks, ownRequests } = await watchVersion({
      deployment: context.deployment.ofVersion(versionId),
      versionId,
      metricsToken: context.settings.need("METRICS_TOKEN"),
      minutes: stage.minutes,
      timeScale,
      interruption,
      tell: (line) => procedure.note(line),
      onMeasured: (measured) => {
        watched[place] = { ...stage, timeScale, measured };
      },
    });
    if (failures.length > 0) throw new RunbookError(failures.join("; "));
    const evidence = `${describeFigures(figures)}, ${healthChecks} health checks passed, ${ownRequests} requests our own`;
    return { evidence, result: undefined };
  });
}
