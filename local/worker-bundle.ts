import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeOnce } from "./kept-builds.ts";
import { StartError } from "./start-error.ts";

/** All that a bundle is made of; what npm has installed is known by its lock files. */
const SOURCES = [
  "src",
  "ops/bundle",
  "tsconfig.json",
  "package.json",
  "package-lock.json",
  "node_modules/.package-lock.json",
];

/**
 * Makes the bundle that `wrangler deploy` uploads, or takes the one that was made of the same sources before.
 *
 * @param directory where the bundle goes; whatever was there goes away
 * @returns the path of its main module
 * @throws StartError with the bundler's own words
 */
export async function bundleWorker(directory: string): Promise<string> {
  await makeOnce(directory, { kind: "bundle", sources: SOURCES, make });
  return join(directory, "worker.js");
}

async function make(directory: string): Promise<void> {
  try {
    const { bundle, WORKER_ENTRY } = await import("../ops/bundle/bundle.ts");
    await bundle({ entry: WORKER_ENTRY, directory });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`the worker cannot be bundled: ${reason.replace(/\s+/g, " ").trim()}`, { cause: error });
  }
}

/** What Miniflare is told of a bundle: its modules, the main one first, and where they are. */
export function modulesOf(main: string) {
  const directory = dirname(main);
  const others = readdirSync(directory)
    .filter((name) => name.endsWith(".js"))
    .map((name) => join(directory, name))
    .filter((path) => path !== main);
  return { modules: [main, ...others].map((path) => ({ type: "ESModule" as const, path })), modulesRoot: directory };
}
