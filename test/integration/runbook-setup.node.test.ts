import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Response } from "miniflare";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { readContext } from "../../ops/runbook/context.ts";
import { Procedure } from "../../ops/runbook/procedure.ts";
import { setUpNamespaces } from "../../ops/runbook/setup/namespaces.ts";
import { setUpSwitches } from "../../ops/runbook/setup/switches.ts";
import { runWrangler } from "../../ops/runbook/wrangler-process.ts";
import { type CloudflareStandIn, startCloudflareStandIn } from "../support/cloudflare-stand-in/stand-in.ts";

// What setup writes into the configuration, with the real wrangler and a stand-in of Cloudflare's account.

const projectDirectory = join(import.meta.dirname, "../..");
const WORKER = "mcp-task-server-production";
const TITLE = `${WORKER}-oauth-kv`;

let cloudflare: CloudflareStandIn;
let directory: string;
let config: string;

beforeAll(async () => {
  cloudflare = await startCloudflareStandIn({ [WORKER]: "api.tasks.example" }, async () => new Response());
  for (const [name, value] of Object.entries(cloudflare.environment)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await cloudflare.close();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tasks-setup-"));
  config = join(directory, "wrangler.toml");
  cloudflare.namespaces.clear();
});
afterEach(() => rm(directory, { recursive: true }));

const toml = () => readFile(config, "utf8");

/** Runs a part of setup, as the command does. */
async function setUp(part: typeof setUpNamespaces, isDryRun = false) {
  const { target, wrangler } = await readContext({ config });
  const procedure = new Procedure("setup", { isDryRun, tell: () => undefined });
  await part(target, wrangler, procedure);
  return procedure.steps.map(({ name, status, evidence }) => ({ name, status, evidence }));
}

describe("the KV namespace", () => {
  beforeEach(() => copyFile(join(projectDirectory, "wrangler.toml"), config));

  it("is made once, for this worker and environment alone, and its id is written", async () => {
    const before = await toml();
    // What wrangler would call one of any project of the account that has a production and an OAUTH_KV.
    cloudflare.namespaces.set("0".repeat(32), "production-OAUTH_KV");
    const dryRun = await setUp(setUpNamespaces, true);
    expect(dryRun.slice(1)).toEqual([{ name: "KV namespace OAUTH_KV", status: "would do", evidence: `make ${TITLE}` }]);
    expect([await toml(), cloudflare.namespaces.size]).toEqual([before, 1]);

    const steps = await setUp(setUpNamespaces);
    const [id] = [...cloudflare.namespaces].find(([, title]) => title === TITLE) ?? [];
    expect(id).toBeDefined();
    expect(steps.slice(1)).toMatchObject([{ status: "done", evidence: `${TITLE}, id ${id}, in ${config}` }]);
    const after = await toml();
    expect(after).toBe(
      before.replace(/(\[\[env\.production\.kv_namespaces\]\]\nbinding = "OAUTH_KV")/, `$1\nid = "${id}"`),
    );

    const evidence = "1 bound, 0 without an id";
    expect(await setUp(setUpNamespaces)).toEqual([{ name: "KV namespaces", status: "done", evidence }]);
    expect([await toml(), cloudflare.namespaces.size]).toEqual([after, 2]);

    // Another account has none of it.
    cloudflare.namespaces.clear();
    await expect(setUp(setUpNamespaces)).rejects.toThrow(`OAUTH_KV has the id ${id} in ${config}, which this account`);
    expect([await toml(), cloudflare.namespaces.size]).toEqual([after, 0]);
  });

  it("is none where none is bound: OAuth is off then", async () => {
    await writeFile(config, (await toml()).replaceAll(/^\[\[.*kv_namespaces\]\]\nbinding = .*\n/gm, ""));
    const steps = await setUp(setUpNamespaces);
    expect(steps).toEqual([{ name: "KV namespaces", status: "done", evidence: "none are bound" }]);
    expect(cloudflare.namespaces.size).toBe(0);
  });
});

describe("a worker that is deployed", () => {
  const deploy = () => runWrangler(["deploy", "--config", config, "--env", "production"]);
  const boundId = () => {
    const [newest] = cloudflare.script(WORKER)?.versions ?? [];
    const bound = newest?.upload.metadata.bindings.find(({ name }) => name === "OAUTH_KV");
    return bound?.type === "kv_namespace" ? bound.namespace_id : undefined;
  };

  beforeEach(async () => {
    await writeFile(
      join(directory, "worker.js"),
      `import { DurableObject } from "cloudflare:workers";
       export class Kept extends DurableObject {}
       export default { fetch: () => new Response("ok") };`,
    );
    await writeFile(
      config,
      `name = "mcp-task-server"
       main = "worker.js"
       compatibility_date = "2026-11-01"
       kv_namespaces = [{ binding = "OAUTH_KV" }]
       migrations = [{ tag = "v1", new_sqlite_classes = ["Kept"] }]

[env.production]
routes = []
[env.production.vars]
BASE_URL = "https://api.tasks.example"
# Off for a while.
SCOPED_CREDENTIALS = "off"
[[env.production.kv_namespaces]]
binding = "OAUTH_KV"
[[env.production.durable_objects.bindings]]
name = "KEPT"
class_name = "Kept"
`,
    );
  });

  it("is not looked for in vain on an account without any: that is the first release", async () => {
    const { wrangler } = await readContext({ config });
    expect(await wrangler.currentDeployment()).toBeUndefined();
    cloudflare.broken.add("GET /workers/scripts/*/deployments");
    await expect(wrangler.currentDeployment()).rejects.toThrow(/the rehearsal has broken .*\[code: 100117\]$/);
    cloudflare.broken.clear();
  });

  it("keeps the namespace that wrangler made for it, and its switches as they are; before, they are switched on", async () => {
    const before = await toml();
    const switchedOn = await setUp(setUpSwitches);
    expect(switchedOn).toMatchObject([
      { name: "switches", status: "done", evidence: expect.stringContaining("SCOPED") },
    ]);
    expect(await toml()).toBe(before.replace('SCOPED_CREDENTIALS = "off"', 'SCOPED_CREDENTIALS = "on"'));
    expect(await setUp(setUpSwitches)).toMatchObject([{ evidence: "SIGN_CURSORS, SCOPED_CREDENTIALS: none is off" }]);

    await writeFile(config, before);
    await deploy();
    const made = boundId();
    expect(made).toBeDefined();
    await deploy();
    expect(boundId()).toBe(made);
    expect([...cloudflare.namespaces]).toEqual([[made, TITLE]]);

    const steps = await setUp(setUpNamespaces);
    expect(steps.slice(1)).toMatchObject([{ status: "done", evidence: `${TITLE}, id ${made}, in ${config}` }]);
    expect(cloudflare.namespaces.size).toBe(1);
    await deploy();
    expect(boundId()).toBe(made);

    const written = await toml();
    expect(await setUp(setUpSwitches)).toMatchObject([
      { name: "switches", status: "person", evidence: expect.stringContaining("SCOPED_CREDENTIALS stays off") },
    ]);
    expect(await toml()).toBe(written);
  });
});
