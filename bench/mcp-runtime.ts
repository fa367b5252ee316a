import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from "miniflare";
import { z } from "zod";
import { childrenOf } from "../test/support/processes.ts";

const projectDirectory = join(import.meta.dirname, "..");
const WRANGLER = join(projectDirectory, "node_modules/wrangler/wrangler-dist/cli.js");
const bindingsSchema = z.record(z.string(), z.json()).default({});

/** The bench's worker while it runs. */
export interface BenchWorker {
  /** The processor time that workerd has used so far, in milliseconds. */
  processorTime(): Promise<number>;
  close(): Promise<void>;
}

const MILLISECONDS_A_TICK = 10;

/** Bundles the bench's worker as `wrangler deploy` does, and runs it in workerd with its own listener at `url`. */
export async function startBenchWorker(
  temporary: string,
  url: string,
  bindings: Readonly<Record<string, string>>,
): Promise<BenchWorker> {
  const bundle = join(temporary, "bundle");
  const configuration = join(temporary, "wrangler.toml");
  await writeFile(configuration, await benchConfiguration());
  Object.assign(process.env, {
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_LOG: "none",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
  });
  await promisify(execFile)(
    process.execPath,
    ["--no-warnings", WRANGLER, "deploy", "--dry-run", "--config", configuration, "--env", "", "--outdir", bundle],
    { cwd: projectDirectory },
  );
  const { unstable_getMiniflareWorkerOptions } = await import("wrangler");
  const { workerOptions } = unstable_getMiniflareWorkerOptions(configuration);
  const { modulesRules: _, bindings: configured, ...options } = workerOptions;
  const { hostname, port } = new URL(url);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      log: new NoOpLog(),
      handleStructuredLogs: () => undefined,
      resourcePersistencePath: join(temporary, "storage"),
      workers: [
        {
          ...options,
          modules: [{ type: "ESModule", path: join(bundle, "mcp-worker.js") }],
          modulesRoot: bundle,
          bindings: { ...bindingsSchema.parse(configured), ...bindings },
          // Past Miniflare's own worker, which would be most of what is measured.
          unsafeDirectSockets: [{ host: hostname, port: Number(port) }],
        },
      ],
    }),
  );
  await miniflare.ready;
  const pid = await findWorkerd();
  return {
    async processorTime() {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) * MILLISECONDS_A_TICK;
    },
    close: () => miniflare.dispose(),
  };
}

/** The product's own configuration, with McpAgent's object in it and without rate limits. */
async function benchConfiguration(): Promise<string> {
  const own = await readFile(join(projectDirectory, "wrangler.toml"), "utf8");
  return `${own
    .replace(/^main = .*$/m, `main = ${JSON.stringify(join(import.meta.dirname, "mcp-worker.ts"))}`)
    .replaceAll(/limit = \d+/g, "limit = 1_000_000_000")
    .replace(/^LOG_LEVEL = .*$/m, 'LOG_LEVEL = "warn"')}
[[durable_objects.bindings]]
name = "BENCH_AGENT"
class_name = "BenchAgent"

[[migrations]]
tag = "bench"
new_sqlite_classes = ["BenchAgent"]
`;
}

async function findWorkerd(): Promise<number> {
  for (const pid of await childrenOf(process.pid)) {
    if ((await readFile(`/proc/${pid}/comm`, "utf8")).trim() === "workerd") return pid;
  }
  throw new Error("workerd is not there");
}
