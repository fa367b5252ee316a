import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { z } from "zod";
import { freePort } from "../support/processes.ts";
import { CodexServer } from "./codex-server.ts";
import { clientInfo, programs, type ToolClient, toolsOf } from "./open-client.ts";
import { startScriptedClaude } from "./scripted-claude.ts";

/** What a program is given: where MCP is, an empty home of its own, and variables by which it opens the browser. */
export interface Surroundings {
  readonly url: string;
  readonly home: string;
  /** Ends what still runs for a login that has failed. */
  readonly signal: AbortSignal;
  readonly browser: { readonly PATH: string; readonly BROWSER: string };
}

/** All that a program finds in its environment, so that it keeps to the home that it is given, and to loopback. */
function environmentOf({ home, browser }: Surroundings): Record<string, string> {
  return {
    ...browser,
    HOME: home,
    CODEX_HOME: home,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    MCP_AUTO_OPEN_ENABLED: "true",
    MCP_INSPECTOR_SECRET_STORE: "file",
    MCP_REMOTE_CONFIG_DIR: home,
  };
}

/** The command that runs a program with that environment alone: no key of the person who runs the tests is in it. */
function commandOf(environment: Readonly<Record<string, string>>, program: string, arguments_: readonly string[]) {
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return ["-i", ...settings, process.execPath, join(programs, program), ...arguments_];
}

/** Runs a program to its end; what it prints. */
async function run(
  surroundings: Surroundings,
  program: string,
  arguments_: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const command = commandOf({ ...environmentOf(surroundings), ...more }, program, arguments_);
  const running = promisify(execFile)("env", command, { cwd: surroundings.home, signal: surroundings.signal });
  running.child.stdin?.end();
  return (await running).stdout;
}

/** mcp-remote, to which the SDK's client speaks stdio. */
export async function signInRemote(surroundings: Surroundings): Promise<ToolClient> {
  const client = new Client(clientInfo);
  const args = commandOf(environmentOf(surroundings), "mcp-remote", [surroundings.url]);
  await client.connect(new StdioClientTransport({ command: "env", args, cwd: surroundings.home, stderr: "ignore" }));
  return { ...toolsOf(client), close: () => client.close() };
}

const toolsSchema = z.object({ tools: z.array(z.object({ name: z.string() })) });
const namesOf = (json: string) => toolsSchema.parse(JSON.parse(json)).tools.map(({ name }) => name);

/** mcporter, which connects anew for each call. */
export async function signInMcporter(surroundings: Surroundings): Promise<ToolClient> {
  const { url } = surroundings;
  const mcporter = (...arguments_: string[]) => run(surroundings, "mcporter", arguments_);
  await mcporter("config", "add", "tasks", url, "--allow-http");
  await mcporter("auth", "tasks");
  return {
    list: async () => namesOf(await mcporter("list", "tasks", "--json")),
    call: async (name, input) =>
      JSON.parse(await mcporter("call", `tasks.${name}`, "--args", JSON.stringify(input), "--output", "json")),
    close: () => Promise.resolve(),
  };
}

const inspectedSchema = z.object({ result: z.object({ structuredContent: z.unknown() }) });

/** The Inspector's command line, which connects anew for each call. */
export async function signInInspector(surroundings: Surroundings, era: "legacy" | "modern"): Promise<ToolClient> {
  const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`;
  const connection = ["--server-url", surroundings.url, "--transport", "http", "--protocol-era", era];
  const inspect = (...arguments_: string[]) => {
    const all = ["--cli", ...connection, "--callback-url", callback, "--format", "json", ...arguments_];
    return run(surroundings, "mcp-inspector", all);
  };
  return {
    list: async () => namesOf(JSON.stringify(JSON.parse(await inspect("--method", "tools/list")).result)),
    call: async (name, input) => {
      const arguments_ = ["--tool-name", name, "--tool-args-json", JSON.stringify(input)];
      const printed = await inspect("--method", "tools/call", ...arguments_);
      return inspectedSchema.parse(JSON.parse(printed)).result.structuredContent;
    },
    close: () => Promise.resolve(),
  };
}

/** Codex: its login, and then its app server, which calls a tool without a model. */
export async function signInCodex(surroundings: Surroundings): Promise<ToolClient> {
  const { url, home } = surroundings;
  // Not in the keychain of the person who runs the tests.
  const settings = ['mcp_oauth_credentials_store = "file"', "[mcp_servers.tasks]", `url = ${JSON.stringify(url)}`];
  await writeFile(join(home, "config.toml"), `${settings.join("\n")}\n`);
  await run(surroundings, "codex", ["mcp", "login", "tasks"]);
  return CodexServer.start(commandOf(environmentOf(surroundings), "codex", ["app-server"]), home);
}

const claudeSchema = z.object({ tools: z.array(z.string()) });

/** Claude Code: its login in a terminal, and then itself with a model that does what the test says. */
export async function signInClaudeCode(surroundings: Surroundings): Promise<ToolClient> {
  const { url } = surroundings;
  // It needs no install script, as its own program would.
  const program = "../@anthropic-ai/claude-code/cli-wrapper.cjs";
  await run(surroundings, program, ["mcp", "add", "--transport", "http", "tasks", url]);
  const login = commandOf(environmentOf(surroundings), program, ["mcp", "login", "tasks"]);
  await runInTerminal(["env", ...login], surroundings);
  const model = await startScriptedClaude();
  const ask = () => {
    const arguments_ = ["-p", "Go on", "--allowedTools", "mcp__tasks", "--output-format", "stream-json", "--verbose"];
    return run(surroundings, program, arguments_, model.variables);
  };
  const prefix = "mcp__tasks__";
  return {
    async list() {
      const [first = ""] = (await ask()).split("\n", 1);
      const { tools } = claudeSchema.parse(JSON.parse(first));
      return tools.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    },
    async call(name, input) {
      model.callOnce(`${prefix}${name}`, input);
      await ask();
      return JSON.parse(model.lastResult());
    },
    close: () => model.close(),
  };
}

/** Runs a command that asks for a terminal. */
async function runInTerminal(command: readonly string[], { home, signal }: Surroundings): Promise<void> {
  const line = command.map((word) => `'${word}'`).join(" ");
  const terminal = spawn("script", ["-qefc", line, "/dev/null"], {
    cwd: home,
    signal,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const [printed, [code]] = await Promise.all([text(terminal.stdout), once(terminal, "close")]);
  if (code !== 0) throw new Error(`the command ended with ${code}: ${printed}`);
}
