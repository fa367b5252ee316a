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

/** A part of the text, without its header. */
interface Section {
  readonly start: number;
  readonly end: number;
}

type Configured = Pick<ReleaseTarget, "environment" | "configPath">;

/**
 * The configuration with another address for an environment: the route or workers.dev, BASE_URL, and in CORS_ORIGINS that
 * of the address before, or the example's. All else stays as it is, comments too.
 *
 * @throws RunbookError where the text has no such section
 */
export function withAddress(
  toml: string,
  { baseUrl, variables, ...configured }: Configured & Pick<ReleaseTarget, "baseUrl" | "variables">,
  { host, isWorkersDev }: Address,
): ChangedText {
  const origin = `https://${host}`;
  const origins = (variables.CORS_ORIGINS ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part !== new URL(baseUrl).origin && !isPlaceholder(part));
  const route = `[{ pattern = ${JSON.stringify(host)}, custom_domain = true }]`;
  const section = `env.${configured.environment}`;
  return withValues(toml, configured, [
    [section, "routes", isWorkersDev ? "[]" : route],
    [section, "workers_dev", String(isWorkersDev)],
    [`${section}.vars`, "BASE_URL", JSON.stringify(origin)],
    [`${section}.vars`, "CORS_ORIGINS", JSON.stringify([...new Set([origin, ...origins])].join(","))],
  ]);
}

/**
 * The configuration with other values of an environment's variables.
 *
 * @throws RunbookError where the text has no such section
 */
export function withVariables(
  toml: string,
  configured: Configured,
  variables: Readonly<Record<string, string>>,
): ChangedText {
  const wanted = Object.entries(variables).map(
    ([name, value]) => [`env.${configured.environment}.vars`, name, JSON.stringify(value)] as const,
  );
  return withValues(toml, configured, wanted);
}

/**
 * The configuration with the id of a KV namespace that an environment binds.
 *
 * @throws RunbookError where the text has no such table
 */
export function withNamespaceId(toml: string, configured: Configured, binding: string, id: string): string {
  const { environment, configPath } = configured;
  const header = `[[env.${environment}.kv_namespaces]]`;
  const bound = new RegExp(`^[ \\t]*binding[ \\t]*=[ \\t]*["']${binding}["']`, "m");
  const section = findSections(toml, header).find(({ start, end }) => bound.test(toml.slice(start, end)));
  const value = JSON.stringify(id);
  if (section === undefined) {
    throw new RunbookError(`${configPath} has no ${header} of ${binding}: set its id to ${value} by hand`);
  }
  const { start, end } = section;
  const body = toml.slice(start, end);
  const changed = withEntry(body, "id", value) ?? body.replace(new RegExp(`${bound.source}.*\\n?`, "m"), addLine);
  return toml.slice(0, start) + changed + toml.slice(end);

  function addLine(line: string): string {
    return `${line.replace(/\n$/, "")}\nid = ${value}\n`;
  }
}

function withValues(
  toml: string,
  { environment, configPath }: Configured,
  wanted: readonly (readonly [section: string, key: string, value: string])[],
): ChangedText {
  const lines: string[] = [];
  let text = toml;
  for (const [name, key, value] of wanted) {
    const changed = withValue(text, `[${name}]`, key, value);
    if (changed === undefined) {
      throw new RunbookError(`${configPath} has no [${name}]: set ${key} of ${environment} to ${value} by hand`);
    }
    if (changed !== text) lines.push(`${key} = ${value}`);
    text = changed;
  }
  return { text, lines };
}

/** Sets one key of a section, in its place or first of all; undefined where there is no such section. */
function withValue(toml: string, header: string, key: string, value: string): string | undefined {
  const [section] = findSections(toml, header);
  if (section === undefined) return undefined;
  const { start, end } = section;
  const body = toml.slice(start, end);
  return toml.slice(0, start) + (withEntry(body, key, value) ?? `${key} = ${value}\n${body}`) + toml.slice(end);
}

/** The body of a section with another value of a key; undefined where it has none. */
function withEntry(body: string, key: string, value: string): string | undefined {
  // A text, a list of one line or more, or a word such as true.
  const entry = new RegExp(
    `^([ \\t]*${key}[ \\t]*=[ \\t]*)("(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*'|\\[[^\\]]*\\]|[^\\s#]+)`,
    "m",
  );
  const found = entry.exec(body);
  if (found === null) return undefined;
  return `${body.slice(0, found.index)}${found[1]}${value}${body.slice(found.index + found[0].length)}`;
}

/** The sections with a header, of which a list of tables has several. */
function findSections(toml: string, header: string): Section[] {
  const wanted = new RegExp(`^${header.replaceAll(/[.[\]]/g, "\\$&")}[ \\t]*(?:#.*)?\\r?\\n`, "gm");
  return Array.from(toml.matchAll(wanted), ({ 0: line, index }) => {
    const start = index + line.length;
    const next = /^\[\[?[\w.-]+\]\]?[ \t]*(?:#.*)?$/m.exec(toml.slice(start));
    return { start, end: next === null ? toml.length : start + next.index };
  });
}
