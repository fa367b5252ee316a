import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
  UnauthorizedError as ModernUnauthorizedError,
} from "@modelcontextprotocol/client";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { getDefaultEnvironment, StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from "@modelcontextprotocol/sdk/shared/auth.js";

/** A person at their browser: given where a client asks, answers with where they are sent once they have said yes. */
export type Person = (url: string) => Promise<string>;

/** What a client has come to that was given nothing but a URL. */
export interface SignedInClient {
  call(name: string, input: Record<string, unknown>): Promise<unknown>;
  close(): Promise<void>;
}

type OpenClient = (url: string, person: Person) => Promise<SignedInClient>;

const info = { name: "mcp-task-server-test", version: "1.0.0" };
const programs = join(import.meta.dirname, "node_modules/.bin");

/** Every client that signs in, by what a reader of the test's output should know it as. */
export const oauthClients: Readonly<Record<string, OpenClient>> = {
  "@modelcontextprotocol/sdk": openSdkClient,
  "@modelcontextprotocol/client": openModernClient,
  "mcp-remote over stdio": openRemoteClient,
};

/** Keeps what a client of the SDKs is told, in memory, and has a person say yes. */
class Memory {
  readonly redirectUrl = "http://127.0.0.1:7001/callback";
  readonly clientMetadata: OAuthClientMetadata = {
    client_name: "An SDK's client",
    redirect_uris: [this.redirectUrl],
    token_endpoint_auth_method: "none",
  };
  readonly #person: Person;
  #client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = "";
  #callback: URL | undefined;

  constructor(person: Person) {
    this.#person = person;
  }

  /** What the browser was sent back with. */
  get answer(): URLSearchParams {
    return this.#callback?.searchParams ?? new URLSearchParams();
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client;
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client;
  }

  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    this.#callback = new URL(await this.#person(url.href));
  }
}

async function openSdkClient(url: string, person: Person): Promise<SignedInClient> {
  const authProvider = new Memory(person);
  const open = () => new StreamableHTTPClientTransport(new URL(url), { authProvider });
  const first = open();
  await new Client(info).connect(first).catch((error: unknown) => {
    if (!(error instanceof UnauthorizedError)) throw error;
  });
  await first.finishAuth(authProvider.answer.get("code") ?? "");
  const client = new Client(info);
  await client.connect(open());
  return {
    call: async (name, input) => (await client.callTool({ name, arguments: input })).structuredContent,
    close: () => client.close(),
  };
}

async function openModernClient(url: string, person: Person): Promise<SignedInClient> {
  const authProvider = new Memory(person);
  const open = () => new ModernTransport(new URL(url), { authProvider });
  const first = open();
  await new ModernClient(info).connect(first).catch((error: unknown) => {
    if (!(error instanceof ModernUnauthorizedError)) throw error;
  });
  await first.finishAuth(authProvider.answer);
  const client = new ModernClient(info);
  await client.connect(open());
  return {
    call: async (name, input) => (await client.callTool({ name, arguments: input })).structuredContent,
    close: () => client.close(),
  };
}

/** It says where to sign in, waits for the answer on a port of its own, and speaks stdio all the while. */
async function openRemoteClient(url: string, person: Person): Promise<SignedInClient> {
  const home = await mkdtemp(join(tmpdir(), "tasks-mcp-remote-"));
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(programs, "mcp-remote"), url],
    env: { ...getDefaultEnvironment(), HOME: home, MCP_REMOTE_CONFIG_DIR: home },
    stderr: "pipe",
  });
  let said = "";
  transport.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    const [, asked] = /(https?:\/\/\S+\/authorize\?\S+)\s/.exec(said) ?? [];
    if (asked === undefined) return;
    said = "";
    void person(asked).then((answer) => fetch(answer));
  });
  const client = new Client(info);
  await client.connect(transport);
  return {
    call: async (name, input) => (await client.callTool({ name, arguments: input })).structuredContent,
    async close() {
      await client.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
