import { makeBackup, markVerified } from "../backup/backup.ts";
import { describeFingerprint } from "../backup/fingerprint.ts";
import { verifyBackup } from "../backup/restore.ts";
import { RunbookError, reasonOf, TakenBackError } from "../runbook-error.ts";
import type { KeptVersion } from "../wrangler.ts";
import { applyMigrations, pendingMigrations, readOwnerUrl, refuseDestructive } from "./database-steps.ts";
import { type DeploymentLog, writeDeploymentLog, writeIncident } from "./deployment-log.ts";
import { announceStep, awaitVersion, type ReleaseOrder, smokeVersion, stages, watchStage } from "./release.ts";
import { type Revision, readRevision } from "./revision.ts";
import { findRollbackPoint, refuseToCrossMigration, rollBackTo } from "./rollback.ts";

/** A whole release. */
export interface DeployOrder extends ReleaseOrder {
  readonly backupDirectory: string;
  readonly logDirectory: string;
}

/** What `--json` says of a release. */
export interface DeployResult {
  readonly version_id: string | undefined;
  readonly previous_version_id: string | undefined;
  readonly log: string;
}

/** How a release goes out: step by step, or at once where Cloudflare cannot split the traffic. */
interface ReleasePlan {
  readonly previous: KeptVersion | undefined;
  readonly atOnce: string | undefined;
  readonly revision: Revision;
}

/** What is known of a release when it ends, however it ends. */
interface Progress {
  versionId: string | undefined;
  backedUp: boolean;
  deployed: boolean;
  smokePassed: boolean;
  watched: boolean;
}

/**
 * Releases the worker.
 *
 * @throws TakenBackError when it was taken back, RunbookError when it did not begin or could not be taken back
 */
export async function deploy(order: DeployOrder): Promise<DeployResult | undefined> {
  const plan = await makePlan(order);
  if (order.procedure.isDryRun) return undefined;
  const progress = { versionId: undefined, backedUp: false, deployed: false, smokePassed: false, watched: false };
  try {
    await release(order, plan, progress);
  } catch (error) {
    throw await afterFailure(order, plan, progress, error);
  }
  const { environment } = order.context.target;
  await announceStep(
    order,
    `Deployment of ${plan.revision.version} to ${environment} succeeded (${progress.versionId})`,
  );
  const log = await writeLog(order, plan, progress, undefined);
  return { version_id: progress.versionId, previous_version_id: plan.previous?.id, log };
}

/** Looks at everything, changes nothing. */
async function makePlan(order: DeployOrder): Promise<ReleasePlan> {
  const { context, procedure, timeScale } = order;
  const { settings, target, wrangler } = context;
  if (timeScale.remark !== undefined) procedure.record("time", "done", timeScale.remark);
  const revision = await readRevision();
  // Asked for here, so that a release does not come to a halt half-way.
  settings.need("METRICS_TOKEN");
  const previous = await procedure.step("the deployment in force", async () => {
    const point = await findRollbackPoint(order);
    const evidence = point === undefined ? "none: this is the first release" : `version ${point.id}`;
    return { evidence, result: point };
  });
  const atOnce = reasonForAtOnce(previous, target.migrationTag);
  await procedure.step("migrations", async () => {
    return { evidence: refuseDestructive(await pendingMigrations(settings)), result: undefined };
  });
  if (procedure.isDryRun) {
    const how = atOnce ?? `0 % with smoke tests, then ${stages.map(({ percentage }) => `${percentage} %`).join(" → ")}`;
    procedure.record("release", "would do", `${target.scriptName} ${revision.version} (${revision.commit}): ${how}`);
    procedure.record(
      "wrangler",
      "would do",
      `as account ${settings.get("CLOUDFLARE_ACCOUNT_ID") ?? "of wrangler login"}, config ${wrangler.target.configPath}`,
    );
  }
  return { previous, atOnce, revision };
}

function reasonForAtOnce(previous: KeptVersion | undefined, migrationTag: string | undefined): string | undefined {
  if (previous === undefined) return "at once: there is no version to share the traffic with";
  if (previous.migrationTag === migrationTag) return undefined;
  return `at once: Durable Object migration ${previous.migrationTag ?? "none"} → ${migrationTag ?? "none"} cannot be rolled out gradually, nor back`;
}

async function release(order: DeployOrder, plan: ReleasePlan, progress: Progress): Promise<void> {
  const { context, procedure } = order;
  await backUp(order, progress);
  await procedure.step("migrate", async () => {
    const names = await applyMigrations(context.settings);
    return { evidence: names.length === 0 ? "nothing to apply" : `applied ${names.join(", ")}`, result: undefined };
  });
  if (plan.atOnce === undefined && plan.previous !== undefined) {
    await releaseGradually(order, plan, plan.previous, progress);
  } else {
    await releaseAtOnce(order, plan, progress);
  }
  progress.watched = true;
}

async function backUp(
  { context, procedure, accepted, backupDirectory }: DeployOrder,
  progress: Progress,
): Promise<void> {
  const work = async () => {
    const url = readOwnerUrl(context.settings);
    const backup = await makeBackup(url, backupDirectory);
    await verifyBackup(backup, url);
    await markVerified(backup);
    return {
      evidence: `${backup.path}, ${describeFingerprint(backup.manifest.tables)}, restored and compared`,
      result: undefined,
    };
  };
  await procedure.step("back up the database", work).then(
    () => {
      progress.backedUp = true;
    },
    (error: unknown) => {
      const reason = accepted.reasonFor("backup");
      if (reason === undefined) throw error;
      procedure.record("back up the database", "accepted", `${reason}: ${reasonOf(error)}`);
    },
  );
}

async function releaseGradually(
  order: DeployOrder,
  { revision }: ReleasePlan,
  previous: KeptVersion,
  progress: Progress,
): Promise<void> {
  const { procedure } = order;
  const { wrangler } = order.context;
  const message = `${revision.version} ${revision.commit}`;
  const versionId = await procedure.step("upload", async () => {
    const { id, gzipBytes, startupMilliseconds } = await wrangler.uploadVersion(revision.version, message);
    const evidence = `version ${id}, ${Math.round(gzipBytes / 1024)} KiB gzip, starts in ${startupMilliseconds ?? "?"} ms`;
    return { evidence, result: id };
  });
  progress.versionId = versionId;
  for (const { percentage, minutes } of [{ percentage: 0, minutes: 0 }, ...stages]) {
    await procedure.step(`deploy ${percentage} %`, async () => {
      const rest = percentage === 100 ? {} : { [previous.id]: 100 - percentage };
      await wrangler.deployVersions({ [versionId]: percentage, ...rest }, `${message} ${percentage} %`);
      return { evidence: `version ${versionId} gets ${percentage} % of the traffic`, result: undefined };
    });
    progress.deployed = true;
    if (percentage === 0) await awaitVersion(order, versionId);
    else await watchStage(order, versionId, { percentage, minutes });
    await smokeVersion(order, versionId, `smoke tests at ${percentage} %`);
    progress.smokePassed = true;
  }
}

async function releaseAtOnce(order: DeployOrder, { atOnce, revision }: ReleasePlan, progress: Progress): Promise<void> {
  const { context, procedure } = order;
  const versionId = await procedure.step("deploy at once", async () => {
    const message = `${revision.version} ${revision.commit}`;
    const { id } = await context.wrangler.deployAtOnce(revision.version, message);
    return { evidence: `version ${id} has all the traffic; ${atOnce}`, result: id };
  });
  progress.versionId = versionId;
  progress.deployed = true;
  await awaitVersion(order, versionId);
  await smokeVersion(order, versionId, "smoke tests");
  progress.smokePassed = true;
  await watchStage(order, versionId, stages[stages.length - 1] ?? { percentage: 100, minutes: 30 });
}

/** Takes a release back that was deployed, and writes down what happened. */
async function afterFailure(
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
  const outcome = await takeBack(order, plan, reason);
  const version = `${plan.revision.version} (${progress.versionId})`;
  const incident = await writeIncident(
    order.logDirectory,
    { environment, version, reason, response: outcome.response },
    procedure,
  );
  await announceStep(order, `${outcome.announcement}: ${environment}, ${version}, due to ${reason}`);
  const log = await writeLog(order, plan, progress, reason, outcome.takenBack ? undefined : outcome.response);
  const message = `${outcome.response}: ${reason} (${log}, ${incident})`;
  return outcome.takenBack ? new TakenBackError(message) : new RunbookError(message);
}

async function takeBack(
  order: DeployOrder,
  { previous }: ReleasePlan,
  reason: string,
): Promise<{ takenBack: boolean; response: string; announcement: string }> {
  try {
    if (previous === undefined)
      throw new RunbookError("there is no version to go back to: fix the fault and deploy again");
    refuseToCrossMigration(previous, order.context.target.migrationTag);
    await rollBackTo(order, previous, reason);
    return { takenBack: true, response: "the release was taken back", announcement: "Deployment rolled back" };
  } catch (error) {
    order.procedure.record("roll back", "failed", reasonOf(error));
    return {
      takenBack: false,
      response: `the release stays and needs a person now, as ${reasonOf(error)}`,
      announcement: "Deployment FAILED and is NOT rolled back",
    };
  }
}

async function writeLog(
  { context, procedure, timeScale, logDirectory }: DeployOrder,
  { revision }: ReleasePlan,
  progress: Progress,
  failure: string | undefined,
  note?: string,
): Promise<string> {
  const log: DeploymentLog = {
    version: revision.version,
    environment: context.target.environment,
    deployedBy: revision.releasedBy,
    issues: failure === undefined ? [] : [failure],
    takenBack: failure !== undefined && progress.deployed ? failure : undefined,
    notes: [
      `worker ${context.target.scriptName}, version ${progress.versionId ?? "none"}, commit ${revision.commit}`,
      ...(timeScale.remark === undefined ? [] : [timeScale.remark]),
      ...(note === undefined ? [] : [note]),
    ],
    boxes: {
      // The suite is run by preflight, whose log stands beside this one.
      tests: false,
      backup: progress.backedUp,
      configuration: progress.deployed,
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
