import type { ClientBrowser } from "../support/client-browser.ts";
import type { ToolClient } from "./open-client.ts";
import {
  type Surroundings,
  signInClaudeCode,
  signInCodex,
  signInInspector,
  signInMcporter,
  signInRemote,
} from "./sign-in-program.ts";
import { signInModernSdk, signInSdk } from "./sign-in-sdk.ts";

/** Where a client is, and the browser that it opens. */
export interface SignInPlace extends Omit<Surroundings, "browser"> {
  readonly browser: ClientBrowser;
}

/** A client that is told the URL and nothing else, and opens the browser for the rest. */
interface SigningInClient {
  /** What it calls itself where a person is asked. */
  readonly name: RegExp;
  signIn(place: SignInPlace): Promise<ToolClient>;
}

const byProgram = (signIn: (surroundings: Surroundings) => Promise<ToolClient>) => (place: SignInPlace) =>
  signIn({ ...place, browser: place.browser.variables });

const APPLICATION = /^An application of the SDK$/;

/** Every client that signs in, by what a reader of the test's output should know it as. */
export const signingInClients: Readonly<Record<string, SigningInClient>> = {
  "@modelcontextprotocol/sdk": { name: APPLICATION, signIn: ({ url, browser }) => signInSdk(url, browser) },
  "@modelcontextprotocol/client by default": {
    name: APPLICATION,
    signIn: ({ url, browser }) => signInModernSdk(url, browser, {}),
  },
  "@modelcontextprotocol/client pinned to 2026-07-28": {
    name: APPLICATION,
    signIn: ({ url, browser }) =>
      signInModernSdk(url, browser, { versionNegotiation: { mode: { pin: "2026-07-28" } } }),
  },
  "mcp-remote over stdio": { name: /mcp-remote|MCP CLI Proxy/i, signIn: byProgram(signInRemote) },
  mcporter: { name: /mcporter/, signIn: byProgram(signInMcporter) },
  "Inspector's command line, protocol era legacy": {
    name: /Inspector/i,
    signIn: byProgram((surroundings) => signInInspector(surroundings, "legacy")),
  },
  "Inspector's command line, protocol era modern": {
    name: /Inspector/i,
    signIn: byProgram((surroundings) => signInInspector(surroundings, "modern")),
  },
  "Codex, by codex mcp login": { name: /codex/i, signIn: byProgram(signInCodex) },
  "Claude Code, by claude mcp login": { name: /claude code/i, signIn: byProgram(signInClaudeCode) },
};
