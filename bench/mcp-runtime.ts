import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectDirectory } from "../local/environment.ts";
import { bundle, MAIN_MODULE } from "../ops/bundle/bundle.ts";
import { startWorkerd, type Workerd } from "./workerd.ts";

const READY_WITHIN_MILLISECONDS = 20_000;

/** Bundles the bench's worker, with all of the SDKs that McpAgent may need, and runs it in workerd, listening at `url`. */
export async function startBenchWorker(
  temporary: string,
  url: string,
  bindings: Readonly<Record<string, string>>,
): Promise<Workerd> {
  const configuration = join(temporary, "wrangler.toml");
  await writeFile(configuration, await benchConfiguration());
  const directory = join(temporary, "bundle");
  await bundle({ entry: join(import.meta.dirname, "mcp-worker.ts"), directory, hasWholePackages: true });
  const main = join(directory, MAIN_MODULE);
  const workerd = await startWorkerd({
    configuration,
    bundle: main,
    bindings,
    url,
    directory: join(temporary, "workerd"),
  });
  try {
    await waitUntilReady(url);
  } catch (error) {
    await workerd.close();
    throw error;
  }
  return workerd;
}

/** The product's own configuration, with McpAgent's object in it. */
async function benchConfiguration(): Promise<string> {
  const own = await readFile(join(projectDirectory, "wrangler.toml"), "utf8");
  return `${own.replace(/^LOG_LEVEL = .*$/m, 'LOG_LEVEL = "warn"')}
[[durable_objects.bindings]]
name = "BENCH_AGENT"
class_name = "BenchAgent"

[[migrations]]
tag = "bench"
new_sqlite_classes = ["BenchAgent"]
`;
}

/** Waits until a worker answers. */
export async function waitUntilReady(url: string): Promise<void> {
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
