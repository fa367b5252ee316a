import { RunbookError, reasonOf } from "../runbook-error.ts";
import type { KeptVersion } from "../wrangler.ts";
import { backUpDatabase } from "./backup-step.ts";
import { concludeFailure, concludeSuccess } from "./conclusion.ts";
import { deployCronTriggers } from "./cron-triggers.ts";
import { applyMigrations } from "./database-steps.ts";
import { type DeployOrder, makePlan, type ReleasePlan } from "./plan.ts";
import { noProgress, type Progress } from "./progress.ts";
import { awaitVersion, releaseStep, smokeVersion, stages, watchStage } from "./release.ts";
import { writeReleaseRecord } from "./release-record.ts";
import { type DeployedSplit, newVersionIn } from "./rollback-target.ts";

/** What `--json` says of a release. */
export interface DeployResult {
  readonly version_id: string | undefined;
  readonly previous_version_id: string | undefined;
  readonly log: string;
}

/**
 * Releases the worker.
 *
 * @throws RolledBackError when it was rolled back, RunbookError when it did not begin, could not be rolled back, or has
 *   left something to a person
 */
export async function deploy(order: DeployOrder): Promise<DeployResult | undefined> {
  const plan = await makePlan(order);
  if (order.procedure.isDryRun) return undefined;
  const progress = noProgress();
  try {
    await release(order, plan, progress);
  } catch (error) {
    throw await concludeFailure(order, plan, progress, error);
  }
  const doubts = await deployCronTriggers(order);
  progress.issues.push(...doubts);
  const log = await concludeSuccess(order, plan, progress, doubts);
  if (doubts.length > 0)
    throw new RunbookError(`released, but a person is needed now, as ${doubts.join("; ")} (${log})`);
  return { version_id: progress.versionId, previous_version_id: plan.previous?.id, log };
}

async function release(order: DeployOrder, plan: ReleasePlan, progress: Progress): Promise<void> {
  const { context } = order;
  await backUp(order, progress);
  await releaseStep(order, "migrate", async () => {
    const names = await applyMigrations(context.settings);
    progress.migrations = names;
    await record(order, plan, progress);
    return { evidence: names.length === 0 ? "nothing to apply" : `applied ${names.join(", ")}`, result: undefined };
  });
  if (plan.atOnce === undefined && plan.previous !== undefined) {
    await releaseGradually(order, plan, plan.previous, progress);
  } else {
    await releaseAtOnce(order, plan, progress);
  }
}

async function backUp(order: DeployOrder, progress: Progress): Promise<void> {
  const { context, procedure, accepted, backupDirectory } = order;
  try {
    const evidence = await releaseStep(order, "back up the database", async () => {
      const kept = await backUpDatabase(context.settings, backupDirectory);
      return { evidence: kept, result: kept };
    });
    progress.backup = { isTrue: true, evidence };
  } catch (error) {
    const reason = accepted.reasonFor("backup");
    progress.backup = {
      isTrue: false,
      evidence: `${reason === undefined ? "" : `accepted, ${reason}: `}${reasonOf(error)}`,
    };
    if (reason === undefined) throw error;
    procedure.record("back up the database", "accepted", `${reason}: ${reasonOf(error)}`);
  }
}

async function releaseGradually(
  order: DeployOrder,
  plan: ReleasePlan,
  previous: KeptVersion,
  progress: Progress,
): Promise<void> {
  const { revision } = plan;
  const { wrangler } = order.context;
  const message = `${revision.version} ${revision.commit}`;
  const versionId = await releaseStep(order, "upload", async () => {
    const { id, gzipBytes, startupMilliseconds } = await wrangler.uploadVersion(revision.version, message);
    const evidence = `version ${id}, ${Math.round(gzipBytes / 1024)} KiB gzip, starts in ${startupMilliseconds ?? "?"} ms`;
    return { evidence, result: id };
  });
  progress.versionId = versionId;
  await record(order, plan, progress);
  for (const { percentage, minutes } of [{ percentage: 0, minutes: 0 }, ...stages]) {
    await releaseStep(order, `deploy ${percentage} %`, () =>
      deployStep(order, plan, progress, `gets ${percentage} % of the traffic`, async () => {
        const rest = percentage === 100 ? {} : { [previous.id]: 100 - percentage };
        await wrangler.deployVersions({ [versionId]: percentage, ...rest }, `${message} ${percentage} %`);
        return versionId;
      }),
    );
    if (percentage === 0) await awaitVersion(order, versionId);
    else await watchStage(order, versionId, { percentage, minutes }, progress);
    await smokeVersion(order, versionId, `smoke tests at ${percentage} %`, progress);
  }
}

async function releaseAtOnce(order: DeployOrder, plan: ReleasePlan, progress: Progress): Promise<void> {
  const { atOnce, revision } = plan;
  const versionId = await releaseStep(order, "deploy at once", () =>
    deployStep(order, plan, progress, `has all the traffic; ${atOnce}`, async () => {
      const message = `${revision.version} ${revision.commit}`;
      return (await order.context.wrangler.deployAtOnce(revision.version, message)).id;
    }),
  );
  await record(order, plan, progress);
  await awaitVersion(order, versionId);
  await smokeVersion(order, versionId, "smoke tests", progress);
  await watchStage(order, versionId, stages[stages.length - 1] ?? { percentage: 100, minutes: 30 }, progress);
}

/** Keeps what a rollback has to know, as soon as it is known. */
async function record({ context, procedure, logDirectory }: DeployOrder, plan: ReleasePlan, progress: Progress) {
  const { environment } = context.target;
  const { versionId = null, migrations } = progress;
  const release = { environment, commit: plan.revision.commit, version_id: versionId, migrations: [...migrations] };
  await writeReleaseRecord(logDirectory, release, procedure);
}

/**
 * Deploys, and does not take a failure's word for it that nothing was deployed: wrangler can fail at what it does after
 * Cloudflare has moved the traffic, such as the domains. What is in force decides.
 */
async function deployStep(
  { context }: DeployOrder,
  { inForceId }: ReleasePlan,
  progress: Progress,
  how: string,
  work: () => Promise<string>,
): Promise<{ evidence: string; result: string }> {
  try {
    const id = await work();
    Object.assign(progress, { versionId: id, deployed: true });
    return { evidence: `version ${id} ${how}`, result: id };
  } catch (error) {
    if (progress.deployed) throw error;
    let inForce: DeployedSplit | undefined;
    try {
      inForce = await context.wrangler.currentDeployment();
    } catch (unanswered) {
      // Rolling back what was not deployed does no harm, leaving what was does.
      progress.deployed = true;
      throw new RunbookError(`${reasonOf(error)}; whether it was deployed is not known: ${reasonOf(unanswered)}`);
    }
    const id = newVersionIn(inForce, inForceId);
    if (id === undefined) throw error;
    Object.assign(progress, { versionId: id, deployed: true });
    progress.issues.push(reasonOf(error));
    return { evidence: `version ${id} ${how}, although wrangler failed: ${reasonOf(error)}`, result: id };
  }
}
