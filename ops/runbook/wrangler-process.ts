import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import { RunbookError } from "./runbook-error.ts";
import { projectDirectory } from "./settings.ts";

/**
 * Node's arguments for wrangler's own program. With room for what its 15 MB make as they start, V8 collects less garbage: a
 * start takes a quarter less of processor time.
 */
export const WRANGLER: readonly string[] = [
  "--no-warnings",
  "--min-semi-space-size=32",
  join(projectDirectory, "node_modules/wrangler/wrangler-dist/cli.js"),
];

// What wrangler writes to WRANGLER_OUTPUT_FILE_PATH, one JSON object a line.
const outputEntrySchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("wrangler-session"), wrangler_version: z.string() }),
  z.object({
    type: z.literal("version-upload"),
    version_id: z.string(),
    bundle_size: z.object({ raw_bytes: z.number(), gzip_bytes: z.number() }).optional(),
  }),
  z.object({ type: z.literal("version-deploy"), version_traffic: z.record(z.string(), z.number()).optional() }),
  z.object({ type: z.literal("deploy"), version_id: z.string().nullable(), targets: z.array(z.string()).optional() }),
  z.object({ type: z.literal("command-failed"), message: z.string(), code: z.number().optional() }),
]);

type OutputEntry = z.output<typeof outputEntrySchema>;

/** What a run of wrangler printed, and what it wrote for programs. */
export interface WranglerOutput {
  readonly stdout: string;
  readonly entries: readonly OutputEntry[];
}

const NOT_SIGNED_IN =
  "it is not signed in: put CLOUDFLARE_API_TOKEN into the environment or the environment's file, or run npx wrangler login";

/** wrangler said no. */
export class WranglerError extends RunbookError {
  override readonly name = "WranglerError";
}

/**
 * Runs the project's own wrangler and waits for its end.
 *
 * @param input what it reads, so that no secret stands among its arguments
 * @throws WranglerError with wrangler's own words
 */
export async function runWrangler(args: readonly string[], input = ""): Promise<WranglerOutput> {
  const directory = await mkdtemp(join(tmpdir(), "mcp-task-server-wrangler-"));
  const outputFile = join(directory, "output.ndjson");
  try {
    const child = spawn(process.execPath, [...WRANGLER, ...args], {
      cwd: projectDirectory,
      // Out of reach of the terminal's Ctrl-C: it ends what it has begun, and we know how.
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: wranglerEnvironment({ WRANGLER_LOG_PATH: join(directory, "logs"), WRANGLER_OUTPUT_FILE_PATH: outputFile }),
    });
    // It may end without reading what it is given.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const [[code], stdout, stderr] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
    const entries = await readEntries(outputFile);
    if (code !== 0)
      throw new WranglerError(`wrangler ${args.slice(0, 2).join(" ")}: ${wordsOf(entries, stderr, stdout)}`);
    return { stdout, entries };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What makes wrangler quiet, uncoloured and sure of itself. */
export function wranglerEnvironment(variables: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return {
    ...process.env,
    // Non-interactive: what it would ask has been decided here.
    CI: "1",
    FORCE_COLOR: "0",
    NO_COLOR: "1",
    WRANGLER_HIDE_BANNER: "true",
    // Below this level it does not even print the JSON that it is asked for.
    WRANGLER_LOG: "log",
    WRANGLER_SEND_METRICS: "false",
    ...variables,
  };
}

async function readEntries(file: string): Promise<OutputEntry[]> {
  const lines = await readFile(file, "utf8").catch(() => "");
  return lines.split("\n").flatMap((line) => {
    const entry = outputEntrySchema.safeParse(line === "" ? undefined : JSON.parse(line));
    return entry.success ? [entry.data] : [];
  });
}

function wordsOf(entries: readonly OutputEntry[], stderr: string, stdout: string): string {
  const failure = entries.find((entry) => entry.type === "command-failed");
  // Of what Cloudflare has refused, its own words are said to people only.
  const refusals = Array.from(stderr.matchAll(/^.*\[code: \d+\]/gm), ([line]) => line.trim());
  const said = failure === undefined ? stderr || stdout : [failure.message, ...refusals].join(" ");
  // Its own advice names a flag that no command of ours takes, and another account.
  if (/necessary to set a CLOUDFLARE_API_TOKEN/.test(said)) return NOT_SIGNED_IN;
  return stripVTControlCharacters(said).replace(/\s+/g, " ").trim().slice(0, 500);
}
