import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Bundles the worker for every environment of wrangler.toml, as `wrangler deploy` would, and sends nothing anywhere.

for (const environment of ["", "staging", "production"]) {
  const directory = mkdtempSync(join(tmpdir(), "mcp-task-server-"));
  const { status, stdout, stderr } = spawnSync(
    "wrangler",
    ["deploy", "--dry-run", "--minify", "--outdir", directory, "--env", environment],
    { encoding: "utf8", env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" } },
  );
  rmSync(directory, { recursive: true });
  const size = /Total Upload: .*/.exec(stdout)?.[0];
  if (status !== 0 || size === undefined) {
    console.error(`${environment || "development"}: wrangler deploy --dry-run failed\n${stdout}${stderr}`);
    process.exit(1);
  }
  console.log(`${environment || "development"}: ${size}`);
}
