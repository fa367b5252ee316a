import { randomUUID } from "node:crypto";
import type { Binding, Upload } from "./upload.ts";
import { type Outbound, type RunnableVersion, startVersion, type VersionRuntime } from "./version-runtime.ts";

/** A version of a worker, as Cloudflare keeps it. */
export interface Version extends RunnableVersion {
  readonly number: number;
  readonly migrationTag: string | undefined;
}

/** Which versions get how much of the traffic. */
export interface Deployment {
  readonly id: string;
  readonly createdOn: string;
  readonly message: string;
  readonly versions: readonly { readonly version_id: string; readonly percentage: number }[];
}

/** An error with the code and the words of Cloudflare's API. */
export class CloudflareError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A worker of the account: its versions, its deployments and its secrets, newest first. */
export class WorkerScript {
  readonly name: string;
  readonly #hostname: string;
  readonly #outbound: Outbound;
  readonly #runtimes = new Map<string, Promise<VersionRuntime>>();
  readonly versions: Version[] = [];
  readonly deployments: Deployment[] = [];
  readonly secrets = new Map<string, string>();
  /** When it runs by itself; of the worker, and of no version. */
  crons: readonly string[] = [];
  /** What the versions have logged. */
  readonly logLines: string[] = [];
  /** Told of every line that is logged from now on. */
  readonly logListeners = new Set<(line: string) => void>();
  migrationTag: string | undefined;
  /** Whether it is reached by the account's workers.dev name. */
  isOnWorkersDev = false;

  constructor(name: string, hostname: string, outbound: Outbound) {
    this.name = name;
    this.#hostname = hostname;
    this.#outbound = outbound;
  }

  /** Whether its host leads to it; a domain does at once. */
  get isReached(): boolean {
    return this.isOnWorkersDev || !this.#hostname.endsWith(".workers.dev");
  }

  /** Takes a bundle and starts it, as Cloudflare does to see whether it can be started. */
  async addVersion(upload: Upload): Promise<{ version: Version; startupMilliseconds: number }> {
    const { migrations } = upload.metadata;
    const bindings = upload.metadata.bindings.map((binding) => this.#inherited(binding));
    for (const binding of bindings) if (binding.type === "secret_text") this.secrets.set(binding.name, binding.text);
    if (migrations !== undefined && migrations.old_tag !== this.migrationTag) {
      throw new CloudflareError(412, 10079, `expected migration tag ${this.migrationTag ?? "none"}`);
    }
    this.migrationTag = migrations?.new_tag ?? this.migrationTag;
    const version: Version = {
      id: randomUUID(),
      number: this.versions.length + 1,
      createdOn: new Date().toISOString(),
      upload: { ...upload, metadata: { ...upload.metadata, bindings } },
      secrets: new Map(this.secrets),
      migrationTag: this.migrationTag,
    };
    const { startupMilliseconds } = await this.#runtimeOf(version);
    this.versions.unshift(version);
    return { version, startupMilliseconds };
  }

  /** Makes a version of the newest bundle with the secrets as they are then, and deploys it, as Cloudflare does. */
  async changeSecrets(changes: ReadonlyMap<string, string | undefined>): Promise<void> {
    for (const [name, text] of changes) {
      if (text === undefined) this.secrets.delete(name);
      else this.secrets.set(name, text);
    }
    const [newest] = this.versions;
    if (newest === undefined) return;
    const { migrations: _, ...metadata } = newest.upload.metadata;
    const { version } = await this.addVersion({ ...newest.upload, metadata });
    await this.deploy([{ version_id: version.id, percentage: 100 }]);
  }

  findVersion(id: string): Version {
    const version = this.versions.find((candidate) => candidate.id === id);
    if (version === undefined) throw new CloudflareError(404, 10152, `version ${id} not found`);
    return version;
  }

  async deploy(split: Deployment["versions"], message = ""): Promise<Deployment> {
    if (split.length > 2) throw new CloudflareError(400, 10190, "a deployment has two versions at most");
    if (split.reduce((sum, { percentage }) => sum + percentage, 0) !== 100) {
      throw new CloudflareError(400, 10191, "the percentages of a deployment must add up to 100");
    }
    const versions = split.map(({ version_id }) => this.findVersion(version_id));
    if (versions.some(({ migrationTag }) => migrationTag !== this.migrationTag)) {
      throw new CloudflareError(
        400,
        10210,
        "a Durable Object migration lies between this version and the deployed one",
      );
    }
    const deployment = { id: randomUUID(), createdOn: new Date().toISOString(), message, versions: split };
    this.deployments.unshift(deployment);
    const kept = new Set(split.map(({ version_id }) => version_id));
    for (const [id, runtime] of this.#runtimes) {
      if (kept.has(id)) continue;
      this.#runtimes.delete(id);
      await (await runtime).close();
    }
    return deployment;
  }

  /** @param overrideId the version a request asks for; it counts only while it is part of the deployment */
  async runtimeFor(overrideId: string | undefined): Promise<VersionRuntime | undefined> {
    const split = this.deployments[0]?.versions ?? [];
    const overriding = split.find(({ version_id }) => version_id === overrideId);
    const chosen = overriding ?? choose(split);
    return chosen && this.#runtimeOf(this.findVersion(chosen.version_id));
  }

  async close(): Promise<void> {
    for (const runtime of this.#runtimes.values()) await (await runtime).close();
    this.#runtimes.clear();
  }

  /** What a binding is that is to stay as it is: a secret, or a namespace of the newest version. */
  #inherited(binding: Binding): Binding {
    if (binding.type !== "inherit" || this.secrets.has(binding.name)) return binding;
    const before = this.versions[0]?.upload.metadata.bindings.find(({ name }) => name === binding.name);
    if (before?.type === "kv_namespace") return before;
    throw new CloudflareError(400, 10057, `binding ${binding.name} has nothing to inherit`);
  }

  #runtimeOf(version: Version): Promise<VersionRuntime> {
    const running = this.#runtimes.get(version.id);
    if (running !== undefined) return running;
    const starting = startVersion(version, this.#hostname, this.#outbound, (line) => {
      this.logLines.push(line);
      for (const listener of this.logListeners) listener(line);
    });
    this.#runtimes.set(version.id, starting);
    return starting;
  }
}

/** Draws a version by the percentages. */
function choose(split: Deployment["versions"]): Deployment["versions"][number] | undefined {
  let drawn = Math.random() * 100;
  return split.find(({ percentage }) => {
    drawn -= percentage;
    return drawn < 0;
  });
}
