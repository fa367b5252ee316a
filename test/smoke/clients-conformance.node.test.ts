import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { postJsonTo } from "../support/asking-client.ts";
import { startBearerProxy } from "../support/bearer-proxy.ts";
import { quickDatabase } from "../support/cluster-databases.ts";
import { areClientsInstalled } from "../support/installed-clients.ts";
import { makeStartPlace, type StartedServer, type StartPlace, startServer } from "../support/npm-start.ts";
import { freePort } from "../support/processes.ts";
import { signInByBrowser } from "../support/sign-in-by-browser.ts";

const checksSchema = z.array(z.object({ id: z.string(), status: z.string(), errorMessage: z.string().nullish() }));

type Check = z.output<typeof checksSchema>[number];

/** What the suite says of the scenario itself, besides the schema of every message. */
const isOwn = ({ id }: Check) => !id.startsWith("wire-schema");
const directory = join(import.meta.dirname, "..");
const program = join(directory, "clients/node_modules/.bin/conformance");

/** The scenarios and checks of the baseline, each with its reason. */
async function readBaseline(): Promise<Map<string, string>> {
  const lines = (await readFile(join(directory, "conformance-baseline.yml"), "utf8")).split("\n");
  const entries = lines.filter((line) => line.startsWith("  - "));
  return new Map(entries.map((line) => [line.slice(4).split(" ", 1).join(""), line.split(" # ")[1]?.trim() ?? ""]));
}

/** The checks of each scenario, by its name, that a run of the suite has written into the directory it is given. */
async function withResults(kind: string, run: (directory: string) => Promise<void>): Promise<Map<string, Check[]>> {
  const results = await mkdtemp(join(tmpdir(), "tasks-conformance-"));
  try {
    await run(results);
    const scenarios = await readdir(results);
    return new Map(
      await Promise.all(
        scenarios.map(async (scenario): Promise<[string, Check[]]> => {
          const checks: unknown = JSON.parse(await readFile(join(results, scenario, "checks.json"), "utf8"));
          const name = scenario.replace(`${kind}-`, "").replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, "");
          return [name, checksSchema.parse(checks)];
        }),
      ),
    );
  } finally {
    await rm(results, { recursive: true, force: true });
  }
}

describe.skipIf(!areClientsInstalled())("MCP's conformance suite (needs npm ci --prefix test/clients)", () => {
  let place: StartPlace;
  let server: StartedServer;
  let proxy: Awaited<ReturnType<typeof startBearerProxy>>;
  let baseline: Map<string, string>;

  beforeAll(async () => {
    baseline = await readBaseline();
    place = await makeStartPlace();
    // As a server on the internet has it; the suite describes itself nowhere.
    server = await startServer(place, { CLIENT_DOCUMENTS: "on", ...(await quickDatabase()) });
    proxy = await startBearerProxy(server.url, server.token);
  });

  afterAll(async () => {
    await proxy?.close();
    await place?.remove();
  });

  /** Runs all that a revision asks for; the checks of each scenario by its name. */
  function runRevision(revision: string): Promise<Map<string, Check[]>> {
    return withResults("server", async (results) => {
      const options = ["--url", `${proxy.url}/mcp`, "--requirements", revision, "-o", results];
      // It ends with a code of its own, which counts what the baseline excludes.
      await promisify(execFile)(process.execPath, [program, "server", ...options], {
        maxBuffer: 64 * 1024 * 1024,
      }).catch((error: unknown) => expect(error).toHaveProperty("code", 1));
    });
  }

  /** Runs what is asked of an authorization server, and does in the browser what it says there; the checks as above. */
  function runAuthorization(revision: string): Promise<Map<string, Check[]>> {
    return withResults("authorization-server", async (results) => {
      const port = String(await freePort());
      const { url } = server;
      const registration = {
        client_name: "Conformance",
        redirect_uris: [`http://127.0.0.1:${port}/callback`],
        token_endpoint_auth_method: "none",
      };
      const registered = await postJsonTo(`${url}/oauth/register`, registration);
      const { client_id } = z.object({ client_id: z.string() }).parse(registered);
      const about = ["--url", url, "--resource", `${url}/mcp`, "--client-id", client_id, "--port", port];
      const options = [...about, "--spec-version", revision, "-o", results];
      const suite = spawn(process.execPath, [program, "authorization", ...options], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = once(suite, "close");
      for await (const line of createInterface({ input: suite.stdout })) {
        if (line.startsWith(`${url}/authorize?`)) {
          await signInByBrowser(line, { email: "demo@example.com", password: server.password ?? "" });
        }
      }
      expect(await ended).toEqual([0, null]);
    });
  }

  it.each([
    ["2025-11-25", 8],
    ["2026-07-28", 9],
  ])("passes at %s, but for what the baseline excludes", async (revision, included) => {
    const scenarios = await runRevision(revision);
    const measured: string[] = [];
    for (const [name, checks] of scenarios) {
      const excused = checks.filter(({ id }) => baseline.has(name) || baseline.has(`${name}:${id}`));
      const counted = checks.filter((check) => !excused.includes(check));
      const failed = counted.filter(({ status }) => status === "FAILURE");
      expect(failed, `${revision} ${name}`).toEqual([]);
      if (baseline.has(name)) {
        const passes = checks.some(isOwn) && checks.filter(isOwn).every(({ status }) => status === "SUCCESS");
        expect(passes, `${name} is in the baseline, and passes`).toBe(false);
      } else {
        expect(
          counted.filter(isOwn).some(({ status }) => status === "SUCCESS"),
          `${name} checks something`,
        ).toBe(true);
        measured.push(name);
      }
      for (const { id, status } of excused.filter(() => !baseline.has(name))) {
        expect(status, `${name}:${id} is in the baseline, and passes`).not.toBe("SUCCESS");
      }
    }
    expect(measured.length, measured.join(", ")).toBeGreaterThanOrEqual(included);
  });

  it.each(["2025-11-25", "2026-07-28"])(
    "passes all that is asked of an authorization server at %s",
    async (revision) => {
      const checks = [...(await runAuthorization(revision)).values()].flat();
      expect(checks.filter(({ status }) => status !== "SUCCESS")).toEqual([]);
      expect(checks.map(({ id }) => id).toSorted()).toEqual([
        "authorization-code-grant",
        "authorization-server-metadata",
        "authorization-server-metadata-cimd",
      ]);
    },
  );

  it("is spared nothing without a reason", () => {
    expect(baseline.size).toBeGreaterThan(0);
    for (const [name, reason] of baseline) expect(reason, name).toMatch(/^(needs|offers no|checks nothing without) /);
  });
});
