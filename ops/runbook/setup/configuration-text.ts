import { isPlaceholder, type ReleaseTarget } from "../release-target.ts";
import { RunbookError } from "../runbook-error.ts";

/** Where a worker is reached. */
export interface Address {
  readonly host: string;
  /** Whether it is Cloudflare's own name for the worker, and no domain of the account. */
  readonly isWorkersDev: boolean;
}

/** A text of wrangler's configuration, and the lines of it that are new. */
interface ChangedText {
  readonly text: string;
  readonly lines: readonly string[];
}

/**
 * The configuration with another address for an environment: the route or workers.dev, BASE_URL, and in CORS_ORIGINS that
 * of the address before, or the example's. All else stays as it is, comments too.
 *
 * @throws RunbookError where the text has no such section
 */
export function withAddress(
  toml: string,
  {
    environment,
    configPath,
    baseUrl,
    variables,
  }: Pick<ReleaseTarget, "environment" | "configPath" | "baseUrl" | "variables">,
  { host, isWorkersDev }: Address,
): ChangedText {
  const origin = `https://${host}`;
  const origins = (variables.CORS_ORIGINS ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part !== new URL(baseUrl).origin && !isPlaceholder(part));
  const route = `[{ pattern = ${JSON.stringify(host)}, custom_domain = true }]`;
  const section = `env.${environment}`;
  const wanted = [
    [section, "routes", isWorkersDev ? "[]" : route],
    [section, "workers_dev", String(isWorkersDev)],
    [`${section}.vars`, "BASE_URL", JSON.stringify(origin)],
    [`${section}.vars`, "CORS_ORIGINS", JSON.stringify([...new Set([origin, ...origins])].join(","))],
  ] as const;
  const lines: string[] = [];
  let text = toml;
  for (const [name, key, value] of wanted) {
    const changed = withValue(text, name, key, value);
    if (changed === undefined) {
      throw new RunbookError(`${configPath} has no [${name}]: set ${key} of ${environment} to ${value} by hand`);
    }
    if (changed !== text) lines.push(`${key} = ${value}`);
    text = changed;
  }
  return { text, lines };
}

/** Sets one key of a section, in its place or first of all; undefined where there is no such section. */
function withValue(toml: string, section: string, key: string, value: string): string | undefined {
  const header = new RegExp(`^\\[${section.replaceAll(".", "\\.")}\\][ \\t]*(?:#.*)?\\r?\\n`, "m").exec(toml);
  if (header === null) return undefined;
  const start = header.index + header[0].length;
  const next = /^\[\[?[\w.-]+\]\]?[ \t]*(?:#.*)?$/m.exec(toml.slice(start));
  const end = next === null ? toml.length : start + next.index;
  const body = toml.slice(start, end);
  // A text, a list of one line or more, or a word such as true.
  const entry = new RegExp(
    `^([ \\t]*${key}[ \\t]*=[ \\t]*)("(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*'|\\[[^\\]]*\\]|[^\\s#]+)`,
    "m",
  );
  const found = entry.exec(body);
  const changed =
    found === null
      ? `${key} = ${value}\n${body}`
      : `${body.slice(0, found.index)}${found[1]}${value}${body.slice(found.index + found[0].length)}`;
  return toml.slice(0, start) + changed + toml.slice(end);
}
