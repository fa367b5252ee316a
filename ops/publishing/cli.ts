import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readReleaseTarget } from "../runbook/release-target.ts";
import { projectDirectory } from "../runbook/settings.ts";
import { serverJson } from "./server-json.ts";

const { baseUrl } = await readReleaseTarget("production");
await writeFile(join(projectDirectory, "server.json"), serverJson(baseUrl));
