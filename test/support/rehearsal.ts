import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseEnv, promisify } from "node:util";
import { Response } from "miniflare";
import { z } from "zod";
import { startDemoModel } from "../../local/demo-model/server.ts";
import { startGateway } from "../../local/gateway.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import { withConnection } from "../../ops/database/connection.ts";
import { migrate } from "../../ops/database/migrate.ts";
import { readMigrationFiles } from "../../ops/database/migration-files.ts";
import { readReleaseTarget } from "../../ops/runbook/release-target.ts";
import { withAddress, withNamespaceId } from "../../ops/runbook/setup/configuration-text.ts";
import { GENERATED } from "../../ops/runbook/setup/secrets.ts";
import { WRANGLER, wranglerEnvironment } from "../../ops/runbook/wrangler-process.ts";
import { type CloudflareStandIn, startCloudflareStandIn } from "./cloudflare-stand-in/stand-in.ts";
import { createTestDatabase, workerUrlTo } from "./cluster-databases.ts";
import { startWebhookSink } from "./webhook-sink.ts";

const projectDirectory = join(import.meta.dirname, "../..");
const WORKER = "mcp-task-server-production";
/** What the operator has put in the place of the example's domain. */
const HOST = "api.tasks.example";
const OPENAI_KEY = "the-key-of-the-rehearsal";

/** Of what is in the operator's file. */
const NO_SECRETS = new Set(["DEPLOYED_BY", "CI", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_BASE_URL"]);

/** How a run of the runbook ended. */
interface RunbookRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A signal, and what the runbook has said when it comes. */
interface Interruption {
  readonly signal: NodeJS.Signals;
  readonly at: string;
}

/** Everything a release needs, on this machine: Cloudflare, PostgreSQL, a model, a webhook. */
export interface Rehearsal {
  readonly cloudflare: CloudflareStandIn;
  readonly url: string;
  readonly ownerUrl: URL;
  readonly directory: string;
  /** wrangler's configuration: the project's own, with the operator's address. */
  readonly config: string;
  /** Where the operator's variables are. */
  readonly envFile: string;
  /** What the webhook was sent. */
  announcements(): readonly string[];
  /** Runs `npm run runbook -- …` for production. */
  runbook(args: readonly string[], variables?: Record<string, string>, stop?: Interruption): Promise<RunbookRun>;
  /** A wrangler configuration like the project's, with another entry in TypeScript or whatever else is changed in it. */
  configWith(changed: { readonly entry?: string; readonly more?: string }): Promise<string>;
  /** The files of the deployments directory, by what their names end in. */
  logs(ending: string): Promise<string[]>;
  /** Says in the record of a version's release that it applied migrations. @returns those that it did apply */
  pretendToHaveApplied(versionId: string, migrations: readonly string[]): Promise<readonly string[]>;
  /** What is in the operator's file. */
  variables(): Promise<NodeJS.Dict<string>>;
  /** Nobody reaches the database by HTTP any more, until it is mended. */
  cutDatabase(isCut: boolean): void;
  /** The version that answers. */
  versionInForce(): Promise<string>;
  /** The names of the secrets whose values a text holds. */
  secretsIn(text: string): Promise<string[]>;
  close(): Promise<void>;
}

/** How much shorter than the runbook's a rehearsal's windows are. */
export const SCALE = ["--time-scale", "0.006"];

const healthSchema = z.object({ version: z.string() });
const recordSchema = z.looseObject({ version_id: z.string().nullable(), migrations: z.array(z.string()) });
const announcementSchema = z.object({ text: z.string() });

/** What a command of the runbook says with `--json`. */
export const outcomeSchema = z.object({
  outcome: z.string(),
  steps: z.array(z.object({ name: z.string(), status: z.string(), evidence: z.string() })),
});

/** The boxes of a deployment log, ticked or not, with what was seen for each. */
export const boxesOf = (log: string) => [...log.matchAll(/^-( \[.\] .*)$/gm)].map(([, line]) => line);

/** The name of the newest migration. */
export const newestMigration = async () => z.string().parse((await readMigrationFiles()).at(-1)?.name);

/**
 * Sets the rehearsal up with a first version in force, which wrangler alone has deployed: `deployed.node.test.ts` shows
 * how the runbook does that.
 *
 * @throws what wrangler said where it failed
 */
export async function startFirstRelease(): Promise<Rehearsal> {
  const rehearsal = await startRehearsal();
  const made = Object.fromEntries(GENERATED.map((name) => [name, randomBytes(48).toString("base64url")]));
  await appendFile(rehearsal.envFile, variableLines(made));
  await withConnection("DATABASE_OWNER_URL", rehearsal.ownerUrl, async (owner) =>
    migrate(owner, await readMigrationFiles()),
  );
  const { DATABASE_URL, OPENAI_API_KEY } = await rehearsal.variables();
  const secretsFile = join(rehearsal.directory, "secrets.json");
  await writeFile(secretsFile, JSON.stringify({ DATABASE_URL, OPENAI_API_KEY, ...made }));
  await promisify(execFile)(
    process.execPath,
    [...WRANGLER, "deploy", "--config", rehearsal.config, "--env", "production", "--secrets-file", secretsFile],
    {
      cwd: projectDirectory,
      env: wranglerEnvironment({ ...rehearsal.cloudflare.environment, HOME: rehearsal.directory }),
    },
  );
  // wrangler has made the namespace, as no id stood there, and does not write it anywhere.
  const [namespace = ""] = rehearsal.cloudflare.namespaces.keys();
  const configured = { environment: "production", configPath: rehearsal.config } as const;
  const toml = await readFile(rehearsal.config, "utf8");
  await writeFile(rehearsal.config, withNamespaceId(toml, configured, "OAUTH_KV", namespace));
  return rehearsal;
}

/** Sets the rehearsal up; nothing is deployed yet. */
export async function startRehearsal(): Promise<Rehearsal> {
  const directory = await mkdtemp(join(tmpdir(), "tasks-rehearsal-"));
  const { url: ownerUrl } = await createTestDatabase({ mayCreateDatabases: true });
  const workerUrl = workerUrlTo(ownerUrl);
  // Neon's driver makes another host of an address in numbers.
  workerUrl.hostname = "localhost";
  const pool = openRawPool(workerUrl);
  const gateway = await startGateway(pool);
  const model = await startDemoModel();
  let isDatabaseCut = false;
  const cloudflare = await startCloudflareStandIn({ [WORKER]: HOST }, async (request) => {
    const { hostname, pathname } = new URL(request.url);
    if (pathname === "/sql" && isDatabaseCut) return new Response("the database is cut off", { status: 502 });
    const to =
      pathname === "/sql"
        ? gateway.fetchEndpoint
        : hostname === "api.openai.com"
          ? `${model.variables.OPENAI_BASE_URL}${pathname.replace("/v1", "")}`
          : undefined;
    if (to === undefined) return new Response(`nobody stands in for ${hostname}`, { status: 502 });
    const headers = Object.fromEntries(request.headers);
    if (headers.authorization === `Bearer ${OPENAI_KEY}`) {
      headers.authorization = `Bearer ${model.variables.OPENAI_API_KEY}`;
    }
    // A client may write the protocol out, and leave what follows the path; the gateway lets nothing in but its own.
    if (new URL(headers["neon-connection-string"] ?? "postgres:").password === workerUrl.password) {
      headers["neon-connection-string"] = gateway.connectionString;
    }
    delete headers.host;
    const answer = await fetch(to, { method: request.method, headers, body: await request.text() });
    return new Response(await answer.text(), { status: answer.status, headers: Object.fromEntries(answer.headers) });
  });
  const webhook = await startWebhookSink();
  const envFile = join(directory, ".env.production");
  const inFile = {
    DATABASE_URL: workerUrl.href,
    OPENAI_API_KEY: OPENAI_KEY,
    DEPLOYED_BY: "the rehearsal",
    ...cloudflare.environment,
  };
  await writeFile(envFile, variableLines(inFile));
  const standing = { DATABASE_OWNER_URL: ownerUrl.href, NOTIFY_WEBHOOK_URL: `${webhook.url}/slack` };
  let configs = 0;
  const configWith: Rehearsal["configWith"] = async ({ entry, more = "" }) => {
    const toml = await readFile(join(projectDirectory, "wrangler.toml"), "utf8");
    configs += 1;
    const path = join(directory, `wrangler-${configs}.toml`);
    const ours = withAddress(toml, await readReleaseTarget("production"), { host: HOST, isWorkersDev: false });
    const bundle = entry === undefined ? join(projectDirectory, "dist") : join(directory, `bundle-${configs}`);
    const from = entry === undefined ? "" : ` --entry ${join(projectDirectory, entry)} --directory ${bundle}`;
    const text = ours.text
      .replace('main = "dist/', `main = "${bundle}/`)
      .replace(/^command = "(\S+) (\S+)"/m, `command = "${projectDirectory}/$1 ${projectDirectory}/$2${from}"`);
    await writeFile(path, `${text}${more}`);
    return path;
  };
  const config = await configWith({});
  return {
    cloudflare,
    config,
    url: cloudflare.edgeUrl(WORKER),
    ownerUrl,
    directory,
    envFile,
    announcements: () => webhook.received("/slack").map((body) => announcementSchema.parse(body).text),
    runbook: (args, variables = {}, stop) =>
      runRunbook(
        [
          ...args,
          ...(args.includes("--config") ? [] : ["--config", config]),
          ...["--env-file", envFile, "--url", cloudflare.edgeUrl(WORKER)],
        ],
        directory,
        { ...standing, ...variables },
        stop,
      ),
    configWith,
    async logs(ending) {
      const deployments = join(directory, "deployments");
      const names = (await readdir(deployments).catch(() => [])).filter((file) => file.endsWith(ending)).sort();
      return Promise.all(names.map((file) => readFile(join(deployments, file), "utf8")));
    },
    async pretendToHaveApplied(versionId, migrations) {
      const deployments = join(directory, "deployments");
      for (const name of (await readdir(deployments)).filter((file) => file.endsWith("-release.json"))) {
        const record = recordSchema.parse(JSON.parse(await readFile(join(deployments, name), "utf8")));
        if (record.version_id !== versionId) continue;
        await writeFile(join(deployments, name), JSON.stringify({ ...record, migrations }));
        return record.migrations;
      }
      throw new Error(`there is no record of the release of version ${versionId}`);
    },
    cutDatabase: (isCut) => {
      isDatabaseCut = isCut;
    },
    variables: async () => parseEnv(await readFile(envFile, "utf8")),
    async versionInForce() {
      const health = await fetch(`${cloudflare.edgeUrl(WORKER)}/health`);
      return healthSchema.parse(await health.json()).version;
    },
    async secretsIn(text) {
      const secrets = { ...parseEnv(await readFile(envFile, "utf8")), OWNER_PASSWORD: ownerUrl.password };
      return Object.entries(secrets)
        .filter(([name]) => !NO_SECRETS.has(name))
        .flatMap(([secret, value]) => (value && text.includes(value) ? [secret] : []));
    },
    async close() {
      await cloudflare.close();
      await webhook.close();
      await model.close();
      await gateway.close();
      await pool.end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Variables as an environment's file has them. */
function variableLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
    .join("");
}

async function runRunbook(
  args: readonly string[],
  directory: string,
  variables: Record<string, string>,
  stop: Interruption | undefined,
): Promise<RunbookRun> {
  const command = args[0] ?? "";
  const places = ["deploy", "rollback", "preflight"].includes(command)
    ? ["--log-dir", join(directory, "deployments")]
    : [];
  if (["deploy", "rollback"].includes(command)) places.push("--backup-dir", join(directory, "backups"));
  const child = spawn(
    process.execPath,
    ["--no-warnings", "--", join(projectDirectory, "ops/runbook/cli.ts"), ...args, ...places],
    {
      cwd: projectDirectory,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, HOME: directory, ...variables },
    },
  );
  if (stop !== undefined) {
    let told = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const hasCome = told.includes(stop.at);
      told += chunk.toString("utf8");
      if (!hasCome && told.includes(stop.at)) child.kill(stop.signal);
    });
  }
  const [[code], stdout, stderr] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return { code: z.number().nullable().parse(code), stdout, stderr };
}
