import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { LARGEST_BUNDLE_KIB } from "./bundle-budget.ts";

// Bundles the worker for every environment of wrangler.toml, as `wrangler deploy` would, and sends nothing anywhere.
// Says nothing unless a bundle cannot be made or is larger than its budget.

const LISTED_PARTS = 12;

const metafileSchema = z.object({
  outputs: z.record(z.string(), z.object({ inputs: z.record(z.string(), z.object({ bytesInOutput: z.number() })) })),
});

for (const environment of ["", "staging", "production"]) checkBundle(environment);

function checkBundle(environment: string): void {
  const name = environment || "development";
  const directory = mkdtempSync(join(tmpdir(), "mcp-task-server-"));
  try {
    const { status, stdout, stderr } = spawnSync(
      "wrangler",
      ["deploy", "--dry-run", "--metafile", "--outdir", directory, "--env", environment],
      { encoding: "utf8", env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" } },
    );
    const kib = Number(/Total Upload: .* gzip: ([\d.]+) KiB/.exec(stdout)?.[1]);
    if (status !== 0 || !(kib > 0)) fail(`${name}: wrangler deploy --dry-run failed\n${stdout}${stderr}`);
    else if (kib > LARGEST_BUNDLE_KIB) {
      fail(
        `${name}: the bundle is ${kib} KiB gzip; its budget in ops/bundle-budget.ts is ${LARGEST_BUNDLE_KIB}. ` +
          `What it is made of, before gzip:\n${describeParts(join(directory, "bundle-meta.json"))}`,
      );
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The packages and folders that take most room in a bundle, by esbuild's metafile. */
function describeParts(metafile: string): string {
  const { outputs } = metafileSchema.parse(JSON.parse(readFileSync(metafile, "utf8")));
  const sizes = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs))) {
    const part =
      /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1] ??
      /src\/[^/]+/.exec(path)?.[0] ??
      path;
    sizes.set(part, (sizes.get(part) ?? 0) + bytesInOutput);
  }
  return [...sizes]
    .sort(([, one], [, other]) => other - one)
    .slice(0, LISTED_PARTS)
    .map(([part, bytes]) => `${(bytes / 1024).toFixed(0).padStart(6)} KiB  ${part}`)
    .join("\n");
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
