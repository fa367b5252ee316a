import { z } from "zod";
import { askCloudflare } from "../cloudflare-api.ts";
import type { RunbookContext } from "../context.ts";
import type { ReleaseTarget } from "../release-target.ts";
import { RunbookError, reasonOf } from "../runbook-error.ts";
import type { KeptVersion } from "../wrangler.ts";
import { doubtOf } from "./doubt.ts";
import type { ReleaseOrder } from "./release.ts";

const STEP = "cron triggers";

const schedulesSchema = z.object({ schedules: z.array(z.object({ cron: z.string() })) });

/** What Cloudflare has of a worker's cron triggers, which are the worker's and not a version's, beside the configured ones. */
interface Comparison {
  readonly deployed: readonly string[];
  readonly isSame: boolean;
  readonly evidence: string;
}

async function compareWithCloudflare(
  { settings, wrangler, target }: RunbookContext,
  configured: readonly string[],
): Promise<Comparison> {
  const path = `/workers/scripts/${target.scriptName}/schedules`;
  const { schedules } = schedulesSchema.parse(await askCloudflare(settings, await wrangler.credentials(), path));
  const deployed = schedules.map(({ cron }) => cron);
  const isSame = JSON.stringify([...configured].sort()) === JSON.stringify([...deployed].sort());
  const evidence = isSame
    ? `${told(configured)}, as at Cloudflare`
    : `${told(configured)} in the configuration, ${told(deployed)} at Cloudflare`;
  return { deployed, isSame, evidence };
}

/** Says which cron triggers a release over a version will bring; one that goes at once brings them by itself. */
export async function planCronTriggers(
  { context, procedure }: Pick<ReleaseOrder, "context" | "procedure">,
  previous: KeptVersion | undefined,
): Promise<void> {
  const { crons } = context.target;
  if (crons === undefined || previous === undefined) {
    const evidence = crons === undefined ? "the configuration names none" : `${told(crons)}, with the first release`;
    procedure.record(STEP, "done", evidence);
    return;
  }
  try {
    const { isSame, evidence } = await procedure.waitFor(STEP, () => compareWithCloudflare(context, crons));
    const then =
      "wrangler triggers deploy once it has all the traffic, with the domains and routes of the configuration";
    procedure.record(STEP, "done", isSame ? evidence : `${evidence}: ${then}`);
  } catch (error) {
    procedure.record(STEP, "not checked", reasonOf(error));
  }
}

/**
 * Gives the worker the cron triggers of its configuration, where Cloudflare has others. The release stands, whatever
 * becomes of it.
 *
 * @returns what is left for a person; empty when all is well
 */
export async function deployCronTriggers({ context, procedure }: ReleaseOrder): Promise<readonly string[]> {
  const { target, wrangler } = context;
  const { crons } = target;
  if (crons === undefined) return [];
  return doubtOf(`the cron triggers are not deployed: run ${triggersCommand(target)}`, () =>
    procedure.step(STEP, async () => {
      const { deployed, isSame, evidence } = await compareWithCloudflare(context, crons);
      if (isSame) return { evidence, result: undefined };
      await wrangler.deployTriggers();
      return { evidence: `${told(crons)}, by wrangler triggers deploy; before: ${told(deployed)}`, result: undefined };
    }),
  );
}

/**
 * Makes sure that the worker's cron triggers are those of its configuration.
 *
 * @returns what was seen
 * @throws RunbookError saying what to run
 */
export async function checkCronTriggers(context: RunbookContext): Promise<string> {
  const { target } = context;
  if (target.crons === undefined) return "the configuration names none";
  const { isSame, evidence } = await compareWithCloudflare(context, target.crons);
  if (!isSame) throw new RunbookError(`${evidence}: run ${triggersCommand(target)}`);
  return evidence;
}

/**
 * Looks before a release whether the schedule of the version in force is run. Others than configured are brought by the release.
 *
 * @throws RunbookError saying what to run
 */
export async function checkScheduleRuns(context: RunbookContext): Promise<string> {
  const { target, wrangler } = context;
  if (target.crons === undefined) return "the configuration names none";
  const { deployed, isSame, evidence } = await compareWithCloudflare(context, target.crons);
  if (isSame) return evidence;
  if (deployed.length === 0) {
    for (const { version_id: id } of (await wrangler.currentDeployment())?.versions ?? []) {
      if (!(await wrangler.version(id)).hasSchedule) continue;
      throw new RunbookError(`nothing runs the schedule of version ${id}: run ${triggersCommand(target)}`);
    }
  }
  return `${evidence}, until a release brings them`;
}

/** What becomes of the cron after a rollback; undefined where all goes on. */
export function cronAfterRollback({ crons }: ReleaseTarget, to: KeptVersion): string | undefined {
  if (crons === undefined || crons.length === 0 || to.hasSchedule) return undefined;
  return `left as they are: version ${to.id} has no schedule, so each run (${told(crons)}) fails at Cloudflare with "Handler does not export a scheduled() function", and does no other harm, until a release has one again`;
}

function told(crons: readonly string[]): string {
  return crons.length === 0 ? "none" : crons.join(", ");
}

function triggersCommand({ environment, configPath }: ReleaseTarget): string {
  return `npx wrangler triggers deploy --env ${environment} --config ${configPath}`;
}
