import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { serverJson } from "../../publishing/server-json.ts";
import type { Procedure } from "../procedure.ts";
import type { ReleaseTarget } from "../release-target.ts";
import { hasCode } from "../runbook-error.ts";

/** Writes what the MCP registry is told of the server, beside the configuration: docs/publishing.md. Of production alone. */
export async function setUpServerJson(target: ReleaseTarget, procedure: Procedure): Promise<void> {
  if (target.environment !== "production") return;
  const path = join(dirname(target.configPath), "server.json");
  const wanted = serverJson(target.baseUrl.replace(/\/+$/, ""));
  if ((await readIfThere(path)) === wanted) {
    procedure.record("server.json", "done", `${path} is of ${target.baseUrl}`);
    return;
  }
  const written = `${path}, of ${target.baseUrl}`;
  await procedure.change("server.json", `write ${written}`, async () => {
    await writeFile(path, wanted);
    return { evidence: written, result: undefined };
  });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
