import { RunbookError, reasonOf, TakenBackError } from "../runbook-error.ts";
import { announceStep } from "./announce.ts";
import { type DeploymentLog, writeDeploymentLog, writeIncident } from "./deployment-log.ts";
import type { DeployOrder, ReleasePlan } from "./plan.ts";
import type { Progress } from "./progress.ts";
import { moveBack, refuseToCrossMigration, rollbackAnnouncement, verifyRollback } from "./rollback.ts";

/** What became of taking a release back: whether the traffic has moved, and what is not as it should be. */
export type TakingBack =
  | { readonly moved: true; readonly doubts: readonly string[] }
  | { readonly moved: false; readonly reason: string };

/** Tells the team of a release that succeeded, and writes its log. @returns the log's path */
export async function concludeSuccess(order: DeployOrder, plan: ReleasePlan, progress: Progress): Promise<string> {
  const { environment } = order.context.target;
  await announceStep(
    order.context.settings,
    order.procedure,
    `Deployment of ${plan.revision.version} to ${environment} succeeded (${progress.versionId})`,
  );
  return writeLog(order, plan, progress, undefined);
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
    const log = await writeLog(order, plan, progress, reason);
    return new RunbookError(`not released: ${reason} (${log})`);
  }
  const { response, announcement, takenBack } = describeTakingBack(await takeBack(order, plan, reason));
  const version = `${plan.revision.version} (${progress.versionId ?? "a version that is not known"})`;
  const incident = await writeIncident(order.logDirectory, { environment, version, reason, response }, procedure);
  await announceStep(context.settings, procedure, `${announcement}: ${environment}, ${version}, due to ${reason}`);
  const log = await writeLog(order, plan, progress, reason, response);
  const message = `${response}: ${reason} (${log}, ${incident})`;
  return takenBack ? new TakenBackError(message) : new RunbookError(message);
}

/** What is said of taking a release back. Once the traffic has moved it is taken back, proven or not. */
export function describeTakingBack(outcome: TakingBack): {
  takenBack: boolean;
  response: string;
  announcement: string;
} {
  if (!outcome.moved) {
    return {
      takenBack: false,
      response: `the release stays and needs a person now, as ${outcome.reason}`,
      announcement: "Deployment FAILED and is NOT rolled back",
    };
  }
  const doubts = outcome.doubts.length === 0 ? "" : `, but a person is needed now, as ${outcome.doubts.join("; ")}`;
  return {
    takenBack: true,
    response: `the release was taken back${doubts}`,
    announcement: rollbackAnnouncement(outcome.doubts),
  };
}

async function takeBack(order: DeployOrder, { previous }: ReleasePlan, reason: string): Promise<TakingBack> {
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

async function writeLog(
  { context, procedure, timeScale, logDirectory }: DeployOrder,
  { revision, preflight }: ReleasePlan,
  progress: Progress,
  failure: string | undefined,
  note?: string,
): Promise<string> {
  const log: DeploymentLog = {
    version: revision.version,
    environment: context.target.environment,
    deployedBy: revision.releasedBy,
    issues: [...progress.issues, ...(failure === undefined ? [] : [failure])],
    takenBack: failure !== undefined && progress.deployed ? failure : undefined,
    notes: [
      `worker ${context.target.scriptName}, version ${progress.versionId ?? "none"}, commit ${revision.commit}`,
      `preflight: tests ${preflight.tests ?? "not checked"}, configuration ${preflight.configuration ?? "not checked"}`,
      ...(timeScale.remark === undefined ? [] : [timeScale.remark]),
      ...(note === undefined ? [] : [note]),
    ],
    boxes: {
      tests: preflight.tests !== undefined,
      backup: progress.backedUp,
      configuration: preflight.configuration !== undefined,
      deployed: progress.deployed,
      health: progress.watched,
      smoke: progress.smokePassed && failure === undefined,
      monitoring: progress.watched,
      noErrors: progress.watched,
      performance: progress.watched,
    },
  };
  return writeDeploymentLog(logDirectory, log, procedure);
}
