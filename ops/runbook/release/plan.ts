import { preflightOf, readPreflightResults } from "../preflight/preflight-result.ts";
import { refusePlaceholder } from "../release-target.ts";
import type { KeptVersion } from "../wrangler.ts";
import { planCronTriggers } from "./cron-triggers.ts";
import { pendingMigrations, refuseContractions } from "./database-steps.ts";
import { type ReleaseOrder, stages } from "./release.ts";
import { type Revision, readRevision } from "./revision.ts";
import { type BeforeRelease, findRollbackPoint } from "./rollback.ts";

/** A whole release. */
export interface DeployOrder extends ReleaseOrder {
  readonly backupDirectory: string;
  readonly logDirectory: string;
}

/** How a release goes out: step by step, or at once where Cloudflare cannot split the traffic. */
export interface ReleasePlan {
  readonly previous: KeptVersion | undefined;
  /** The version in force when the release began, which need not have the worker in it. */
  readonly inForceId: string | undefined;
  /** Why it goes at once; undefined for a gradual release. */
  readonly atOnce: string | undefined;
  readonly revision: Revision;
  readonly preflight: PreflightSeen;
}

/** The preflight that speaks for what is released; undefined where none does. */
interface PreflightSeen {
  readonly tests: string | undefined;
  readonly configuration: string | undefined;
}

/** Looks at everything, changes nothing. */
export async function makePlan(order: DeployOrder): Promise<ReleasePlan> {
  const { context, procedure, timeScale } = order;
  const { settings, target, wrangler } = context;
  refusePlaceholder(target);
  if (timeScale.remark !== undefined) procedure.record("time", "done", timeScale.remark);
  const revision = await readRevision(settings);
  const preflight = await findPreflight(order, revision.commit);
  // Asked for here, so that a release does not come to a halt half-way.
  settings.need("METRICS_TOKEN");
  const { inForceId, point: previous } = await procedure.step("the deployment in force", async () => {
    const before = await findRollbackPoint(order);
    return { evidence: describeBefore(before), result: before };
  });
  const atOnce = reasonForAtOnce(previous, target.migrationTag);
  await procedure.step("migrations", async () => {
    return {
      evidence: refuseContractions(await pendingMigrations(settings)),
      result: undefined,
    };
  });
  await planCronTriggers(order, previous);
  if (procedure.isDryRun) {
    const how = atOnce ?? `0 % with smoke tests, then ${stages.map(({ percentage }) => `${percentage} %`).join(" → ")}`;
    procedure.record("release", "would do", `${target.scriptName} ${revision.version} (${revision.commit}): ${how}`);
    procedure.record(
      "wrangler",
      "would do",
      `as account ${settings.get("CLOUDFLARE_ACCOUNT_ID") ?? "of wrangler login"}, config ${wrangler.target.configPath}`,
    );
  }
  return { previous, inForceId, atOnce, revision, preflight };
}

function describeBefore({ inForceId, point }: BeforeRelease): string {
  if (point !== undefined) return `version ${point.id}`;
  const without = inForceId === undefined ? "" : ` (version ${inForceId} has secrets, and no worker in it)`;
  return `none: this is the first release${without}`;
}

async function findPreflight(
  { context, procedure, logDirectory }: DeployOrder,
  commit: string,
): Promise<PreflightSeen> {
  const { environment } = context.target;
  const results = await readPreflightResults(logDirectory);
  const find = (group: string) => preflightOf(results, { environment, commit, group })?.path;
  const seen = { tests: find("code"), configuration: find("configuration") };
  const missing = [
    ...(seen.tests === undefined ? ["tests"] : []),
    ...(seen.configuration === undefined ? ["configuration"] : []),
  ];
  if (missing.length === 0) procedure.record("preflight", "done", [...new Set(Object.values(seen))].join(", "));
  else {
    const evidence = `${logDirectory} has no preflight of commit ${commit} for ${environment} that passed: ${missing.join(", ")}`;
    procedure.record("preflight", "not checked", evidence);
  }
  return seen;
}

function reasonForAtOnce(previous: KeptVersion | undefined, migrationTag: string | undefined): string | undefined {
  if (previous === undefined) return "at once: there is no version to share the traffic with";
  if (previous.migrationTag === migrationTag) return undefined;
  return `at once: Durable Object migration ${previous.migrationTag ?? "none"} → ${migrationTag ?? "none"} cannot be rolled out gradually, nor back`;
}
