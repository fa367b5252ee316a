import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { getDefaultEnvironment, StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

/** A real MCP client, as far as the tests use it. */
export interface ToolClient {
  /** Calls a tool and returns its structured content. */
  call(name: string, input: Record<string, unknown>): Promise<unknown>;
  /** The names of the tools it is given. */
  list(): Promise<string[]>;
  close(): Promise<void>;
}

type OpenClient = (url: string, token: string) => Promise<ToolClient>;

/** Where the programs are. */
export const programs = join(import.meta.dirname, "node_modules/.bin");
/** How the clients of these tests call themselves. */
export const clientInfo = { name: "mcp-task-server-test", version: "1.0.0" };

/** Every client, by what a reader of the test's output should know it as. */
export const clients: Readonly<Record<string, OpenClient>> = {
  "@modelcontextprotocol/sdk": openSdkClient,
  "@modelcontextprotocol/client by default": (url, token) => openModernClient(url, token, {}),
  "@modelcontextprotocol/client pinned to 2026-07-28": (url, token) =>
    openModernClient(url, token, { versionNegotiation: { mode: { pin: "2026-07-28" } } }),
  "mcp-remote over stdio": openRemoteClient,
  "Inspector's command line, protocol era legacy": async (url, token) => new InspectorClient(url, token, "legacy"),
  "Inspector's command line, protocol era modern": async (url, token) => new InspectorClient(url, token, "modern"),
};

async function openSdkClient(url: string, token: string): Promise<ToolClient> {
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit });
  const client = new Client(clientInfo);
  await client.connect(transport);
  return {
    ...toolsOf(client),
    async close() {
      await transport.terminateSession();
      await client.close();
    },
  };
}

async function openModernClient(
  url: string,
  token: string,
  options: ConstructorParameters<typeof ModernClient>[1],
): Promise<ToolClient> {
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  const client = new ModernClient(clientInfo, options);
  await client.connect(new ModernTransport(new URL(url), { requestInit }));
  return { ...toolsOf(client), close: () => client.close() };
}

/** The SDK's client speaks stdio to mcp-remote, which speaks HTTP to the server. */
async function openRemoteClient(url: string, token: string): Promise<ToolClient> {
  const home = await mkdtemp(join(tmpdir(), "tasks-mcp-remote-"));
  const client = new Client(clientInfo);
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(programs, "mcp-remote"), url, "--header", `Authorization: Bearer ${token}`],
      env: { ...getDefaultEnvironment(), HOME: home, MCP_REMOTE_CONFIG_DIR: home },
      stderr: "ignore",
    }),
  );
  return {
    ...toolsOf(client),
    async close() {
      await client.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** The tools of a client that is connected. */
export function toolsOf(client: Client | ModernClient): Pick<ToolClient, "call" | "list"> {
  return {
    async call(name, input) {
      const { structuredContent } = await client.callTool({ name, arguments: input });
      return structuredContent;
    },
    async list() {
      const { tools } = await client.listTools();
      return tools.map((tool) => tool.name);
    },
  };
}

/** The Inspector, which connects anew for each call. */
export class InspectorClient implements ToolClient {
  readonly #arguments: readonly string[];

  constructor(url: string, token: string, era: "legacy" | "modern") {
    const header = `Authorization: Bearer ${token}`;
    this.#arguments = ["--server-url", url, "--transport", "http", "--header", header, "--protocol-era", era];
  }

  async call(name: string, input: Record<string, unknown>): Promise<unknown> {
    const json = ["--tool-args-json", JSON.stringify(input), "--format", "json"];
    const { stdout } = await this.run(["--method", "tools/call", "--tool-name", name, ...json]);
    return JSON.parse(stdout).result?.structuredContent ?? JSON.parse(stdout).structuredContent;
  }

  async list(): Promise<string[]> {
    const { stdout } = await this.run(["--method", "tools/list"]);
    const { tools }: { tools: { name: string }[] } = JSON.parse(stdout);
    return tools.map((tool) => tool.name);
  }

  /** Runs its command line; fails when it ends with another code than 0. */
  async run(arguments_: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    const home = await mkdtemp(join(tmpdir(), "tasks-inspector-"));
    try {
      const all = [join(programs, "mcp-inspector"), "--cli", ...this.#arguments, ...arguments_];
      return await promisify(execFile)(process.execPath, all, { env: { ...process.env, HOME: home } });
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
