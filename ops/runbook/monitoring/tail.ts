import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { RunbookContext } from "../context.ts";
import { sleep } from "../duration.ts";
import { RunbookError } from "../runbook-error.ts";
import { projectDirectory } from "../settings.ts";
import { WRANGLER, wranglerEnvironment } from "../wrangler-process.ts";

const WITHIN_MILLISECONDS = 40_000;
const ASK_EVERY_MILLISECONDS = 1_000;

/**
 * Follows the logs by `wrangler tail` and sends requests until the line of one of them is seen.
 *
 * @throws RunbookError when none is
 */
export async function seeLineInTail({ deployment, target }: RunbookContext): Promise<string> {
  // The worker's name comes from the configuration; wrangler would add the environment's to one that it is given.
  const args = ["tail", "--format", "json", "--config", target.configPath, "--env", target.environment];
  const child = spawn(process.execPath, [...WRANGLER, ...args], {
    cwd: projectDirectory,
    stdio: ["ignore", "pipe", "pipe"],
    env: wranglerEnvironment(),
  });
  let seen = "";
  const collect = (chunk: Buffer): void => {
    seen += chunk.toString("utf8");
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const requestId = randomUUID();
  try {
    const until = Date.now() + WITHIN_MILLISECONDS;
    for (let requests = 1; Date.now() < until && child.exitCode === null; requests += 1) {
      await deployment.send("/mcp/tools", { headers: { "X-Request-Id": requestId } });
      await sleep(ASK_EVERY_MILLISECONDS);
      if (seen.includes(requestId)) return `the line of request ${requestId} was seen, after ${requests} requests`;
    }
    throw new RunbookError(
      `no line of request ${requestId} was seen: ${seen.replace(/\s+/g, " ").slice(0, 200) || "nothing was"}`,
    );
  } finally {
    child.kill("SIGINT");
  }
}
