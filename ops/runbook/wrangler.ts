import { z } from "zod";
import type { ReleaseTarget } from "./release-target.ts";
import { RunbookError } from "./runbook-error.ts";
import { runWrangler, WranglerError, type WranglerOutput } from "./wrangler-process.ts";

/** Which version gets how much of the traffic, in percent. */
export type TrafficSplit = Readonly<Record<string, number>>;

/** A version that was uploaded. */
export interface UploadedVersion {
  readonly id: string;
  readonly gzipBytes: number;
  /** As Cloudflare measured it when it took the version. */
  readonly startupMilliseconds: number | undefined;
}

/** A version as Cloudflare keeps it. */
export interface KeptVersion {
  readonly id: string;
  readonly createdOn: string;
  /** The last Durable Object migration that it was made with; undefined for one made with none. */
  readonly migrationTag: string | undefined;
  /** Whether a cron finds something in it to run. */
  readonly hasSchedule: boolean;
}

const deploymentSchema = z.object({
  created_on: z.string(),
  versions: z.array(z.object({ version_id: z.string(), percentage: z.number() })),
});
const versionSchema = z.object({
  metadata: z.object({ created_on: z.string() }),
  resources: z.object({
    script: z.object({ handlers: z.array(z.string()).nullish() }),
    script_runtime: z.object({ migration_tag: z.string().optional() }),
  }),
});

/** A deployment: which versions share the traffic, and since when. */
type DeployedVersions = z.output<typeof deploymentSchema>;

const credentialsSchema = z.discriminatedUnion("type", [
  z.object({ type: z.enum(["api_token", "oauth"]), token: z.string() }),
  z.object({ type: z.literal("api_key"), key: z.string(), email: z.string() }),
]);
const secretsSchema = z.array(z.object({ name: z.string() }));
const namespacesSchema = z.array(z.object({ id: z.string(), title: z.string() }));

const DOES_NOT_EXIST = /does not exist on your account|code: 10007|^wrangler \S+ \S+: Worker "\S+" .*not found/;

/** wrangler, for one worker in one environment. */
export class Wrangler {
  readonly target: ReleaseTarget;

  constructor(target: ReleaseTarget) {
    this.target = target;
  }

  /** The deployment in force; undefined before the first. */
  async currentDeployment(): Promise<DeployedVersions | undefined> {
    try {
      return deploymentSchema.parse(JSON.parse((await this.#run(["deployments", "status", "--json"])).stdout));
    } catch (error) {
      if (error instanceof WranglerError && DOES_NOT_EXIST.test(error.message)) return undefined;
      throw error;
    }
  }

  /** The deployments that Cloudflare remembers, newest first. */
  async deployments(): Promise<readonly DeployedVersions[]> {
    return z
      .array(deploymentSchema)
      .parse(JSON.parse((await this.#run(["deployments", "list", "--json"])).stdout))
      .sort((a, b) => b.created_on.localeCompare(a.created_on));
  }

  /** What Cloudflare keeps of a version. */
  async version(id: string): Promise<KeptVersion> {
    const { stdout } = await this.#run(["versions", "view", id, "--json"]);
    const { metadata, resources } = versionSchema.parse(JSON.parse(stdout));
    return {
      id,
      createdOn: metadata.created_on,
      migrationTag: resources.script_runtime.migration_tag,
      hasSchedule: resources.script.handlers?.includes("scheduled") === true,
    };
  }

  /** Uploads the worker without giving it traffic. */
  async uploadVersion(tag: string, message: string): Promise<UploadedVersion> {
    const output = await this.#run(["versions", "upload", "--tag", tag, "--message", message]);
    const upload = output.entries.find((entry) => entry.type === "version-upload");
    if (upload === undefined) throw new RunbookError("wrangler versions upload named no version");
    return {
      id: upload.version_id,
      gzipBytes: upload.bundle_size?.gzip_bytes ?? 0,
      startupMilliseconds: startupTimeIn(output),
    };
  }

  /** Splits the traffic. */
  async deployVersions(split: TrafficSplit, message: string): Promise<void> {
    const versions = Object.entries(split).map(([id, percentage]) => `${id}@${percentage}%`);
    await this.#run(["versions", "deploy", ...versions, "--yes", "--message", message]);
  }

  /** Uploads the worker, applies its Durable Object migrations and gives it all the traffic. */
  async deployAtOnce(tag: string, message: string): Promise<UploadedVersion> {
    const output = await this.#run(["deploy", "--tag", tag, "--message", message]);
    const deploy = output.entries.find((entry) => entry.type === "deploy");
    if (!deploy?.version_id) throw new RunbookError("wrangler deploy named no version");
    return { id: hyphenated(deploy.version_id), gzipBytes: 0, startupMilliseconds: startupTimeIn(output) };
  }

  /** Gives the worker the domains, the routes and the cron triggers of the configuration, which no version has. */
  async deployTriggers(): Promise<void> {
    await this.#run(["triggers", "deploy"]);
  }

  /** Gives all the traffic to a version that was deployed before. */
  async rollback(versionId: string, message: string): Promise<void> {
    // wrangler refuses a message of more than 120 characters.
    await this.#run(["rollback", versionId, "--yes", "--message", message.slice(0, 120)]);
  }

  /** The names of the secrets that are set; undefined where there is no worker yet. */
  async secretNames(): Promise<readonly string[] | undefined> {
    try {
      const { stdout } = await this.#run(["secret", "list", "--format", "json"]);
      return secretsSchema.parse(JSON.parse(stdout)).map(({ name }) => name);
    } catch (error) {
      if (error instanceof WranglerError && DOES_NOT_EXIST.test(error.message)) return undefined;
      throw error;
    }
  }

  async putSecrets(secrets: Readonly<Record<string, string>>): Promise<void> {
    await this.#run(["secret", "bulk"], JSON.stringify(secrets));
  }

  /** What a request to Cloudflare's API is signed with: as whom wrangler is signed in. */
  async credentials(): Promise<Readonly<Record<string, string>>> {
    const { CLOUDFLARE_API_TOKEN: token, CLOUDFLARE_API_KEY: key } = process.env;
    // wrangler would say nothing else, and takes a second to start.
    if (token && !key) return { Authorization: `Bearer ${token}` };
    const { stdout } = await this.#run(["auth", "token", "--json"]);
    const credentials = credentialsSchema.parse(JSON.parse(stdout));
    return credentials.type === "api_key"
      ? { "X-Auth-Key": credentials.key, "X-Auth-Email": credentials.email }
      : { Authorization: `Bearer ${credentials.token}` };
  }

  /** Every KV namespace of the account. */
  async kvNamespaces(): Promise<z.output<typeof namespacesSchema>> {
    return namespacesSchema.parse(JSON.parse((await this.#run(["kv", "namespace", "list"])).stdout));
  }

  /** Makes a KV namespace of just this title. */
  async createKvNamespace(title: string): Promise<void> {
    // With an environment's name wrangler would put that before the title.
    await runWrangler(["kv", "namespace", "create", title, "--config", this.target.configPath, "--env", ""]);
  }

  #run(args: readonly string[], input?: string): Promise<WranglerOutput> {
    const { configPath, environment } = this.target;
    return runWrangler([...args, "--config", configPath, "--env", environment], input);
  }
}

function startupTimeIn({ stdout }: WranglerOutput): number | undefined {
  const milliseconds = /Worker Startup Time: (\d+) ms/.exec(stdout)?.[1];
  return milliseconds === undefined ? undefined : Number(milliseconds);
}

/** An older endpoint of Cloudflare's writes a version's id without its hyphens. */
function hyphenated(id: string): string {
  return id.includes("-") ? id : id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
