import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LARGEST_BUNDLE_KIB, NODE_MODULES_AT_START, PACKAGES_AT_START } from "./bundle/budget.ts";
import { type BundleContents, readContents } from "./bundle/contents.ts";

// Bundles the worker for every environment of wrangler.toml, as `wrangler deploy` would, and sends nothing anywhere.
// Says nothing unless a bundle cannot be made, is larger than its budget, or evaluates more at its start than it may, or
// wrangler warns of the configuration: it would with every command that an operator runs.

const LISTED_PARTS = 12;

for (const environment of ["", "staging", "production"]) {
  for (const problem of problemsOf(environment)) {
    console.error(`${environment || "development"}: ${problem}`);
    process.exitCode = 1;
  }
}

function problemsOf(environment: string): string[] {
  const directory = mkdtempSync(join(tmpdir(), "mcp-task-server-"));
  try {
    const { status, stdout, stderr } = spawnSync(
      "wrangler",
      ["deploy", "--dry-run", "--metafile", "--outdir", directory, "--env", environment],
      { encoding: "utf8", env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" } },
    );
    const kib = Number(/Total Upload: .* gzip: ([\d.]+) KiB/.exec(stdout)?.[1]);
    if (status !== 0 || !(kib > 0)) return [`wrangler deploy --dry-run failed\n${stdout}${stderr}`];
    const contents = readContents(readFileSync(join(directory, "bundle-meta.json"), "utf8"));
    return [
      ...(stderr.includes("WARNING") ? [`wrangler warns of wrangler.toml:\n${stderr}`] : []),
      ...(kib > LARGEST_BUNDLE_KIB ? [describeSize(kib, contents)] : []),
      ...describeExtras(contents),
      ...describeWideCharacters(readFileSync(join(directory, "worker.js"), "utf8")),
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function describeSize(kib: number, { parts }: BundleContents): string {
  const largest = parts
    .slice(0, LISTED_PARTS)
    .map(({ name, bytes }) => `${(bytes / 1024).toFixed(0).padStart(6)} KiB  ${name}`);
  return [`the bundle is ${kib} KiB gzip, over its budget of ${LARGEST_BUNDLE_KIB}. Before gzip:`, ...largest].join(
    "\n",
  );
}

function describeExtras({ atStart }: BundleContents): string[] {
  const allowed = [...PACKAGES_AT_START, ...NODE_MODULES_AT_START];
  return Array.from(atStart, ([name, way]) => ({ name, way }))
    .filter(({ name }) => !allowed.includes(name))
    .map(
      ({ name, way }) =>
        `${name} is evaluated before the first answer; load it by import(). Imported by ${way.join(" → ")}`,
    );
}

/**
 * One character beyond U+00FF, and V8 keeps and reads all of the bundle at two bytes a character. esbuild escapes them in
 * strings, but not in regular expressions.
 */
function describeWideCharacters(bundle: string): string[] {
  const wide = /.{0,30}[^\0-\u00ff].{0,30}/.exec(bundle)?.[0];
  return wide === undefined ? [] : [`a regular expression must name by \\u what is beyond U+00FF, unlike ${wide}`];
}
