import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseEnv, promisify } from "node:util";
import { Response } from "miniflare";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Gateway, startGateway } from "../../local/gateway.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import { Deployment } from "../../ops/runbook/deployment.ts";
import { checkOAuth } from "../../ops/runbook/smoke/oauth-checks.ts";
import { type CloudflareStandIn, startCloudflareStandIn } from "../support/cloudflare-stand-in/stand-in.ts";
import { registrySchema } from "../support/directory-schemas.ts";
import { isLongRun } from "../support/long-run.ts";
import { findPostgresql, type PostgresqlCluster, startPostgresqlCluster } from "../support/postgresql-cluster.ts";

// From a clone, an empty account of Cloudflare and an empty database to a worker of one's own. The commands are run as a
// person pastes them; only Cloudflare is a stand-in on loopback.

const projectDirectory = join(import.meta.dirname, "../..");
const NOT_IN_A_CLONE = new Set(["node_modules", ".git", ".wrangler", ".data", ".env.production", "test-results"]);
const WORKER = "mcp-task-server-production";
const PLAIN_WORKER = "mcp-task-server";
const URL_OF_ONES_OWN = `https://${WORKER}.stand-in.workers.dev`;

const run = promisify(execFile);
const programs = findPostgresql();
const sessionSchema = z.object({ token: z.string() });
const failureSchema = z.object({ code: z.number(), stdout: z.string(), stderr: z.string() });

describe.skipIf(!isLongRun || programs === undefined)("a newcomer, with CI=true", () => {
  let directory: string;
  let clone: string;
  let cluster: PostgresqlCluster;
  let cloudflare: CloudflareStandIn;
  let pool: pg.Pool | undefined;
  let gateway: Gateway | undefined;
  /** Those that a person has run so far. */
  const commands: string[] = [];

  /** Runs a line in the clone, as a person who has never been here. */
  function paste(line: string, variables: Record<string, string> = {}) {
    // Tests keep wrangler silent, and a person does not.
    const env = { ...process.env, HOME: directory, WRANGLER_LOG: "log", ...variables };
    return run("/bin/sh", ["-c", line], { cwd: clone, env });
  }
  const ofClone = (file: string) => readFile(join(clone, file), "utf8");
  const pasteAt = (line: string, variables?: Record<string, string>) =>
    paste(line.replace(URL_OF_ONES_OWN, cloudflare.edgeUrl(WORKER)), variables);

  /** Neon, for a worker that logs in as its DATABASE_URL says. */
  async function gatewayFor(connectionString: string): Promise<Gateway> {
    pool ??= openRawPool(new URL(connectionString));
    gateway ??= await startGateway(pool);
    return gateway;
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "tasks-newcomer-"));
    clone = join(directory, "clone");
    await cp(projectDirectory, clone, { recursive: true, filter: (path) => !NOT_IN_A_CLONE.has(basename(path)) });
    // A cluster of its own: the login of the worker's role belongs to the whole cluster.
    cluster = await startPostgresqlCluster(programs ?? "");
    const hostnames = {
      [WORKER]: new URL(URL_OF_ONES_OWN).host,
      [PLAIN_WORKER]: `${PLAIN_WORKER}.stand-in.workers.dev`,
    };
    cloudflare = await startCloudflareStandIn(hostnames, async (request) => {
      const { fetchEndpoint, connectionString } = await gatewayFor(request.headers.get("neon-connection-string") ?? "");
      const { host: _, ...headers }: Record<string, string> = Object.fromEntries(request.headers);
      headers["neon-connection-string"] = connectionString;
      const answer = await fetch(fetchEndpoint, { method: request.method, headers, body: await request.text() });
      return new Response(await answer.text(), { status: answer.status, headers: Object.fromEntries(answer.headers) });
    });
    const ownerUrl = cluster.url();
    // Neon's driver makes another host of an address in numbers.
    ownerUrl.hostname = "localhost";
    const { CI: _, ...ofCloudflare } = cloudflare.environment;
    const given = { DATABASE_OWNER_URL: ownerUrl.href, ...ofCloudflare };
    const lines = Object.entries(given).map(([name, value]) => `${name}="${value}"\n`);
    await writeFile(join(clone, ".env.production"), lines.join(""));
  });

  afterAll(async () => {
    await cloudflare.close();
    await gateway?.close();
    await pool?.end();
    await cluster.remove();
    await rm(directory, { recursive: true });
  });

  it("has a worker of their own after three commands: it is healthy, signs them up and runs a tool", async () => {
    // Its packages are those that are installed here.
    commands.push("npm ci");
    await symlink(join(projectDirectory, "node_modules"), join(clone, "node_modules"));
    const before = await ofClone("wrangler.toml");

    commands.push("npm run runbook -- setup --workers-dev");
    const setup = await paste(commands.at(-1) ?? "");
    expect(setup.stderr).toBe("");
    expect(setup.stdout).toContain(`BASE_URL = "${URL_OF_ONES_OWN}"`);
    expect(setup.stdout).toContain(
      "generated: DATABASE_URL, JWT_SECRET, TOKEN_SECRET, BETTER_AUTH_SECRET, METRICS_TOKEN",
    );
    const namespace = new RegExp(`✓ KV namespace OAUTH_KV: ${WORKER}-oauth-kv, id (\\w+), in `).exec(setup.stdout);
    expect([...cloudflare.namespaces]).toEqual([[namespace?.[1], `${WORKER}-oauth-kv`]]);
    expect(setup.stdout).toMatch(/✓ switches: in .*SCOPED_CREDENTIALS on, as no release is deployed yet/);
    expect(setup.stdout).toMatch(/✓ tables: \d+ migrations applied/);
    expect(setup.stdout).toContain("✓ worker's login: task_worker can log in with DATABASE_URL");
    const made = parseEnv(await ofClone(".env.production"));
    const secrets = [made.DATABASE_URL, made.JWT_SECRET, made.TOKEN_SECRET, made.METRICS_TOKEN];
    for (const secret of [...secrets, cluster.url().password]) {
      expect(secret).toMatch(/./);
      expect(setup.stdout).not.toContain(secret);
    }
    expect(registrySchema.parse(JSON.parse(await ofClone("server.json"))).remotes).toEqual([
      { type: "streamable-http", url: `${URL_OF_ONES_OWN}/mcp` },
    ]);
    const after = await ofClone("wrangler.toml");
    expect(after.split("\n").filter((line) => line.startsWith("#"))).toEqual(
      before.split("\n").filter((line) => line.startsWith("#")),
    );

    const next = setup.stdout.split("\n").map((line) => line.trim());
    const [deploy = ""] = next.filter((line) => line.startsWith("npx wrangler deploy"));
    commands.push(deploy);
    const { stdout } = await paste(deploy);
    expect(stdout).toContain(new URL(URL_OF_ONES_OWN).host);

    expect(commands).toEqual([
      "npm ci",
      "npm run runbook -- setup --workers-dev",
      "npx wrangler deploy --env production",
    ]);
    for (const page of ["README.md", "docs/deployment.md"]) {
      expect((await ofClone(page)).split("\n").map((line) => line.replace(/ +#.*/, ""))).toEqual(
        expect.arrayContaining(commands),
      );
    }
    const [health = "", signUp = "", createTask = ""] = next.filter((line) => line.startsWith("curl "));
    expect(JSON.parse((await pasteAt(health)).stdout)).toMatchObject({ status: "healthy", database: "connected" });
    const { token } = sessionSchema.parse(JSON.parse((await pasteAt(signUp)).stdout));
    const created = await pasteAt(createTask, { TOKEN: token });
    expect(JSON.parse(created.stdout)).toMatchObject({ tasks: [{ title: "Buy milk" }] });
    const mcp = await fetch(`${cloudflare.edgeUrl(WORKER)}/mcp`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${token}`,
        Accept: "application/json, text/event-stream",
        "Content-Type": "application/json",
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "initialize",
        params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "newcomer", version: "1" } },
      }),
    });
    expect([mcp.status, await mcp.text()]).toEqual([200, expect.stringContaining("mcp-task-server")]);
    expect(await checkOAuth(new Deployment(cloudflare.edgeUrl(WORKER), WORKER), URL_OF_ONES_OWN)).toBe(
      `${URL_OF_ONES_OWN}: challenge, metadata and endpoints lead to one another`,
    );
    const { rows } = (await pool?.query("select current_user as name")) ?? { rows: [] };
    expect(rows).toEqual([{ name: "task_worker" }]);
  });

  it("changes nothing that is right already by setting it up again", async () => {
    const files = () => Promise.all(["wrangler.toml", ".env.production", "server.json"].map(ofClone));
    const before = await files();
    const again = await paste("npm run runbook -- setup --workers-dev");
    expect(again.stdout).toContain(`✓ address: ${URL_OF_ONES_OWN}, as `);
    expect(again.stdout).toContain("has every migration");
    expect(again.stdout).toContain(
      "given: DATABASE_URL, JWT_SECRET, TOKEN_SECRET, BETTER_AUTH_SECRET, METRICS_TOKEN; not set: ",
    );
    expect(again.stdout).toContain("✓ KV namespaces: 1 bound, 0 without an id");
    expect(again.stdout).toMatch(/✓ switches: .* none is off/);
    expect(cloudflare.namespaces.size).toBe(1);
    expect(await files()).toEqual(before);
  });

  it("is told by a deploy without an environment what is missing, and puts nothing on the internet by it", async () => {
    const { CI: _, ...ofCloudflare } = cloudflare.environment;
    const plain = failureSchema.parse(
      await paste("npx wrangler deploy", ofCloudflare).catch((error: unknown) => error),
    );
    expect(plain.code).toBe(1);
    const said = plain.stdout + plain.stderr;
    expect(said).toContain("no target environment was specified for the deploy command");
    expect(said).toContain("The following required secrets have not been set: DATABASE_URL, JWT_SECRET");

    const { DATABASE_URL = "", JWT_SECRET = "" } = parseEnv(await ofClone(".env.production"));
    const secrets = join(directory, "secrets.json");
    await writeFile(secrets, JSON.stringify({ DATABASE_URL, JWT_SECRET }));
    const insists = await paste(`npx wrangler deploy --env "" --secrets-file ${secrets}`, ofCloudflare);
    expect(insists.stdout).toContain(`No targets deployed for ${PLAIN_WORKER}`);
    expect((await fetch(`${cloudflare.edgeUrl(PLAIN_WORKER)}/health`)).status).toBe(404);
  });
});
