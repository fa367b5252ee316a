import type { RunbookContext } from "../context.ts";
import type { Procedure } from "../procedure.ts";
import { RunbookError } from "../runbook-error.ts";
import type { KeptVersion } from "../wrangler.ts";
import { takeBackMigration } from "./database-steps.ts";
import type { ReleaseOrder } from "./release.ts";

const HEALTHY_TIMES = 3;

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
  throw new RunbookError(`version ${to.id} is newer than ${current.id}, and was taken back: name one with --to`);
}

/**
 * Gives all the traffic back to a version, and makes sure that it serves.
 *
 * @throws RunbookError when that is not possible, or it does not serve
 */
export async function rollBackTo(
  { context, procedure }: RollbackOrder,
  to: KeptVersion,
  reason: string,
): Promise<void> {
  await procedure.step("wrangler rollback", async () => {
    await context.wrangler.rollback(to.id, reason);
    return { evidence: `version ${to.id} has all the traffic again`, result: undefined };
  });
  await verifyRollback({ context, procedure }, to.id);
}

/** Takes the database one step back. */
export async function rollBackDatabase({ context, procedure }: RollbackOrder): Promise<void> {
  await procedure.step("database one step back", async () => {
    const taken = await takeBackMigration(context.settings);
    return {
      evidence: taken.length === 0 ? "nothing was applied" : `took back ${taken.join(", ")}`,
      result: undefined,
    };
  });
}

/** What a rollback needs to know. */
export interface RollbackOrder {
  readonly context: RunbookContext;
  readonly procedure: Procedure;
}

async function verifyRollback({ context, procedure }: RollbackOrder, versionId: string): Promise<void> {
  await procedure.step("verify the rollback", async () => {
    const deployment = await context.wrangler.currentDeployment();
    const split = deployment?.versions ?? [];
    if (split.length !== 1 || split[0]?.version_id !== versionId || split[0].percentage !== 100) {
      throw new RunbookError(`the deployment in force is not version ${versionId} alone`);
    }
    // Asked without an override: it is what people get.
    for (let time = 1; time <= HEALTHY_TIMES; time += 1) {
      const health = await context.deployment.health();
      if (health.version !== versionId) throw new RunbookError(`version ${health.version} still answers`);
    }
    return { evidence: `/health answered ${HEALTHY_TIMES} times in a row, version ${versionId}`, result: undefined };
  });
}

/** Where a release could go back to, as the deployment in force has it. */
export async function findRollbackPoint({ context }: Pick<ReleaseOrder, "context">): Promise<KeptVersion | undefined> {
  const deployment = await context.wrangler.currentDeployment();
  if (deployment === undefined) return undefined;
  const [only, ...others] = deployment.versions.filter(({ percentage }) => percentage > 0);
  if (only === undefined || others.length > 0) {
    throw new RunbookError(
      "a gradual deployment is under way: finish it, or take it back with npm run runbook -- rollback, before another",
    );
  }
  return context.wrangler.version(only.version_id);
}
