import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { projectDirectory } from "../local/environment.ts";

const WRANGLER = join(projectDirectory, "node_modules/wrangler/wrangler-dist/cli.js");
const WORKERD = join(projectDirectory, "node_modules/workerd/bin/workerd");
const MILLISECONDS_A_TICK = 10;

/** A workerd process that runs one worker. */
export interface Workerd {
  /** The processor time that it has used so far, user and system, in milliseconds. */
  processorTime(): Promise<number>;
  close(): Promise<void>;
}

/** What of a wrangler configuration workerd is told. */
const optionsSchema = z.object({
  compatibilityDate: z.string(),
  bindings: z.record(z.string(), z.string()).default({}),
  durableObjects: z.record(z.string(), z.object({ className: z.string() })).default({}),
  ratelimits: z.record(z.string(), z.unknown()).default({}),
});

type WorkerOptions = z.output<typeof optionsSchema>;

/**
 * Bundles the worker of a wrangler configuration as `wrangler deploy` does.
 *
 * @param directory where the bundle goes
 * @returns the path of its main module
 */
export async function bundleWorker(configuration: string, directory: string): Promise<string> {
  await promisify(execFile)(
    process.execPath,
    ["--no-warnings", WRANGLER, "deploy", "--dry-run", "--config", configuration, "--env", "", "--outdir", directory],
    {
      cwd: dirname(configuration),
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
    },
  );
  const main = /^main = "(.*)"$/m.exec(await readFile(configuration, "utf8"))?.[1];
  if (main === undefined) throw new Error(`${configuration} names no main module`);
  return join(directory, basename(main).replace(/\.ts$/, ".js"));
}

/** What is needed to run a bundle. */
export interface WorkerdSettings {
  /** The wrangler configuration that the bundle was made by. */
  readonly configuration: string;
  /** The path of its main module; the others stand beside it. */
  readonly bundle: string;
  /** Variables and secrets beside those of the configuration. */
  readonly bindings: Readonly<Record<string, string>>;
  /** Where it is to listen. */
  readonly url: string;
  /** Where its configuration and its storage are kept; it must not exist yet. */
  readonly directory: string;
}

/**
 * Starts a bundle in workerd itself; Miniflare would put workers of its own before and behind it, whose share of each
 * call is not ours. It may take a moment to listen.
 */
export async function startWorkerd({
  configuration,
  bundle,
  bindings,
  url,
  directory,
}: WorkerdSettings): Promise<Workerd> {
  const options = await readOptions(configuration);
  await mkdir(join(directory, "storage"), { recursive: true });
  const main = basename(bundle);
  const others = (await readdir(dirname(bundle))).filter((name) => name.endsWith(".js") && name !== main);
  const modules = [main, ...others];
  for (const name of modules) await cp(join(dirname(bundle), name), join(directory, name));
  const settings = { ...options, bindings: { ...options.bindings, ...bindings } };
  await writeFile(join(directory, "workerd.capnp"), workerdConfiguration(new URL(url).host, modules, settings));
  const workerd = spawn(WORKERD, ["serve", "--experimental", "workerd.capnp"], {
    cwd: directory,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exit = once(workerd, "exit");
  return {
    async processorTime() {
      const stat = await readFile(`/proc/${workerd.pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) * MILLISECONDS_A_TICK;
    },
    async close() {
      workerd.kill("SIGKILL");
      await exit;
    },
  };
}

async function readOptions(configuration: string): Promise<WorkerOptions> {
  // wrangler would warn of secrets that it cannot see; they are among the bindings.
  Object.assign(process.env, { WRANGLER_SEND_METRICS: "false", WRANGLER_LOG: "none" });
  const { unstable_getMiniflareWorkerOptions } = await import("wrangler");
  return optionsSchema.parse(unstable_getMiniflareWorkerOptions(configuration).workerOptions);
}

/**
 * The configuration in workerd's own format (Cap'n Proto's text). The rate limiters let everybody pass: what stands in
 * for Cloudflare's on one machine costs more than all else before the lanes.
 */
function workerdConfiguration(
  address: string,
  modules: readonly string[],
  { compatibilityDate, bindings, durableObjects, ratelimits }: WorkerOptions,
): string {
  const text = JSON.stringify;
  const classes = Object.values(durableObjects).map(({ className }) => className);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "storage", disk = (path = "storage", writable = true)),
  ],
  sockets = [(name = "http", address = ${text(address)}, http = (), service = "main")],
  extensions = [(modules = [
    ${internalModule("bench:unlimited", "export default () => ({ limit: () => Promise.resolve({ success: true }) })")},
    # agents imports it, and only Cloudflare and Miniflare have it.
    ${internalModule("cloudflare-internal:email", "export default { EmailMessage: class {} }")},
  ])],
);
const main :Workerd.Worker = (
  modules = [
    ${modules.map((name) => `(name = ${text(name)}, esModule = embed ${text(name)}),`).join("\n    ")}
  ],
  compatibilityDate = ${text(compatibilityDate)},
  bindings = [
    ${Object.entries(bindings)
      .map(([name, value]) => `(name = ${text(name)}, text = ${text(value)}),`)
      .join("\n    ")}
    (name = "CF_VERSION_METADATA", json = ${text(JSON.stringify({ id: "", tag: "", timestamp: "0" }))}),
    ${Object.entries(durableObjects)
      .map(([name, { className }]) => `(name = ${text(name)}, durableObjectNamespace = ${text(className)}),`)
      .join("\n    ")}
    ${Object.keys(ratelimits)
      .map((name) => `(name = ${text(name)}, wrapped = (moduleName = "bench:unlimited")),`)
      .join("\n    ")}
  ],
  durableObjectNamespaces = [
    ${classes.map((name) => `(className = ${text(name)}, uniqueKey = ${text(name)}, enableSql = true),`).join("\n    ")}
  ],
  durableObjectStorage = (localDisk = "storage"),
);
`;
}

function internalModule(name: string, source: string): string {
  return `(name = ${JSON.stringify(name)}, internal = true, esModule = ${JSON.stringify(source)})`;
}
