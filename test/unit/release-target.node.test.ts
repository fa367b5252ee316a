import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { readReleaseTarget, toReleaseTarget } from "../../ops/runbook/release-target.ts";
import { projectDirectory } from "../../ops/runbook/settings.ts";

// A release reads the configuration by itself, and must find in it what wrangler does.

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tasks-configuration-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function write(name: string, text: string): Promise<string> {
  const path = join(directory, `${name}.toml`);
  await writeFile(path, text);
  return path;
}

const INHERITING = `
name = "worker"
main = "worker.js"
compatibility_date = "2026-11-01"
triggers = { crons = ["0 * * * *"] }
migrations = [{ tag = "v1", new_sqlite_classes = ["One"] }, { tag = "v2", new_sqlite_classes = ["Two"] }]
observability = { enabled = true, redact_query_string = true }
kv_namespaces = [{ binding = "TOP", id = "1" }]
vars = { BASE_URL = "https://top.example" }

[env.staging]
vars = { BASE_URL = "https://staging.example", COUNT = 3 }

[env.production]
name = "its-own-name"
triggers = { crons = [] }
observability = { enabled = false }
vars = { BASE_URL = "https://production.example" }
kv_namespaces = [{ binding = "OAUTH_KV" }]
ratelimits = [{ name = "LIMITER", namespace_id = "1", simple = { limit = 5, period = 60 } }]
`;

const BARE = ["staging", "production"].map((name) => `[env.${name}]\nvars = { BASE_URL = "https://${name}.example" }`);

const configurations: readonly (readonly [which: string, text: () => string | Promise<string>])[] = [
  ["our own", () => readFile(join(projectDirectory, "wrangler.toml"), "utf8")],
  ["one that inherits", () => INHERITING],
  ["one that says next to nothing", () => ['name = "worker"', ...BARE].join("\n")],
  ["one whose environment alone has a name", () => BARE.map((text) => `${text}\nname = "own"`).join("\n")],
];

describe.each(["staging", "production"] as const)("the configuration of %s", (environment) => {
  it.each(configurations)("is wrangler's: %s", async (_, text) => {
    const path = await write("compared", await text());
    const configured = readConfig({ config: path, env: environment }, { hideWarnings: true });
    const target = await readReleaseTarget(environment, path);
    expect(target).toEqual(toReleaseTarget(environment, path, configured));
    expect(target.baseUrl).toMatch(/^https:/);
  });
});

it.each([
  ["that is not there", undefined, /^\S+ cannot be read: ENOENT/],
  [
    "that is no TOML",
    'secret = "hush"\nname = hush',
    /^\S+ cannot be read: line 2, column \d+: Invalid TOML document: [\w ]+$/,
  ],
  ["without a name", "[env.production]", /^\S+ cannot be read: it has no name$/],
  ["without the environment", 'name = "worker"', /^\S+ cannot be read: it has no table \[env\.production\]$/],
  ["whose environments are no tables", 'name = "worker"\nenv = 1', /^\S+ cannot be read: it has no table \[env/],
  ["without an address", 'name = "worker"\n[env.production]', /^\S+ sets no BASE_URL for production$/],
])("refuses a configuration %s", async (_, text, reason) => {
  const path = text === undefined ? join(directory, "none.toml") : await write("refused", text);
  await expect(readReleaseTarget("production", path)).rejects.toThrow(reason);
});

it("reads no other file, where secrets may stand", async () => {
  const path = join(directory, ".env.production");
  await writeFile(path, 'name = "worker"\n[env.production]\nvars = { BASE_URL = "https://hush.example" }\n');
  await expect(readReleaseTarget("production", path)).rejects.toThrow(/^\S+ cannot be read: it must be a \.toml file$/);
});
