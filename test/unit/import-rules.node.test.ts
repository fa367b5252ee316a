import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import type { Tool } from "../../src/tools/tool.ts";

const projectDirectory = join(import.meta.dirname, "../..");

const reportSchema = z.object({
  diagnostics: z.array(z.object({ message: z.string(), location: z.object({ path: z.string() }) })),
});

const GATE = "Nothing runs a tool but runTool, and nothing outside src/tools/ reaches the tasks";
const RUN = "Only runTool, the gate, runs a tool";

const LATER = "Operations are loaded with the first request for the API's description";

const MCP = "session/ and stateless/ know nothing of each other";

const createTask = (path: string) => `import { createTask } from "${path}";\n\nexport const create = createTask;\n`;
const createTool = (path: string) =>
  `import { createTaskTool } from "${path}";\n\nexport const tool = createTaskTool;\n`;

/** What somebody may write, in which file, and what the rules say of it. */
const written: readonly (readonly [file: string, source: string, refusal: string | undefined])[] = [
  ["src/http/tasks.ts", createTask("../tasks/change-tasks.ts"), GATE],
  ["src/mcp/tasks.ts", createTask("../tasks/change-tasks.ts"), GATE],
  ["src/mcp/session/tasks.ts", createTask("../../tasks/change-tasks.ts"), GATE],
  ["src/mcp/session/mode.ts", 'export { readPlainRequest } from "../stateless/plain-request.ts";\n', MCP],
  ["src/mcp/stateless/mode.ts", 'export { Session } from "../session/session.ts";\n', MCP],
  ["src/mcp/session/chat.ts", 'export { runAgent } from "../../chat/agent/run-agent.ts";\n', MCP],
  ["src/chat/tasks.ts", createTask("../tasks/change-tasks.ts"), GATE],
  ["src/openapi/tasks.ts", createTask("../tasks/change-tasks.ts"), GATE],
  ["src/app.ts", createTask("./tasks/change-tasks.ts"), GATE],
  ["src/http/all-routes.ts", 'export { accountOperations } from "./account-operations.ts";\n', LATER],
  ["src/mcp/all-routes.ts", 'export { mcpOperations } from "./operations.ts";\n', LATER],
  ["src/chat/conversation/all-routes.ts", 'export { chatOperations } from "./operations.ts";\n', LATER],
  ["src/services.ts", 'export { appOperations } from "./app-operations.ts";\n', LATER],
  ["src/openapi/all.ts", 'export { mcpOperations } from "../mcp/operations.ts";\n', undefined],
  ["src/export/change.ts", createTask("../tasks/change-tasks.ts"), "an export reads them all"],
  ["src/export/read.ts", 'export { allTasks } from "../tasks/all-tasks.ts";\n', undefined],
  ["src/openapi/mcp.ts", 'export { callTool } from "../mcp/call-tool.ts";\n', "src/openapi/ may import"],
  ["src/recurrence/tasks.ts", createTask("../tasks/change-tasks.ts"), "src/recurrence/ may import"],
  ["src/schedule/tasks.ts", createTask("../tasks/change-tasks.ts"), "src/schedule/ may import"],
  ["src/http/later.ts", 'export const later = () => import("../tasks/change-tasks.ts");\n', GATE],
  ["src/http/tool.ts", createTool("../tools/create-task.ts"), GATE],
  ["src/chat/agent/tasks.ts", createTask("../../tasks/change-tasks.ts"), GATE],
  ["src/chat/model/tool.ts", createTool("../../tools/create-task.ts"), GATE],
  ["src/chat/conversation/mcp.ts", 'export { callTool } from "../../mcp/call-tool.ts";\n', "src/chat/ may import"],
  ["src/chat/agent/rows.ts", 'export { isRowOf } from "../conversation/rows.ts";\n', "src/chat/agent/ may import"],
  ["src/chat/model/loop.ts", 'export { runAgent } from "../agent/run-agent.ts";\n', "src/chat/model/ may import"],
  [
    "src/chat/stream/model.ts",
    'export { openModel } from "../model/openai-model.ts";\n',
    "src/chat/stream/ may import",
  ],
  ["src/chat/conversation/loop.ts", 'export { runAgent } from "../agent/run-agent.ts";\n', undefined],
  ["src/chat/tool.ts", createTool("../tools/create-task.ts"), GATE],
  ["src/mcp/every.ts", 'export const later = () => import("../tools/runnable-tools.ts");\n', GATE],
  [
    "src/tools/batch.ts",
    'import { createTaskTool } from "./create-task.ts";\n\nexport const run = (input, context) => createTaskTool.execute(input, context);\n',
    RUN,
  ],
  ["src/tasks/tool.ts", createTool("../tools/create-task.ts"), "src/tasks/ may import src/database/"],
  ["src/database/tasks.ts", createTask("../tasks/change-tasks.ts"), "src/database/ may import no other folder"],
  [
    "src/http/gate.ts",
    'import { describeCatalog } from "../tools/catalog.ts";\nimport { runTool } from "../tools/run-tool.ts";\n\nexport const gate = [describeCatalog, runTool];\n',
    undefined,
  ],
  ["src/tasks/evals.ts", 'export { Days } from "../../evals/days.ts";\n', "src/tasks/ may import src/database/"],
  ["src/tools/tasks.ts", createTask("../tasks/change-tasks.ts"), undefined],
];

describe("the import rules", () => {
  let diagnostics: z.output<typeof reportSchema>["diagnostics"];

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), "tasks-import-rules-"));
    for (const rules of ["biome.json", "biome-gate.grit", "biome-zod.grit"]) {
      await copyFile(join(projectDirectory, rules), join(directory, rules));
    }
    for (const [file, source] of written) {
      await mkdir(join(directory, dirname(file)), { recursive: true });
      await writeFile(join(directory, file), source);
    }
    const biome = join(projectDirectory, "node_modules/.bin/biome");
    const rules = ["--only=style/noRestrictedImports", "--only=plugin"];
    const args = ["lint", "--vcs-enabled=false", ...rules, "--reporter=json", "--max-diagnostics=none", "src"];
    // It ends with 1, as it has something to say.
    const report = await new Promise<string>((resolve) => {
      execFile(biome, args, { cwd: directory }, (_, output) => resolve(output));
    });
    diagnostics = reportSchema.parse(JSON.parse(report)).diagnostics;
    await rm(directory, { recursive: true });
  });

  it.each(written.filter(([, , refusal]) => refusal !== undefined))("refuse %s", (file, _, refusal) => {
    const messages = diagnostics.filter(({ location }) => location.path === file).map(({ message }) => message);
    expect(messages).toEqual([expect.stringContaining(String(refusal))]);
  });

  it.each(written.filter(([, , refusal]) => refusal === undefined))("allow %s", (file) => {
    expect(diagnostics.filter(({ location }) => location.path === file)).toEqual([]);
  });
});

it("a tool as an interface has it cannot be run: tsc holds that", () => {
  expectTypeOf<Tool>().not.toHaveProperty("execute");
});
