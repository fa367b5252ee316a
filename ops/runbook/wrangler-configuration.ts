import { readFile } from "node:fs/promises";
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { RunbookError, reasonOf } from "./runbook-error.ts";
import type { EnvironmentName } from "./settings.ts";

const tableSchema = z.record(z.string(), z.unknown());

/**
 * Of the keys that a release goes by, those that an environment has from the top level where it does not set them. It never
 * has bindings and variables from there
 * (https://developers.cloudflare.com/workers/wrangler/configuration/#inheritable-keys).
 */
const inheritedSchema = z.object({
  migrations: z.unknown().default([]),
  triggers: z.unknown().default({}),
  observability: z.unknown().optional(),
});

/**
 * Reads an environment of the wrangler configuration as wrangler would; wrangler itself takes a second to load. What is
 * right here and wrong to wrangler is refused by the first command of wrangler's, with which every release begins.
 *
 * @param path of a file in TOML
 * @throws RunbookError where the file cannot be read, or has no such environment; it quotes nothing of the file
 */
export async function readWranglerEnvironment(environment: EnvironmentName, path: string): Promise<unknown> {
  // Another file may hold secrets, and is no configuration.
  if (!path.endsWith(".toml")) refuse(path, "it must be a .toml file");
  const text = await readFile(path, "utf8").catch((error: unknown) => refuse(path, reasonOf(error)));
  const file = parseToml(path, text);
  const environments = tableSchema.safeParse(file.env).data;
  const own = tableSchema.safeParse(environments?.[environment]).data;
  if (own === undefined) refuse(path, `it has no table [env.${environment}]`);
  const { name = own.name } = file;
  if (typeof name !== "string") refuse(path, "it has no name");
  const defaults = { name: `${name}-${environment}`, vars: {}, kv_namespaces: [] };
  return { ...defaults, ...inheritedSchema.parse(file), ...own };
}

/**
 * Has wrangler read a configuration.
 *
 * @throws wrangler's own words for what it does not take
 */
export async function checkByWrangler(environment: EnvironmentName, path: string): Promise<void> {
  const { WRANGLER_LOG } = process.env;
  // wrangler would tell of what it reads.
  process.env.WRANGLER_LOG = "none";
  try {
    const { unstable_readConfig: readConfig } = await import("wrangler");
    readConfig({ config: path, env: environment }, { hideWarnings: true });
  } finally {
    if (WRANGLER_LOG === undefined) delete process.env.WRANGLER_LOG;
    else process.env.WRANGLER_LOG = WRANGLER_LOG;
  }
}

function parseToml(path: string, text: string): z.output<typeof tableSchema> {
  try {
    return tableSchema.parse(parse(text));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The lines that it shows are left out.
    const [reason = ""] = error.message.split("\n", 1);
    return refuse(path, `line ${error.line}, column ${error.column}: ${reason}`);
  }
}

function refuse(path: string, reason: string): never {
  throw new RunbookError(`${path} cannot be read: ${reason}`);
}
