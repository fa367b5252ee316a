import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { projectDirectory } from "./environment.ts";
import { StartError } from "./start-error.ts";

const WRANGLER = join(projectDirectory, "node_modules/wrangler/wrangler-dist/cli.js");

/**
 * Bundles the worker exactly as `wrangler deploy` does.
 *
 * @param directory where the bundle goes; whatever was there goes away
 * @param signal ends it early
 * @returns the bundle's path
 * @throws StartError with wrangler's own words
 */
export async function bundleWorker(directory: string, temporary: string, signal: AbortSignal): Promise<string> {
  await rm(directory, { recursive: true, force: true });
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
  return join(directory, "worker.js");
}
