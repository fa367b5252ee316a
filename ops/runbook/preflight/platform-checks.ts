import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunbookError } from "../runbook-error.ts";
import { projectDirectory } from "../settings.ts";
import { runWrangler } from "../wrangler-process.ts";
import { type PreflightCheck, type PreflightContext, seen } from "./check.ts";

/** https://developers.cloudflare.com/workers/platform/limits/, of the free plan. */
const LARGEST_GZIP_KIB = 3 * 1024;
const LONGEST_STARTUP_MILLISECONDS = 1_000;

const LIMITERS = [
  "ADDRESS_RATE_LIMITER",
  "CREDENTIAL_RATE_LIMITER",
  "USER_RATE_LIMITER",
  "SIGN_IN_EMAIL_RATE_LIMITER",
  "SIGN_IN_ADDRESS_RATE_LIMITER",
  "REGISTRATION_RATE_LIMITER",
];
const MONITORING = ["ops/prometheus/alerts.yml", "ops/alertmanager/alertmanager.yml", "ops/grafana/application.json"];
const DOCUMENTS = [
  "index",
  "deployment",
  "configuration",
  "troubleshooting",
  "monitoring",
  "runbook",
  "security",
  "acceptance",
  "disaster-recovery",
  "storage",
  "publishing",
];

/** The platform's limits, and what stands ready beside the worker. */
export const platformChecks: readonly PreflightCheck[] = [
  { name: "bundle and start-up", run: checkStartup },
  {
    name: "rate limits",
    async run({ target }) {
      const missing = LIMITERS.filter((wanted) => !target.rateLimits.some(({ name }) => name === wanted));
      if (missing.length > 0) throw new RunbookError(`not configured: ${missing.join(", ")}`);
      return seen(target.rateLimits.map(({ name, limit, period }) => `${name} ${limit} in ${period} s`).join(", "));
    },
  },
  {
    name: "application logging",
    async run({ target }) {
      const table = `[env.${target.environment}.observability]`;
      if (!target.isObserved) throw new RunbookError(`${table} is not enabled`);
      if (!target.hidesQueries) {
        throw new RunbookError(
          `${table} has no redact_query_string = true: Cloudflare's logs would have links' tokens`,
        );
      }
      return seen("[observability] is enabled, without query strings; request lines are always written");
    },
  },
  { name: "alerting rules and dashboards", run: async () => seenFiles(MONITORING) },
  { name: "documentation", run: async () => seenFiles(DOCUMENTS.map((name) => `docs/${name}.md`)) },
];

async function checkStartup({ target }: PreflightContext) {
  const directory = await mkdtemp(join(tmpdir(), "mcp-task-server-startup-"));
  try {
    const args = `--env ${target.environment} --config ${target.configPath}`;
    const outfile = join(directory, "startup.cpuprofile");
    // As one argument: of two, wrangler takes the second for options of its own.
    const { stdout } = await runWrangler(["check", "startup", "--outfile", outfile, `--args=${args}`]);
    const gzip = Number(/gzip: ([\d.]+) KiB/.exec(stdout)?.[1]);
    const startup = Number(/Active: ([\d.]+) ms/.exec(stdout)?.[1]);
    if (!(gzip > 0 && startup > 0)) throw new RunbookError("wrangler check startup said neither size nor time");
    const evidence = `${Math.round(gzip)} KiB gzip of ${LARGEST_GZIP_KIB}, ${Math.round(startup)} ms of ${LONGEST_STARTUP_MILLISECONDS} to start, on this machine`;
    if (gzip >= LARGEST_GZIP_KIB || startup >= LONGEST_STARTUP_MILLISECONDS) throw new RunbookError(evidence);
    return seen(evidence);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function seenFiles(paths: readonly string[]) {
  const missing = paths.filter((path) => !existsSync(join(projectDirectory, path)));
  if (missing.length > 0) throw new RunbookError(`missing: ${missing.join(", ")}`);
  const sizes = await Promise.all(paths.map(async (path) => (await readFile(join(projectDirectory, path))).length));
  return seen(`${paths.length} files, ${sizes.reduce((sum, size) => sum + size, 0)} bytes`);
}
