import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { cp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { projectDirectory } from "./environment.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { StartError } from "./start-error.ts";

const WRANGLER = join(projectDirectory, "node_modules/wrangler/wrangler-dist/cli.js");
/** Where the last bundle is kept, by the fingerprint of what it was made of. */
const KEPT = join(projectDirectory, "node_modules/.cache/mcp-task-server");
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
  const kept = join(KEPT, await fingerprintOf(projectDirectory, SOURCES));
  if (!(await isCopied(kept, directory))) {
    await runWrangler(directory, temporary, signal);
    await keep(directory, kept);
  }
  return join(directory, "worker.js");
}

async function isCopied(kept: string, directory: string): Promise<boolean> {
  await rm(directory, { recursive: true, force: true });
  try {
    await cp(kept, directory, { recursive: true });
    return true;
  } catch {
    // There is none, or another start has just made room for a newer one: wrangler makes it again.
    await rm(directory, { recursive: true, force: true });
    return false;
  }
}

/** Keeps a bundle for the next start, in the place of those of other sources. */
async function keep(directory: string, kept: string): Promise<void> {
  const partial = join(KEPT, randomUUID());
  try {
    await rm(KEPT, { recursive: true, force: true });
    await cp(directory, partial, { recursive: true });
    await rename(partial, kept);
  } catch {
    // The project may not be its user's to write to, or another start keeps the same: there is a bundle all the same.
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
  }
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
