import { join } from "node:path";
import { z } from "zod";
import { RunbookError } from "./runbook-error.ts";
import { type EnvironmentName, projectDirectory } from "./settings.ts";
import { readWranglerEnvironment } from "./wrangler-configuration.ts";

/** What stands for an operator's domain until they have put theirs in its place. */
const PLACEHOLDER = "yourdomain.com";

/** A rate limiter of the configuration. */
export interface RateLimit {
  readonly name: string;
  readonly limit: number;
  /** In seconds. */
  readonly period: number;
}

/** What of the wrangler configuration a release goes by. */
export interface ReleaseTarget {
  readonly environment: EnvironmentName;
  readonly configPath: string;
  /** The worker's name at Cloudflare. */
  readonly scriptName: string;
  /** Where people reach it. */
  readonly baseUrl: string;
  readonly variables: Readonly<Record<string, string>>;
  /** The newest Durable Object migration; undefined where there is none. */
  readonly migrationTag: string | undefined;
  /** When Cloudflare runs the schedule; undefined where the configuration does not say. */
  readonly crons: readonly string[] | undefined;
  readonly kvBindings: readonly { readonly binding: string; readonly id: string | undefined }[];
  /** The rate limiters that are bound: so many requests in so many seconds. */
  readonly rateLimits: readonly RateLimit[];
  /** Whether Cloudflare keeps the worker's logs. */
  readonly isObserved: boolean;
  /** Whether those logs leave out the query of an address, where secrets may stand. */
  readonly hidesQueries: boolean;
}

const configSchema = z.object({
  name: z.string(),
  vars: z.record(z.string(), z.unknown()),
  migrations: z.array(z.object({ tag: z.string() })),
  triggers: z.object({ crons: z.array(z.string()).optional() }),
  kv_namespaces: z.array(z.object({ binding: z.string(), id: z.string().optional() })),
  ratelimits: z
    .array(z.object({ name: z.string(), simple: z.object({ limit: z.number(), period: z.number() }) }))
    .default([]),
  observability: z.object({ enabled: z.boolean().optional(), redact_query_string: z.boolean().optional() }).optional(),
});

/**
 * Reads an environment of the wrangler configuration.
 *
 * @param configPath another one than the project's own
 * @throws RunbookError when it cannot be read
 */
export async function readReleaseTarget(environment: EnvironmentName, configPath?: string): Promise<ReleaseTarget> {
  const path = configPath ?? join(projectDirectory, "wrangler.toml");
  return toReleaseTarget(environment, path, await readWranglerEnvironment(environment, path));
}

/**
 * What a release goes by, of an environment as wrangler has it.
 *
 * @throws RunbookError where something is missing
 */
export function toReleaseTarget(environment: EnvironmentName, path: string, configured: unknown): ReleaseTarget {
  const config = configSchema.safeParse(configured);
  if (!config.success) throw new RunbookError(`${path} cannot be read: ${z.prettifyError(config.error)}`);
  const { name, vars, migrations, triggers, kv_namespaces: kvNamespaces, ratelimits, observability } = config.data;
  const variables = Object.fromEntries(
    Object.entries(vars).flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : [])),
  );
  const baseUrl = variables.BASE_URL;
  if (baseUrl === undefined) throw new RunbookError(`${path} sets no BASE_URL for ${environment}`);
  return {
    environment,
    configPath: path,
    scriptName: name,
    baseUrl,
    variables,
    migrationTag: migrations.at(-1)?.tag,
    crons: triggers.crons,
    kvBindings: kvNamespaces.map(({ binding, id }) => ({ binding, id })),
    rateLimits: ratelimits.map((limiter) => ({ name: limiter.name, ...limiter.simple })),
    isObserved: observability?.enabled === true,
    hidesQueries: observability?.redact_query_string === true,
  };
}

/** Whether a host or an origin is the example's. */
export function isPlaceholder(address: string): boolean {
  return address.includes(PLACEHOLDER);
}

/**
 * @param orElse another way out, where there is one
 * @throws RunbookError saying how to put another address in the example's place
 */
export function refusePlaceholder({ baseUrl, configPath, environment }: ReleaseTarget, orElse = ""): void {
  if (!isPlaceholder(baseUrl)) return;
  throw new RunbookError(
    `BASE_URL of ${environment} is still the example's, ${baseUrl}, in ${configPath}: give a domain of yours, npm run runbook -- setup --env ${environment} --domain api.example.com, or take the account's workers.dev address, --workers-dev${orElse}`,
  );
}
