import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectDirectory } from "../local/environment.ts";
import { bundleWorker, startWorkerd, type Workerd } from "./workerd.ts";

const READY_WITHIN_MILLISECONDS = 20_000;

/** Bundles the bench's worker as `wrangler deploy` does, and runs it in workerd, listening at `url`. */
export async function startBenchWorker(
  temporary: string,
  url: string,
  bindings: Readonly<Record<string, string>>,
): Promise<Workerd> {
  const configuration = join(temporary, "wrangler.toml");
  await writeFile(configuration, await benchConfiguration());
  const bundle = await bundleWorker(configuration, temporary);
  const workerd = await startWorkerd({ configuration, bundle, bindings, url, directory: join(temporary, "workerd") });
  try {
    await waitUntilReady(url);
  } catch (error) {
    await workerd.close();
    throw error;
  }
  return workerd;
}

/** The product's own configuration, with McpAgent's object in it, and with ajv, which McpAgent needs. */
async function benchConfiguration(): Promise<string> {
  const own = await readFile(join(projectDirectory, "wrangler.toml"), "utf8");
  return `${own
    .replace(/^main = .*$/m, `main = ${JSON.stringify(join(import.meta.dirname, "mcp-worker.ts"))}`)
    .replace(/^LOG_LEVEL = .*$/m, 'LOG_LEVEL = "warn"')
    .replace(/^\[alias\]\n(?:.+\n)*/m, "")}
[[durable_objects.bindings]]
name = "BENCH_AGENT"
class_name = "BenchAgent"

[[migrations]]
tag = "bench"
new_sqlite_classes = ["BenchAgent"]
`;
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
