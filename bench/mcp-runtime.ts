import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { z } from "zod";

const projectDirectory = join(import.meta.dirname, "..");
const WRANGLER = join(projectDirectory, "node_modules/wrangler/wrangler-dist/cli.js");
const WORKERD = join(projectDirectory, "node_modules/workerd/bin/workerd");
const BUNDLE = "mcp-worker.js";
const READY_WITHIN_MILLISECONDS = 20_000;
const MILLISECONDS_A_TICK = 10;

/** The bench's worker while it runs. */
export interface BenchWorker {
  /** The processor time that workerd has used so far, in milliseconds. */
  processorTime(): Promise<number>;
  close(): Promise<void>;
}

/** What of a wrangler configuration workerd is told. */
const optionsSchema = z.object({
  compatibilityDate: z.string(),
  bindings: z.record(z.string(), z.string()),
  durableObjects: z.record(z.string(), z.object({ className: z.string() })),
  ratelimits: z.record(z.string(), z.unknown()),
});

type WorkerOptions = z.output<typeof optionsSchema>;

/**
 * Bundles the bench's worker as `wrangler deploy` does, and runs it in workerd itself, listening at `url`. Miniflare
 * would put workers of its own before and behind it, whose share of each call is not ours.
 */
export async function startBenchWorker(
  temporary: string,
  url: string,
  bindings: Readonly<Record<string, string>>,
): Promise<BenchWorker> {
  const configuration = join(temporary, "wrangler.toml");
  await writeFile(configuration, await benchConfiguration());
  Object.assign(process.env, {
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_LOG: "none",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
  });
  await promisify(execFile)(
    process.execPath,
    ["--no-warnings", WRANGLER, "deploy", "--dry-run", "--config", configuration, "--env", "", "--outdir", temporary],
    { cwd: projectDirectory },
  );
  const { unstable_getMiniflareWorkerOptions } = await import("wrangler");
  const { workerOptions } = unstable_getMiniflareWorkerOptions(configuration);
  const options = optionsSchema.parse(workerOptions);
  await mkdir(join(temporary, "storage"));
  await writeFile(
    join(temporary, "workerd.capnp"),
    workerdConfiguration(new URL(url).host, { ...options, bindings: { ...options.bindings, ...bindings } }),
  );

  const workerd = spawn(WORKERD, ["serve", "--experimental", "workerd.capnp"], {
    cwd: temporary,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exit = once(workerd, "exit");
  const close = async () => {
    workerd.kill("SIGKILL");
    await exit;
  };
  try {
    await waitUntilReady(url);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async processorTime() {
      const stat = await readFile(`/proc/${workerd.pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) * MILLISECONDS_A_TICK;
    },
    close,
  };
}

/** The product's own configuration, with McpAgent's object in it. */
async function benchConfiguration(): Promise<string> {
  const own = await readFile(join(projectDirectory, "wrangler.toml"), "utf8");
  return `${own
    .replace(/^main = .*$/m, `main = ${JSON.stringify(join(import.meta.dirname, "mcp-worker.ts"))}`)
    .replace(/^LOG_LEVEL = .*$/m, 'LOG_LEVEL = "warn"')}
[[durable_objects.bindings]]
name = "BENCH_AGENT"
class_name = "BenchAgent"

[[migrations]]
tag = "bench"
new_sqlite_classes = ["BenchAgent"]
`;
}

/**
 * The configuration in workerd's own format (Cap'n Proto's text). The rate limiters let everybody pass: what stands in
 * for Cloudflare's on one machine costs more than all else before the lanes.
 */
function workerdConfiguration(
  address: string,
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
  modules = [(name = ${text(BUNDLE)}, esModule = embed ${text(BUNDLE)})],
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

async function waitUntilReady(url: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MILLISECONDS;
  for (;;) {
    try {
      await fetch(new URL("/health", url));
      return;
    } catch (error) {
      if (Date.now() > deadline) throw new Error("workerd does not answer", { cause: error });
      await sleep(50);
    }
  }
}
