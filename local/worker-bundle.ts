import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { projectDirectory } from "./environment.ts";
import { makeOnce } from "./kept-builds.ts";
import { StartError } from "./start-error.ts";

const WRANGLER = join(projectDirectory, "node_modules/wrangler/wrangler-dist/cli.js");
/** All that a bundle is made of; what npm has installed is known by its lock files. */
const SOURCES = [
  "src",
  "wrangler.toml",
  "tsconfig.json",
  "package.json",
  "package-lock.json",
  "node_modules/.package-lock.json",
];

/**
 * Bundles the worker exactly as `wrangler deploy` does, or takes the bundle that was made of the same sources before.
 *
 * @param directory where the bundle goes; whatever was there goes away
 * @param signal ends it early
 * @returns the bundle's path
 * @throws StartError with wrangler's own words
 */
export async function bundleWorker(directory: string, temporary: string, signal: AbortSignal): Promise<string> {
  const make = (into: string) => runWrangler(into, temporary, signal);
  await makeOnce(directory, { kind: "bundle", sources: SOURCES, make });
  return join(directory, "worker.js");
}

async function runWrangler(directory: string, temporary: string, signal: AbortSignal): Promise<void> {
  const wrangler = spawn(
    process.execPath,
    ["--no-warnings", WRANGLER, "deploy", "--dry-run", "--env", "", "--outdir", directory],
    {
      cwd: projectDirectory,
      signal,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: "false",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
        WRANGLER_HIDE_BANNER: "true",
        WRANGLER_LOG_PATH: join(temporary, "wrangler-logs"),
        XDG_CONFIG_HOME: join(temporary, "config"),
        FORCE_COLOR: "0",
      },
    },
  );
  const [[code], output, errors] = await Promise.all([
    once(wrangler, "close"),
    text(wrangler.stdout),
    text(wrangler.stderr),
  ]);
  if (code !== 0)
    throw new StartError(`the worker cannot be bundled: ${`${errors}${output}`.replace(/\s+/g, " ").trim()}`);
}
