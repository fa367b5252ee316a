import { RolledBackError, RunbookError, reasonOf } from "../runbook-error.ts";
import { judgeErrors, judgeHealth, judgePerformance } from "../watch/watched-stage.ts";
import { announceStep } from "./announce.ts";
import { type DeploymentLog, writeDeploymentLog, writeIncident } from "./deployment-log.ts";
import type { DeployOrder, ReleasePlan } from "./plan.ts";
import type { Progress, Seen } from "./progress.ts";
import { moveBack, refuseToCrossMigration, rollbackAnnouncement, verifyRollback } from "./rollback.ts";

/** What became of taking a release back: whether the traffic has moved, and what is not as it should be. */
export type RollbackOutcome =
  | { readonly moved: true; readonly doubts: readonly string[] }
  | { readonly moved: false; readonly reason: string };

/**
 * Tells the team of a release that succeeded, and writes its log.
 *
 * @param doubts what is left for a person
 * @returns the log's path
 */
export async function concludeSuccess(
  order: DeployOrder,
  plan: ReleasePlan,
  progress: Progress,
  doubts: readonly string[],
): Promise<string> {
  const { environment } = order.context.target;
  await announceStep(
    order.context.settings,
    order.procedure,
    `Deployment of ${plan.revision.version} to ${environment} succeeded (${progress.versionId})${doubts.map((doubt) => `, but ${doubt}`).join("")}`,
  );
  return writeLog(order, plan, progress, "No");
}

/** Takes a release back that was deployed, and writes down what happened. @returns what the command ends with */
export async function concludeFailure(
  order: DeployOrder,
  plan: ReleasePlan,
  progress: Progress,
  failure: unknown,
): Promise<RunbookError> {
  const { context, procedure } = order;
  const reason = reasonOf(failure);
  const { environment } = context.target;
  if (!progress.deployed) {
    const log = await writeLog(order, plan, progress, `No, nothing was deployed - ${reason}`, reason);
    return new RunbookError(`not released: ${reason} (${log})`);
  }
  const { response, announcement, isRolledBack } = describeRollback(await rollBackRelease(order, plan, reason));
  const rollback = `${rollbackNeed(plan, isRolledBack)} - ${reason}; ${response}`;
  const version = `${plan.revision.version} (${progress.versionId ?? "a version that is not known"})`;
  const incident = await writeIncident(order.logDirectory, { environment, version, reason, response }, procedure);
  await announceStep(context.settings, procedure, `${announcement}: ${environment}, ${version}, due to ${reason}`);
  const log = await writeLog(order, plan, progress, rollback, reason);
  const message = `${response}: ${reason} (${log}, ${incident})`;
  return isRolledBack ? new RolledBackError(message) : new RunbookError(message);
}

function rollbackNeed({ previous }: ReleasePlan, isRolledBack: boolean): string {
  if (isRolledBack) return "Yes";
  return previous === undefined ? "No, there was no version before" : "Yes, and NOT done";
}

/** What is said of rolling a release back. Once the traffic has moved it is rolled back, proven or not. */
export function describeRollback(outcome: RollbackOutcome): {
  isRolledBack: boolean;
  response: string;
  announcement: string;
} {
  if (!outcome.moved) {
    return {
      isRolledBack: false,
      response: `the release stays and needs a person now, as ${outcome.reason}`,
      announcement: "Deployment FAILED and is NOT rolled back",
    };
  }
  const doubts = outcome.doubts.length === 0 ? "" : `, but a person is needed now, as ${outcome.doubts.join("; ")}`;
  return {
    isRolledBack: true,
    response: `the release was rolled back${doubts}`,
    announcement: rollbackAnnouncement(outcome.doubts),
  };
}

async function rollBackRelease(
  order: DeployOrder,
  { previous }: ReleasePlan,
  reason: string,
): Promise<RollbackOutcome> {
  try {
    if (previous === undefined)
      throw new RunbookError("there is no version to go back to: fix the fault and deploy again");
    refuseToCrossMigration(previous, order.context.target.migrationTag);
    await moveBack(order, previous, reason);
  } catch (error) {
    order.procedure.record("roll back", "failed", reasonOf(error));
    return { moved: false, reason: reasonOf(error) };
  }
  return { moved: true, doubts: await verifyRollback(order, previous.id) };
}

/** @param rollback whether the release had to be rolled back, as the log says it */
async function writeLog(
  { context, procedure, timeScale, logDirectory }: DeployOrder,
  { revision, preflight }: ReleasePlan,
  progress: Progress,
  rollback: string,
  failure?: string,
): Promise<string> {
  const { versionId, watched } = progress;
  const log: DeploymentLog = {
    version: revision.version,
    environment: context.target.environment,
    deployedBy: revision.releasedBy,
    issues: [...progress.issues, ...(failure === undefined ? [] : [failure])],
    rollback,
    notes: [
      `worker ${context.target.scriptName}, version ${versionId ?? "none"}, commit ${revision.commit}`,
      ...(timeScale.remark === undefined ? [] : [timeScale.remark]),
    ],
    boxes: {
      tests: byPreflight(preflight.tests),
      backup: progress.backup,
      configuration: byPreflight(preflight.configuration),
      deployed: {
        isTrue: progress.deployed && versionId !== undefined,
        evidence: progress.deployed ? `version ${versionId ?? "not known"}` : "no",
      },
      health: judgeHealth(watched),
      smoke: progress.smoke,
      monitoring: { isTrue: false, evidence: "not looked at by deploy: npm run runbook -- monitoring" },
      noErrors: judgeErrors(watched),
      performance: judgePerformance(watched),
    },
  };
  return writeDeploymentLog(logDirectory, log, procedure);
}

function byPreflight(path: string | undefined): Seen {
  return path === undefined
    ? { isTrue: false, evidence: "no preflight of this commit and environment" }
    : { isTrue: true, evidence: path };
}
