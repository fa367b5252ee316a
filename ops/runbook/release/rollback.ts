import type { RunbookContext } from "../context.ts";
import type { TimeScale } from "../duration.ts";
import type { Procedure } from "../procedure.ts";
import { RunbookError } from "../runbook-error.ts";
import type { KeptVersion } from "../wrangler.ts";
import { backUpDatabase } from "./backup-step.ts";
import { cronAfterRollback } from "./cron-triggers.ts";
import { rollBackMigrations } from "./database-steps.ts";
import { hasTheWorker } from "./deployed-worker.ts";
import { doubtOf } from "./doubt.ts";
import type { ReleaseOrder } from "./release.ts";
import type { DeployedSplit } from "./rollback-target.ts";
import { awaitServing } from "./serving.ts";

/** A deployment takes seconds to be everywhere. */
const VERIFIED_WITHIN_MINUTES = 1;
const VERIFIED_WITHIN_AT_LEAST = 5_000;
const VERIFIED_EVERY_MILLISECONDS = 1_000;

/**
 * Makes sure that no Durable Object migration lies between the version in force and the one to go back to: Cloudflare
 * refuses to cross one, as the old code would not know the new classes' objects.
 *
 * @throws RunbookError that says what to do instead
 */
export function refuseToCrossMigration(to: KeptVersion, currentTag: string | undefined): void {
  if (to.migrationTag === currentTag) return;
  throw new RunbookError(
    `a Durable Object migration (${to.migrationTag ?? "none"} → ${currentTag ?? "none"}) lies between version ${to.id} and the one in force, and cannot be crossed. ` +
      "Go forward instead: git revert the fault, keep the [[migrations]] and the classes they name, and run npm run runbook -- deploy",
  );
}

/**
 * Makes sure that a version chosen by itself is no newer one: Cloudflare remembers a few deployments only, and the
 * version in force may have been before them.
 *
 * @throws RunbookError
 */
export function refuseNewer(to: KeptVersion, current: KeptVersion): void {
  if (Date.parse(to.createdOn) < Date.parse(current.createdOn)) return;
  throw new RunbookError(`version ${to.id} is newer than ${current.id}, and was rolled back: name one with --to`);
}

/**
 * Gives all the traffic back to a version.
 *
 * @throws RunbookError when it has not moved
 */
export async function moveBack({ context, procedure }: RollbackOrder, to: KeptVersion, reason: string): Promise<void> {
  const { wrangler } = context;
  await procedure.step("wrangler rollback", async () => {
    try {
      await wrangler.rollback(to.id, reason);
    } catch (error) {
      // It can fail after Cloudflare has done what it was asked.
      if (!isAlone(await wrangler.currentDeployment().catch(() => undefined), to.id)) throw error;
    }
    return { evidence: `version ${to.id} has all the traffic again`, result: undefined };
  });
  const cron = cronAfterRollback(context.target, to);
  if (cron !== undefined) procedure.record("cron triggers", "done", cron);
}

/**
 * Looks whether people are served by the version that the traffic was given back to.
 *
 * @returns what is not as it should be; empty when all is well
 */
export async function verifyRollback(order: RollbackOrder, versionId: string): Promise<readonly string[]> {
  return doubtOf("it is not verified", () =>
    order.procedure.step("verify the rollback", async () => {
      const { wrangler, deployment } = order.context;
      if (!isAlone(await wrangler.currentDeployment(), versionId)) {
        throw new RunbookError(`the deployment in force is not version ${versionId} alone`);
      }
      // Asked without an override: it is what people get.
      const evidence = await awaitServing(() => deployment.health(), versionId, {
        every: VERIFIED_EVERY_MILLISECONDS,
        within: Math.max(VERIFIED_WITHIN_AT_LEAST, order.timeScale.minutes(VERIFIED_WITHIN_MINUTES)),
      });
      return { evidence, result: undefined };
    }),
  );
}

/** What the team is told first, once the traffic has moved. */
export function rollbackAnnouncement(doubts: readonly string[]): string {
  return doubts.length === 0 ? "Deployment rolled back" : `Deployment rolled back, but ${doubts.join("; ")}`;
}

/** Saves the database, and rolls back the migrations of the release that the traffic has left. */
export async function rollBackDatabase(
  { context, procedure }: RollbackOrder,
  migrations: readonly string[],
  backupDirectory: string,
): Promise<void> {
  if (migrations.length === 0) {
    procedure.record("the database", "done", "nothing to roll back: the release applied no migration");
    return;
  }
  await procedure.step("back up the database", async () => {
    return { evidence: await backUpDatabase(context.settings, backupDirectory), result: undefined };
  });
  await procedure.step("roll the migrations back", async () => {
    const taken = await rollBackMigrations(context.settings, migrations);
    const evidence = taken.length === 0 ? "none of them was applied any more" : `rolled back ${taken.join(", ")}`;
    return { evidence, result: undefined };
  });
}

/** What a rollback needs to know. */
export interface RollbackOrder {
  readonly context: RunbookContext;
  readonly procedure: Procedure;
  readonly timeScale: TimeScale;
}

function isAlone(deployment: DeployedSplit | undefined, versionId: string): boolean {
  const [only, ...others] = deployment?.versions ?? [];
  return others.length === 0 && only?.version_id === versionId && only.percentage === 100;
}

/** What has all the traffic when a release begins. */
export interface BeforeRelease {
  /** The version in force; undefined where there is none. */
  readonly inForceId: string | undefined;
  /** It again, where it is a version of this worker, which can be gone back to. */
  readonly point: KeptVersion | undefined;
}

/** Finds where a release could go back to, by the deployment in force. */
export async function findRollbackPoint({ context }: Pick<ReleaseOrder, "context">): Promise<BeforeRelease> {
  const deployment = await context.wrangler.currentDeployment();
  if (deployment === undefined) return { inForceId: undefined, point: undefined };
  const [only, ...others] = deployment.versions.filter(({ percentage }) => percentage > 0);
  if (only === undefined || others.length > 0) {
    throw new RunbookError(
      "a gradual deployment is under way: finish it, or roll it back with npm run runbook -- rollback, before another",
    );
  }
  const version = await context.wrangler.version(only.version_id);
  return { inForceId: version.id, point: hasTheWorker(version, context.target.migrationTag) ? version : undefined };
}
