import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LARGEST_BUNDLE_KIB, NODE_MODULES_AT_START, PACKAGES_AT_START } from "./bundle/budget.ts";
import { bundle, WORKER_ENTRY } from "./bundle/bundle.ts";
import { evaluatedAtStart, type ModuleGraph, partsOf } from "./bundle/contents.ts";
import { readMigrationFiles } from "./database/migration-files.ts";

// Bundles the worker for every environment of wrangler.toml, as `wrangler deploy` would, and sends nothing anywhere.
// Says nothing unless a bundle cannot be made, is larger than its budget, or evaluates more at its start than it may, or
// wrangler warns of the configuration: it would with every command that an operator runs. Throws for migrations that could not
// be read, such as two of one number, which two branches have made.

const LISTED_PARTS = 12;

await readMigrationFiles();
const graph = await bundleOnce();
const problems = [
  ...describeExtras(graph),
  ...["", "staging", "production"].flatMap((environment) =>
    problemsOf(environment, graph).map((problem) => `${environment || "development"}: ${problem}`),
  ),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

async function bundleOnce(): Promise<ModuleGraph> {
  const directory = mkdtempSync(join(tmpdir(), "mcp-task-server-"));
  try {
    return await bundle({ entry: WORKER_ENTRY, directory });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function problemsOf(environment: string, graph: ModuleGraph): string[] {
  const { status, stdout, stderr } = spawnSync("wrangler", ["deploy", "--dry-run", "--env", environment], {
    encoding: "utf8",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
  });
  const kib = Number(/Total Upload: .* gzip: ([\d.]+) KiB/.exec(stdout)?.[1]);
  if (status !== 0 || !(kib > 0)) return [`wrangler deploy --dry-run failed\n${stdout}${stderr}`];
  return [
    ...(stderr.includes("WARNING") ? [`wrangler warns of wrangler.toml:\n${stderr}`] : []),
    ...(kib > LARGEST_BUNDLE_KIB ? [describeSize(kib, graph)] : []),
  ];
}

function describeSize(kib: number, graph: ModuleGraph): string {
  const largest = partsOf(graph)
    .slice(0, LISTED_PARTS)
    .map(({ name, bytes }) => `${(bytes / 1024).toFixed(0).padStart(6)} KiB  ${name}`);
  return [
    `the bundle is ${kib} KiB gzip, over its budget of ${LARGEST_BUNDLE_KIB}. Before it is minified:`,
    ...largest,
  ].join("\n");
}

function describeExtras(graph: ModuleGraph): string[] {
  const allowed = [...PACKAGES_AT_START, ...NODE_MODULES_AT_START];
  return Array.from(evaluatedAtStart(graph), ([name, way]) => ({ name, way }))
    .filter(({ name }) => !allowed.includes(name))
    .map(
      ({ name, way }) =>
        `${name} is evaluated before the first answer; load it by import(). Imported by ${way.join(" → ")}`,
    );
}
