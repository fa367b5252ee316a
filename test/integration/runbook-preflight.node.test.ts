import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { Deployment } from "../../ops/runbook/deployment.ts";
import { checkCertificate, checkRedirect } from "../../ops/runbook/preflight/edge-checks.ts";
import { platformChecks } from "../../ops/runbook/preflight/platform-checks.ts";
import { readPreflightResults } from "../../ops/runbook/preflight/preflight-result.ts";
import { readReleaseTarget } from "../../ops/runbook/release-target.ts";
import { Settings } from "../../ops/runbook/settings.ts";
import { Wrangler } from "../../ops/runbook/wrangler.ts";
import { freePort } from "../support/processes.ts";

const projectDirectory = join(import.meta.dirname, "../..");
const CLI = join(projectDirectory, "ops/runbook/cli.ts");
const resultSchema = z.object({
  outcome: z.string(),
  steps: z.array(z.object({ name: z.string(), status: z.string(), evidence: z.string() })),
});

/** What the registry said of hono on a day when it had a vulnerability. */
const ADVISORY = {
  hono: [
    {
      id: 1_103_999,
      url: "https://github.com/advisories/GHSA-m732-5p4w-x69g",
      title: "Hono Improper Authorization vulnerability",
      severity: "high",
      vulnerable_versions: ">=1.1.0 <999.0.0",
      cwe: ["CWE-285"],
      cvss: { score: 8.1, vectorString: "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:N" },
    },
  ],
};

describe("preflight of the code", () => {
  let directory: string;
  let registry: Server;
  let registryUrl: string;
  let advisories: unknown;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tasks-preflight-"));
    const port = await freePort();
    registry = createServer(async (request, response) => {
      await text(request);
      if (!request.url?.endsWith("/advisories/bulk") || advisories === undefined) return response.writeHead(405).end();
      return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(advisories));
    }).listen(port, "127.0.0.1");
    registryUrl = `http://127.0.0.1:${port}/`;
  });

  afterEach(async () => {
    registry.close();
    registry.closeAllConnections();
    await rm(directory, { recursive: true, force: true });
  });

  /** A vitest report in which each suite has tests of these outcomes. */
  async function reportOf(outcomes: Record<string, string[]>, covered: number): Promise<string> {
    const testResults = Object.entries(outcomes).map(([suite, statuses]) => ({
      name: join(projectDirectory, `test/${suite}/a.test.ts`),
      status: statuses.includes("failed") ? "failed" : "passed",
      assertionResults: statuses.map((status, index) => ({ status, fullName: `${suite} ${index}` })),
    }));
    const s = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [index, index < covered ? 1 : 0]));
    const path = join(directory, "report.json");
    await writeFile(
      path,
      JSON.stringify({
        success: testResults.every(({ status }) => status === "passed"),
        testResults,
        coverageMap: { "src/a.ts": { s } },
      }),
    );
    return path;
  }

  async function preflight(report: string, ...args: string[]) {
    const child = spawn(
      process.execPath,
      [
        ...["--no-warnings", CLI, "preflight", "--only", "code", "--json", "--test-report", report],
        ...["--log-dir", join(directory, "deployments"), ...args],
      ],
      { env: { ...process.env, npm_config_registry: registryUrl, HOME: directory }, stdio: ["ignore", "pipe", "pipe"] },
    );
    const [[code], stdout] = await Promise.all([once(child, "close"), text(child.stdout)]);
    const { outcome, steps } = resultSchema.parse(JSON.parse(stdout));
    return { code: Number(code), outcome, steps: new Map(steps.map((step) => [step.name, step])) };
  }

  const good = { unit: ["passed"], integration: ["passed", "passed"], contract: ["passed"], security: ["passed"] };

  it("ticks each suite apart, coverage and the audit, and names what only a person can do", async () => {
    advisories = {};
    const { code, steps } = await preflight(await reportOf(good, 91));

    expect(code).toBe(0);
    expect(steps.get("integration tests")).toMatchObject({ status: "done", evidence: "2 of 2 passed" });
    expect(steps.get("coverage")).toMatchObject({ evidence: "91.0 % of 100 statements, 80 % are needed" });
    expect(steps.get("dependency audit")?.evidence).toMatch(/^no known vulnerability in \d+ packages$/);
    expect(steps.get("code reviewed")).toMatchObject({ status: "person" });
    expect(await readPreflightResults(join(directory, "deployments"))).toMatchObject([
      {
        result: { environment: "production", commit: expect.any(String), groups: ["code"], passed: true, accepted: [] },
      },
    ]);
  });

  it("fails on a test that failed, one that was skipped, and too little coverage", async () => {
    advisories = {};
    const report = await reportOf({ ...good, security: ["passed", "failed"], unit: ["passed", "skipped"] }, 79);
    const { code, steps } = await preflight(report);

    expect(code).toBe(1);
    expect(await readPreflightResults(join(directory, "deployments"))).toMatchObject([{ result: { passed: false } }]);
    expect(steps.get("security tests")).toMatchObject({
      status: "failed",
      evidence: "1 of 2 failed, first security 1",
    });
    expect(steps.get("unit tests")).toMatchObject({ status: "not checked" });
    expect(steps.get("coverage")).toMatchObject({ status: "failed" });
  });

  it("fails on a known vulnerability", async () => {
    advisories = ADVISORY;
    const { code, steps } = await preflight(await reportOf(good, 91));

    expect(code).toBe(1);
    expect(steps.get("dependency audit")?.status).toBe("failed");
    expect(steps.get("dependency audit")?.evidence).toContain("hono (high)");
  });

  it("shows an audit that could not be had as not checked, and goes on only for a reason", async () => {
    advisories = undefined;
    const report = await reportOf(good, 91);
    const refused = await preflight(report);
    const accepted = await preflight(report, "--accept", "dependency audit=no registry here, audited by CI");

    expect(refused.code).toBe(1);
    expect(refused.steps.get("dependency audit")?.status).toBe("not checked");
    expect(accepted.code).toBe(0);
    expect(accepted.steps.get("dependency audit")).toMatchObject({
      status: "accepted",
      evidence: expect.stringMatching(/^no registry here, audited by CI \(not checked: /),
    });
  });

  it.each([
    [
      ["--accept", "dependency audit"],
      '--accept dependency audit needs a reason: --accept "dependency audit=<reason>"',
    ],
    [["--accept", "weather=fine"], '--accept "weather" is not one of: environment file, variables, '],
    [["--only", "everything"], '--only "everything" is not one of: configuration, database, platform, edge, code'],
  ])("refuses %j with one line and exit code 2", async (args, line) => {
    const child = spawn(process.execPath, ["--no-warnings", CLI, "preflight", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [[code], stderr] = await Promise.all([once(child, "close"), text(child.stderr)]);

    expect(code).toBe(2);
    expect(stderr.startsWith(line)).toBe(true);
    expect(stderr.match(/\n/g)).toHaveLength(1);
  });
});

/** Stands in for vitest: says when it is started, and ends with a good report once it is let. */
const VITEST = `#!/usr/bin/env node
const { existsSync, writeFileSync } = require("node:fs");
const args = process.argv;
writeFileSync("STARTED", "");
setInterval(() => {
  if (!existsSync("GO")) return;
  const testResults = args.filter((arg) => arg.startsWith("test/")).map((suite) => ({
    name: process.cwd() + "/" + suite + "/a.test.ts",
    status: "passed",
    assertionResults: [{ status: "passed", fullName: suite }],
  }));
  const coverageMap = { "src/a.ts": { s: { 0: 1 } } };
  writeFileSync(args[args.indexOf("--outputFile") + 1], JSON.stringify({ success: true, testResults, coverageMap }));
  process.exit();
}, 50);
setTimeout(() => process.exit(1), 10_000);
`;

describe("preflight before the tests", () => {
  let directory: string;
  const at = (name: string) => join(directory, name);

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tasks-preflight-"));
    const stand = VITEST.replace('"STARTED"', JSON.stringify(at("started"))).replace('"GO"', JSON.stringify(at("go")));
    await writeFile(at("vitest"), stand, { mode: 0o755 });
    await writeFile(at(".env"), "");
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** @param onLines is given all that was printed so far, whenever there is more */
  async function preflight(args: readonly string[], onLines: (stdout: string) => void = () => undefined) {
    const child = spawn(
      process.execPath,
      ["--no-warnings", CLI, "preflight", "--log-dir", at("deployments"), "--env-file", at(".env"), ...args],
      {
        env: {
          ...process.env,
          PATH: `${directory}:${process.env.PATH}`,
          HOME: directory,
          npm_config_registry: "http://127.0.0.1:9/",
        },
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
      onLines(stdout);
    });
    await once(child, "close");
    return stdout.split("\n");
  }

  it("looks at all that answers at once, and runs no test where something of it has failed", async () => {
    const lines = await preflight(["--only", "code,configuration"]);

    const names = lines.flatMap((line) => /^[✓✗?] (.*?):/.exec(line)?.[1] ?? []);
    expect(names[0]).toBe("environment file");
    expect(names.slice(-6)).toEqual([
      ...["dependency audit", "unit tests", "integration tests", "contract tests", "security tests", "coverage"],
    ]);
    const faults = lines.filter((line) => line.startsWith("✗ ")).length;
    expect(faults).toBeGreaterThan(1);
    expect(lines).toContain(
      `? unit tests: not run, as ${faults} checks have failed before it: mend or accept what failed first`,
    );
    expect(existsSync(at("started"))).toBe(false);
  });

  it("says that the tests begin before they have ended, and then how they ended", async () => {
    const lines = await preflight(["--only", "code"], (stdout) => {
      if (stdout.includes("every test is run now") && stdout.includes("… unit tests\n")) writeFileSync(at("go"), "");
    });

    expect(lines).toContain("  every test is run now, with coverage, which takes minutes");
    expect(lines.find((line) => line.startsWith("✓ unit tests"))).toMatch(/^✓ unit tests: 1 of 1 passed \([\d.]+ s\)$/);
    expect(lines).toContain("✓ coverage: 100.0 % of 1 statements, 80 % are needed");
  });
});

describe("preflight of the platform", () => {
  it("measures the bundle and its start by wrangler", async () => {
    const directory = await mkdtemp(join(tmpdir(), "tasks-preflight-"));
    const config = join(directory, "wrangler.toml");
    const busy = "let sum = 0; for (let i = 0; i < 5e7; i += 1) sum += Math.sqrt(i);";
    await writeFile(join(directory, "worker.js"), `${busy} export default { fetch: () => new Response(sum) };`);
    await writeFile(
      config,
      `name = "measured"
main = "worker.js"
compatibility_date = "2025-01-01"
[env.production]
vars = { BASE_URL = "https://api.tasks.example" }
`,
    );
    const target = await readReleaseTarget("production", config);
    const check = platformChecks.find(({ name }) => name === "bundle and start-up");
    const settings = await Settings.read("production");
    const deployment = new Deployment(target.baseUrl, target.scriptName);
    const context = { settings, target, wrangler: new Wrangler(target), deployment };
    const finding = await check?.run({ ...context, backupDirectory: directory, testReport: undefined });
    await rm(directory, { recursive: true });

    expect(finding).toMatchObject({
      evidence: expect.stringMatching(/^\d+ KiB gzip of 3072, \d+ ms of 1000 to start/),
    });
  }, 60_000);
});

describe("preflight of the edge", () => {
  const at = (url: string) => ({ deployment: new Deployment(url, "mcp-task-server") });
  const WITHIN_MILLISECONDS = 200;

  it("waits neither for TLS that never comes nor for an answer, and does not take that for a refusal", async () => {
    const sockets: Socket[] = [];
    const silent = createTcpServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = z.object({ port: z.number() }).parse(silent.address());
    const context = at(`https://localhost:${port}`);

    await expect(checkCertificate(context, WITHIN_MILLISECONDS)).rejects.toThrow("no TLS within 0.2 seconds");
    await expect(checkRedirect(context, WITHIN_MILLISECONDS)).rejects.toThrow(/ cannot be asked: .*timeout/);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it("ticks the redirect where http is refused or redirected, and not where the name is unknown", async () => {
    const [refused, port] = [await freePort(), await freePort()];
    expect(await checkRedirect(at(`https://127.0.0.1:${refused}`))).toMatchObject({ status: "done" });
    await expect(checkRedirect(at("https://nowhere.invalid"))).rejects.toThrow(/ cannot be asked: fetch failed/);

    const zone = createServer((request, response) => {
      const Location = `${request.headers.host?.startsWith("localhost") ? "https" : "http"}://elsewhere.example/`;
      response.writeHead(301, { Location }).end();
    }).listen(port, "127.0.0.1");
    expect(await checkRedirect(at(`https://localhost:${port}`))).toMatchObject({
      evidence: "http is redirected by 301",
    });
    await expect(checkRedirect(at(`https://127.0.0.1:${port}`))).rejects.toThrow("http is answered with 301");
    zone.close();
    zone.closeAllConnections();
  });
});
