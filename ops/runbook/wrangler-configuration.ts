import { readFile } from "node:fs/promises";
import { parse } from "smol-toml";
import { z } from "zod";
import { RunbookError, reasonOf } from "./runbook-error.ts";
import type { EnvironmentName } from "./settings.ts";

const tableSchema = z.record(z.string(), z.unknown());
const fileSchema = z.object({ name: z.string(), env: z.record(z.string(), tableSchema).default({}) });

/**
 * What wrangler's makers call inheritable keys, of those that a release goes by: an environment that does not say them
 * has the file's own. Bindings and variables are never inherited
 * (https://developers.cloudflare.com/workers/wrangler/configuration/#inheritable-keys).
 */
const inheritedSchema = z.object({
  migrations: z.unknown().default([]),
  triggers: z.unknown().default({}),
  observability: z.unknown().optional(),
});

/**
 * Reads an environment of the wrangler configuration as wrangler does, which takes a second to load.
 *
 * @throws RunbookError where the file cannot be read, or has no such environment
 */
export async function readEnvironment(environment: EnvironmentName, path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((error: unknown) => refuse(path, reasonOf(error)));
  const file = parseToml(path, text);
  const { name, env } = fileSchema.safeParse(file).data ?? refuse(path, "it says no name");
  const own = env[environment] ?? refuse(path, `it has no [env.${environment}]`);
  const suffixed = { name: `${name}-${environment}`, vars: {}, kv_namespaces: [] };
  return { ...suffixed, ...inheritedSchema.parse(file), ...own };
}

/**
 * Has wrangler read a configuration.
 *
 * @throws wrangler's own words for what it does not take
 */
export async function checkByWrangler(environment: EnvironmentName, config: string): Promise<void> {
  const { WRANGLER_LOG } = process.env;
  // wrangler would tell of what it reads.
  process.env.WRANGLER_LOG = "none";
  try {
    const { unstable_readConfig: readConfig } = await import("wrangler");
    readConfig({ config, env: environment }, { hideWarnings: true });
  } finally {
    if (WRANGLER_LOG === undefined) delete process.env.WRANGLER_LOG;
    else process.env.WRANGLER_LOG = WRANGLER_LOG;
  }
}

function parseToml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    return refuse(path, reasonOf(error));
  }
}

function refuse(path: string, reason: string): never {
  throw new RunbookError(`${path} cannot be read: ${reason}`);
}
