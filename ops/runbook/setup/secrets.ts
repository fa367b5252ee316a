import { randomBytes } from "node:crypto";
import { appendFile, chmod } from "node:fs/promises";
import { describeVariables } from "../../../src/config.ts";
import { RunbookError } from "../runbook-error.ts";
import type { Settings } from "../settings.ts";

/** What is made here rather than given by somebody else. */
export const GENERATED: readonly string[] = ["JWT_SECRET", "TOKEN_SECRET", "BETTER_AUTH_SECRET", "METRICS_TOKEN"];
const SECRET_BYTES = 48;

/** What becomes of the secrets. The values are never shown. */
export interface SecretPlan {
  readonly upload: Readonly<Record<string, string>>;
  /** Those of them that were made just now. */
  readonly generated: Readonly<Record<string, string>>;
  /** At Cloudflare already, and not known here: they stay as they are. */
  readonly kept: readonly string[];
  /** Optional, and set nowhere. */
  readonly missing: readonly string[];
}

/**
 * Decides for each of the worker's secrets: what the operator has set goes up, what is set nowhere is made here.
 *
 * @param atCloudflare the names of those that are set there; undefined where there is no worker yet
 * @param deriveDatabaseUrl makes DATABASE_URL of the owner's URL; asked only where that is there and DATABASE_URL is not
 * @throws RunbookError naming one that the worker cannot do without and that cannot be made here
 */
export async function planSecrets(
  settings: Settings,
  atCloudflare: readonly string[] = [],
  deriveDatabaseUrl: () => Promise<string>,
): Promise<SecretPlan> {
  const plan = { upload: new Map<string, string>(), generated: new Map<string, string>() };
  const kept: string[] = [];
  const missing: string[] = [];
  for (const { name, isRequired } of describeVariables().filter(({ isSecret }) => isSecret)) {
    const value = settings.get(name);
    if (value !== undefined) plan.upload.set(name, value);
    else if (atCloudflare.includes(name)) kept.push(name);
    else if (GENERATED.includes(name)) plan.generated.set(name, randomBytes(SECRET_BYTES).toString("base64url"));
    else if (name === "DATABASE_URL" && settings.get("DATABASE_OWNER_URL") !== undefined) {
      plan.generated.set(name, await deriveDatabaseUrl());
    } else if (isRequired) throw new RunbookError(describeLack(name, settings));
    else missing.push(name);
  }
  const generated = Object.fromEntries(plan.generated);
  return { upload: { ...Object.fromEntries(plan.upload), ...generated }, generated, kept, missing };
}

function describeLack(name: string, { file }: Settings): string {
  const from = name === "DATABASE_URL" ? ", or DATABASE_OWNER_URL, of which it is made" : "";
  return `${name} is not set: put it into ${file.path}${from}`;
}

/** The plan by names alone; in a dry run as something that is yet to be done. */
export function describePlan({ upload, generated, kept, missing }: SecretPlan, isDryRun: boolean): string {
  const given = Object.keys(upload).filter((name) => !(name in generated));
  const parts = [
    ["given", given],
    [isDryRun ? "to generate" : "generated", Object.keys(generated)],
    ["kept as they are", kept],
    ["not set", missing],
  ] as const;
  return parts.flatMap(([what, names]) => (names.length === 0 ? [] : [`${what}: ${names.join(", ")}`])).join("; ");
}

/** Adds generated secrets to the operator's file: the runbook itself needs METRICS_TOKEN. */
export async function writeGenerated(path: string, generated: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(generated).map(([name, value]) => `${name}="${value}"\n`);
  await appendFile(path, `\n# Made by npm run runbook -- setup\n${lines.join("")}`, { mode: 0o600 });
  await chmod(path, 0o600);
}
