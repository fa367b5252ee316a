import { resolve } from "node:path";
import { Deployment } from "./deployment.ts";
import { type ReleaseTarget, readReleaseTarget, refusePlaceholder } from "./release-target.ts";
import { UsageError } from "./runbook-error.ts";
import { readEnvironmentName, Settings } from "./settings.ts";
import { Wrangler } from "./wrangler.ts";

/** What every command starts from. */
export interface RunbookContext {
  readonly settings: Settings;
  readonly target: ReleaseTarget;
  readonly wrangler: Wrangler;
  readonly deployment: Deployment;
}

/** The values of the options that every command has. */
export interface CommonValues {
  readonly env?: string | undefined;
  readonly "env-file"?: string | undefined;
  readonly config?: string | undefined;
  readonly url?: string | undefined;
}

/** Looks at the values before anything is done. @throws UsageError */
export function checkCommonValues({ env, url }: CommonValues): void {
  readEnvironmentName(env);
  if (url !== undefined && !(URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) {
    throw new UsageError(`--url must be an http or https URL, not ${JSON.stringify(url)}`);
  }
}

/** Reads the settings and the wrangler configuration of the environment. */
export async function readContext(values: CommonValues): Promise<RunbookContext> {
  checkCommonValues(values);
  const environment = readEnvironmentName(values.env);
  const settings = await Settings.read(environment, values["env-file"]);
  settings.exportForWrangler();
  const target = await readReleaseTarget(environment, values.config === undefined ? undefined : resolve(values.config));
  const deployment = new Deployment(values.url ?? target.baseUrl, target.scriptName);
  return { settings, target, wrangler: new Wrangler(target), deployment };
}

/**
 * Reads the same for a command that asks the deployment itself: nobody answers it at the example's address.
 *
 * @throws RunbookError where that still stands there, and no other is given
 */
export async function readContextToAsk(values: CommonValues): Promise<RunbookContext> {
  const context = await readContext(values);
  if (values.url === undefined) refusePlaceholder(context.target, "; or say by --url where the server is");
  return context;
}
