import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeStartPlace, type StartPlace, startServer } from "../support/npm-start.ts";

let place: StartPlace;

beforeEach(async () => {
  place = await makeStartPlace();
});

afterEach(() => place.remove());

async function smoke(...args: string[]) {
  const cli = join(import.meta.dirname, "../../ops/runbook/cli.ts");
  const child = spawn(process.execPath, ["--no-warnings", cli, "smoke", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [[code], stdout, stderr] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return { code: Number(code), stdout, stderr };
}

it("the runbook's smoke tests pass on npm start, and leave nothing behind", async () => {
  const server = await startServer(place);
  const run = await smoke("--url", server.url);

  expect(run.code, run.stdout + run.stderr).toBe(0);
  const checks = run.stdout.split("\n").filter((line) => line.startsWith("✓ "));
  expect(checks).toHaveLength(16);
  expect(run.stdout).toContain(`✓ OAuth: ${server.url}: challenge, metadata and endpoints lead to one another`);
  expect(run.stdout).toContain("✓ cleaned up: 2 throw-away accounts are deleted");
  await server.pressControlC();
});

it("a server that is not there fails every check it can, with what was seen", async () => {
  const run = await smoke("--url", `http://127.0.0.1:${place.port}`);

  expect(run.code).toBe(1);
  expect(run.stdout).toMatch(/✗ health: GET \/health: no answer, fetch failed \(connect ECONNREFUSED .*\)/);
  expect(run.stdout).toMatch(/✗ chat: could not be run, as there are no accounts/);
  expect(run.stderr).toBe("15 of 16 smoke checks failed\n");
});

it.each([
  [["--url", "example.com"], '--url must be an http or https URL, not "example.com"\n'],
  [["--url"], "Option '--url <value>' argument missing\n"],
  [["--accept", "chat"], '--accept chat needs a reason: --accept "chat=<reason>"\n'],
])("%j is refused with one line", async (args, line) => {
  expect(await smoke(...args)).toEqual({ code: 2, stdout: "", stderr: line });
});
