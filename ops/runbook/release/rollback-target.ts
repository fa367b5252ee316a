import { RunbookError } from "../runbook-error.ts";

/** Which versions share the traffic since a moment. */
export interface DeployedSplit {
  readonly versions: readonly { readonly version_id: string; readonly percentage: number }[];
}

/** From which version to which a rollback goes. */
export interface RollbackWay {
  readonly from: string;
  readonly to: string;
}

const NAME_ONE = "name one with --to, or go forward";

/**
 * Chooses the version before: of a gradual deployment under way the one that had all the traffic when it began, else what
 * had all the traffic before the version in force had it for the first time. A version that was rolled back since is
 * not before it, so that a second rollback does not bring it back.
 *
 * @param deployments newest first
 * @throws RunbookError where there is no such version among them
 */
export function versionBefore(deployments: readonly DeployedSplit[]): RollbackWay {
  const [newest] = deployments;
  if (newest === undefined) throw new RunbookError("nothing is deployed");
  const whole = deployments.map(({ versions }) => (versions.length === 1 ? versions[0]?.version_id : undefined));
  const [current] = whole;
  if (current === undefined) return backFromSplit(newest, whole);
  const to = whole.slice(whole.lastIndexOf(current) + 1).find((id) => id !== undefined);
  if (to === undefined) {
    throw new RunbookError(`no version had all the traffic before ${current}, as far as wrangler tells: ${NAME_ONE}`);
  }
  return { from: current, to };
}

/** The way back to a named version. @throws RunbookError where nothing is deployed, or nothing else */
export function wayTo(to: string, deployments: readonly DeployedSplit[]): RollbackWay {
  const [newest] = deployments;
  if (newest === undefined) throw new RunbookError("nothing is deployed");
  const [from] = [...newest.versions]
    .filter(({ version_id }) => version_id !== to)
    .sort((a, b) => b.percentage - a.percentage);
  if (from === undefined) throw new RunbookError(`version ${to} has all the traffic already`);
  return { from: from.version_id, to };
}

function backFromSplit(newest: DeployedSplit, whole: readonly (string | undefined)[]): RollbackWay {
  const ids = newest.versions.map(({ version_id }) => version_id);
  const to = whole.find((id) => id !== undefined);
  const from = ids.find((id) => id !== to);
  if (to === undefined || from === undefined || !ids.includes(to)) {
    throw new RunbookError(`of ${ids.join(" and ")}, which share the traffic, none had all of it before: ${NAME_ONE}`);
  }
  return { from, to };
}

/** The version of a deployment that came to the one before it, or in its place; undefined where none did. */
export function newVersionIn(
  deployment: DeployedSplit | undefined,
  previousId: string | undefined,
): string | undefined {
  return deployment?.versions.find(({ version_id }) => version_id !== previousId)?.version_id;
}
