import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listenOnLoopback } from "../../local/loopback-server.ts";
import { readContext } from "../../ops/runbook/context.ts";
import { Procedure } from "../../ops/runbook/procedure.ts";
import { deployCommand } from "../../ops/runbook/release/deploy-command.ts";
import { readReleaseTarget } from "../../ops/runbook/release-target.ts";
import { Settings } from "../../ops/runbook/settings.ts";
import { checkAddressValues, setUpAddress } from "../../ops/runbook/setup/address.ts";
import { withAddress, withNamespaceId } from "../../ops/runbook/setup/configuration-text.ts";
import { pooled } from "../../ops/runbook/setup/database.ts";
import { describePlan } from "../../ops/runbook/setup/secrets.ts";
import { readWorkersDevHost } from "../../ops/runbook/setup/workers-dev.ts";

const projectDirectory = join(import.meta.dirname, "../..");

describe("setup says of secrets", () => {
  const plan = {
    upload: { DATABASE_URL: "a", JWT_SECRET: "b" },
    generated: { JWT_SECRET: "b" },
    kept: [],
    missing: [],
  };

  it("what it has generated, and in a dry run what it would", () => {
    expect(describePlan(plan, false)).toBe("given: DATABASE_URL; generated: JWT_SECRET");
    expect(describePlan(plan, true)).toBe("given: DATABASE_URL; to generate: JWT_SECRET");
  });
});

describe("setup --domain", () => {
  it.each([
    "https://api.example.com",
    "example",
    "api.example.com/mcp",
    "127.0.0.1",
    "api.yourdomain.com",
    "a b.example.com",
    "x.stand-in.workers.dev",
    "",
  ])("refuses %j and says what fits", (domain) => {
    expect(() => checkAddressValues({ domain })).toThrow(/^--domain must be a host of yours/);
  });

  it("takes a host, and not both kinds of address", () => {
    expect(() => checkAddressValues({ domain: "api.example.co.uk" })).not.toThrow();
    expect(() => checkAddressValues({ domain: "xn--tst-qla.example" })).not.toThrow();
    expect(() => checkAddressValues({ domain: "a.example.com", "workers-dev": true })).toThrow("give one");
  });
});

describe("the address in wrangler.toml", () => {
  let directory: string;
  let config: string;
  const toml = () => readFile(config, "utf8");
  const changedLines = (before: string, after: string) => {
    const old = new Set(before.split("\n"));
    return after.split("\n").filter((line) => !old.has(line));
  };
  async function setUp(values: Parameters<typeof setUpAddress>[2], isDryRun = false) {
    const procedure = new Procedure("setup", { isDryRun, tell: () => undefined });
    const target = await setUpAddress(await readContext({ config }), procedure, values);
    return { target, steps: procedure.steps };
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tasks-setup-"));
    config = join(directory, "wrangler.toml");
    const ours = await readReleaseTarget("production");
    const text = await readFile(join(projectDirectory, "wrangler.toml"), "utf8");
    // Where it was set up there is another address in it.
    await writeFile(config, withAddress(text, ours, { host: "api.yourdomain.com", isWorkersDev: false }).text);
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("is asked for while the example's stands there", async () => {
    const before = await toml();
    await expect(setUp({})).rejects.toThrow(/still the example's.*--domain api\.example\.com.*--workers-dev/);
    const deploy = deployCommand
      .parse(["--config", config])
      .run(new Procedure("deploy", { isDryRun: false, tell: () => undefined }));
    await expect(deploy).rejects.toThrow(/still the example's.*--domain api\.example\.com.*--workers-dev/);
    expect(await toml()).toBe(before);
  });

  it("is not written where wrangler does not take the file that it would be in", async () => {
    const odd = (await toml()).replaceAll("period = 60", "period = 61");
    await writeFile(config, odd);
    await expect(setUp({ domain: "api.tasks.example" })).rejects.toThrow(/period/);
    expect([await toml(), await readdir(directory)]).toEqual([odd, ["wrangler.toml"]]);
  });

  it("is written into its environment alone, once, and nothing in a dry run", async () => {
    const before = await toml();
    const staging = await readReleaseTarget("staging", config);
    const dryRun = await setUp({ domain: "api.tasks.example" }, true);
    expect(dryRun.steps).toMatchObject([{ name: "address", status: "would do" }]);
    expect(await toml()).toBe(before);

    const { target, steps } = await setUp({ domain: "API.tasks.example" });
    const written = [
      'routes = [{ pattern = "api.tasks.example", custom_domain = true }]',
      'BASE_URL = "https://api.tasks.example"',
      'CORS_ORIGINS = "https://api.tasks.example"',
    ];
    const after = await toml();
    expect(changedLines(before, after)).toEqual(written);
    expect(after.split("\n")).toHaveLength(before.split("\n").length);
    expect(steps).toMatchObject([{ status: "done", evidence: `in ${config}: ${written.join("; ")}` }]);
    expect(target).toMatchObject({ baseUrl: "https://api.tasks.example", environment: "production" });
    expect(await readReleaseTarget("staging", config)).toEqual(staging);

    for (const values of [{ domain: "api.tasks.example" }, {}]) {
      expect((await setUp(values)).steps).toMatchObject([
        { status: "done", evidence: expect.stringMatching(/ as .* has it$/) },
      ]);
    }
    expect(await toml()).toBe(after);
  });
});

describe("the configuration's text", () => {
  const target = {
    environment: "production",
    configPath: "wrangler.toml",
    baseUrl: "https://old.example.com",
    variables: { CORS_ORIGINS: "https://app.example.com, https://old.example.com" },
  } as const;
  const text = [
    "[env.production] # ours",
    "routes = [ # the old ones",
    '  { pattern = "old.example.com", custom_domain = true },',
    "]",
    "",
    "[env.production.vars]",
    'BASE_URL = "https://old.example.com" # where people come in',
    "CORS_ORIGINS = 'https://app.example.com, https://old.example.com'",
    "",
    "[env.staging.vars]",
    'BASE_URL = "https://staging.example.com"',
  ];

  it("keeps comments, other origins and other environments, and has no route for workers.dev", () => {
    const changed = withAddress(text.join("\n"), target, { host: "w.a.workers.dev", isWorkersDev: true });
    expect(changed.text.split("\n")).toEqual([
      "[env.production] # ours",
      "workers_dev = true",
      "routes = []",
      "",
      "[env.production.vars]",
      'BASE_URL = "https://w.a.workers.dev" # where people come in',
      'CORS_ORIGINS = "https://w.a.workers.dev,https://app.example.com"',
      "",
      "[env.staging.vars]",
      'BASE_URL = "https://staging.example.com"',
    ]);
    expect(changed.lines).toHaveLength(4);
  });

  it("says what to set by hand where there is no such section", () => {
    expect(() => withAddress("{}", target, { host: "a.example.com", isWorkersDev: false })).toThrow(
      'wrangler.toml has no [env.production]: set routes of production to [{ pattern = "a.example.com", custom_domain = true }] by hand',
    );
  });
});

describe("the id of a KV namespace in the configuration's text", () => {
  const configured = { environment: "production", configPath: "wrangler.toml" } as const;
  const other = '[[env.production.kv_namespaces]]\nid = "1"\nbinding = "OTHER"\n\n';
  const staging = '\n[[env.staging.kv_namespaces]]\nbinding = "OAUTH_KV"\n';

  it.each([
    ['binding = "OAUTH_KV" # ours', 'binding = "OAUTH_KV" # ours\nid = "2"\n'],
    ['binding = "OAUTH_KV"\n', 'binding = "OAUTH_KV"\nid = "2"\n'],
    ['binding = "OAUTH_KV"\nid = ""\n', 'binding = "OAUTH_KV"\nid = "2"\n'],
    ["id = ''\nbinding = 'OAUTH_KV'\n", "id = \"2\"\nbinding = 'OAUTH_KV'\n"],
  ])("is written where %j stands, once, and nowhere else", (body, expected) => {
    const before = `${other}[[env.production.kv_namespaces]]\n${body}`;
    const tail = body.endsWith("\n") ? staging : "";
    expect(withNamespaceId(before + tail, configured, "OAUTH_KV", "2")).toBe(
      `${other}[[env.production.kv_namespaces]]\n${expected}${tail}`,
    );
  });

  it("is told where there is no such table", () => {
    expect(() => withNamespaceId(other + staging, configured, "OAUTH_KV", "2")).toThrow(
      'wrangler.toml has no [[env.production.kv_namespaces]] of OAUTH_KV: set its id to "2" by hand',
    );
  });
});

describe("the account's name at workers.dev", () => {
  const ok = (result: unknown) => ({ success: true, errors: [], result });

  it.each([
    [{ accounts: ok([{ id: "1" }]), subdomain: ok({ subdomain: "ours" }) }, "worker.ours.workers.dev"],
    [{ accounts: ok([{ id: "1" }, { id: "2" }]) }, "there are 2 accounts: set CLOUDFLARE_ACCOUNT_ID"],
    [{ accounts: ok([]) }, "the token sees no account"],
    [
      { accounts: ok([{ id: "1" }]), subdomain: { errors: [{ code: 10007, message: "none" }], result: null } },
      "the account has no workers.dev name yet: choose one at https://dash.cloudflare.com/",
    ],
    [
      { accounts: { errors: [{ code: 10000, message: "Authentication error" }], result: null } },
      "Authentication error",
    ],
    [{}, "Cloudflare answered 200 and nothing that can be read"],
  ])("of %j is %j", async (answers: { accounts?: unknown; subdomain?: unknown }, expected) => {
    const server = createServer((request, response) => {
      const isSigned = request.headers.authorization === "Bearer t";
      const answer =
        request.url === "/accounts"
          ? answers.accounts
          : request.url === "/accounts/1/workers/subdomain"
            ? answers.subdomain
            : undefined;
      response.end(isSigned && answer !== undefined ? JSON.stringify(answer) : "<html>");
    });
    const { url, close } = await listenOnLoopback(server);
    const before = process.env.CLOUDFLARE_API_BASE_URL;
    process.env.CLOUDFLARE_API_BASE_URL = url;
    try {
      const told = await readWorkersDevHost(
        await Settings.read("staging"),
        { Authorization: "Bearer t" },
        "worker",
      ).catch(String);
      expect(told).toContain(expected);
    } finally {
      if (before === undefined) delete process.env.CLOUDFLARE_API_BASE_URL;
      else process.env.CLOUDFLARE_API_BASE_URL = before;
      await close();
    }
  });
});

it("the worker is led to Neon's pooled endpoint, and to any other server as its owner is", () => {
  const hostOf = (host: string) => pooled(new URL(`postgresql://owner:x@${host}/tasks?sslmode=require`)).hostname;
  expect(hostOf("ep-cool-darkness-123456.eu-central-1.aws.neon.tech")).toBe(
    "ep-cool-darkness-123456-pooler.eu-central-1.aws.neon.tech",
  );
  expect(hostOf("ep-a-1-pooler.eu-central-1.aws.neon.tech")).toBe("ep-a-1-pooler.eu-central-1.aws.neon.tech");
  expect(hostOf("db.example.com")).toBe("db.example.com");
});
