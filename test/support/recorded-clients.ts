// What MCP clients send, as their own source, documentation and public issues give it. "…" in a redirect stands for a port that
// is another one each time.

/** A client as it registers or describes itself, and as it asks. */
export interface RecordedClient {
  readonly name: string;
  /** Where this is from. */
  readonly source: string;
  /** What it sends to register (RFC 7591). */
  readonly registration?: Readonly<Record<string, unknown>>;
  /** Its description of itself, and where that is (Client ID Metadata Document). */
  readonly document?: Readonly<Record<string, unknown>> & { readonly client_id: string };
  readonly redirectUri: string;
  /** What it asks for beside what all do. */
  readonly asks: Readonly<Record<string, string>>;
}

const CODE = { grant_types: ["authorization_code", "refresh_token"], response_types: ["code"] };
const PUBLIC = { token_endpoint_auth_method: "none" };

/** @param resource what the server calls itself, which clients repeat (RFC 8707) */
export function recordedClients(resource: string): readonly RecordedClient[] {
  const origin = new URL(resource).origin;
  return [
    {
      name: "Claude, registered",
      source: "https://support.claude.com/en/articles/11503834-building-custom-connectors-via-remote-mcp-servers",
      registration: {
        client_name: "Claude",
        redirect_uris: ["https://claude.ai/api/mcp/auth_callback"],
        token_endpoint_auth_method: "client_secret_post",
        scope: "tasks:read tasks:write",
        ...CODE,
      },
      redirectUri: "https://claude.ai/api/mcp/auth_callback",
      asks: { scope: "tasks:read tasks:write", resource },
    },
    {
      name: "Claude, described",
      source: "https://github.com/anthropics/claude-ai-mcp/issues/518",
      document: {
        client_id: "https://claude.ai/oauth/mcp-oauth-client-metadata",
        client_name: "Claude",
        client_uri: "https://claude.ai",
        redirect_uris: ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "https://claude.com/api/mcp/auth_callback",
      asks: { scope: "tasks:read tasks:write offline_access", resource: `${resource}/` },
    },
    {
      name: "Claude Code, described",
      source: "https://github.com/anthropics/claude-code/issues/64705",
      document: {
        client_id: "https://claude.ai/oauth/claude-code-client-metadata",
        client_name: "Claude Code",
        redirect_uris: ["http://localhost/callback", "http://127.0.0.1/callback"],
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "http://localhost:52163/callback",
      asks: { resource },
    },
    {
      name: "Claude Code, registered",
      source: "https://github.com/elmohq/elmo/pull/684",
      registration: {
        client_name: "Claude Code (tasks)",
        application_type: "native",
        redirect_uris: ["http://localhost:3118/callback"],
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "http://localhost:3118/callback",
      asks: { scope: "tasks:read tasks:write", resource },
    },
    {
      name: "ChatGPT, described",
      source: "https://github.com/cloudflare/workers-oauth-provider/issues/293",
      document: {
        client_id: "https://chatgpt.com/oauth/IbUR3zxyNQ16/client.json",
        client_name: "ChatGPT",
        client_uri: "https://chatgpt.com/",
        redirect_uris: ["https://chatgpt.com/connector/oauth/IbUR3zxyNQ16"],
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
        token_endpoint_auth_signing_alg: "RS256",
        jwks_uri: "https://chatgpt.com/oauth/jwks.json",
        ...CODE,
      },
      redirectUri: "https://chatgpt.com/connector/oauth/IbUR3zxyNQ16",
      asks: { scope: "tasks:read tasks:write", resource },
    },
    {
      name: "ChatGPT, registered",
      source: "https://developers.openai.com/plugins/build/auth",
      registration: {
        client_name: "ChatGPT",
        redirect_uris: ["https://chatgpt.com/connector_platform_oauth_redirect"],
        token_endpoint_auth_method: "client_secret_basic",
        ...CODE,
      },
      redirectUri: "https://chatgpt.com/connector_platform_oauth_redirect",
      asks: { resource: origin },
    },
    {
      name: "Cursor, on its machine",
      source: "https://github.com/erp-mafia/accounted/pull/2225",
      registration: {
        client_name: "Cursor",
        redirect_uris: [
          "cursor://anysphere.cursor-mcp/oauth/callback",
          "https://www.cursor.com/agents/mcp/oauth/callback",
          "http://localhost:8787/callback",
        ],
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "cursor://anysphere.cursor-mcp/oauth/callback",
      asks: { scope: "tasks:read tasks:write", resource },
    },
    {
      name: "Cursor, from the web",
      source: "https://github.com/bytebase/bytebase/issues/20510",
      registration: {
        client_name: "Cursor",
        redirect_uris: ["https://www.cursor.com/agents/mcp/oauth/callback"],
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "https://www.cursor.com/agents/mcp/oauth/callback",
      asks: { resource },
    },
    {
      name: "VS Code, with every grant that it knows",
      source: "https://github.com/microsoft/vscode/blob/main/src/vs/base/common/oauth.ts",
      registration: {
        client_name: "Visual Studio Code",
        client_uri: "https://code.visualstudio.com",
        grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        response_types: ["code"],
        redirect_uris: [
          "https://insiders.vscode.dev/redirect",
          "https://vscode.dev/redirect",
          "http://127.0.0.1/",
          "http://127.0.0.1:33418/",
        ],
        scope: "tasks:read tasks:write",
        application_type: "native",
        ...PUBLIC,
      },
      redirectUri: "http://127.0.0.1:49152/",
      asks: { scope: "tasks:read tasks:write", resource },
    },
    {
      name: "VS Code, by its page",
      source: "https://github.com/contextstream/mcp-server/issues/57",
      registration: {
        client_name: "Visual Studio Code",
        redirect_uris: ["https://vscode.dev/redirect", "http://127.0.0.1:33418"],
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "https://vscode.dev/redirect",
      asks: { resource },
    },
    {
      name: "Codex, described",
      source: "codex-cli 0.171.0, run; its document after https://github.com/anomalyco/opencode/pull/47737",
      document: {
        client_id: "https://chatgpt.com/oauth/codex/client.json",
        client_name: "Codex",
        application_type: "native",
        redirect_uris: ["http://127.0.0.1/callback", "http://localhost/callback"],
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "http://127.0.0.1:35391/callback",
      asks: { scope: "tasks:read tasks:write offline_access", resource },
    },
    {
      name: "mcporter",
      source: "mcporter 0.9.0, run",
      registration: {
        client_name: "mcporter (tasks)",
        redirect_uris: ["http://127.0.0.1:41931/callback"],
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "http://127.0.0.1:41931/callback",
      asks: { scope: "tasks:read tasks:write", resource },
    },
    {
      name: "Codex, registered",
      source: "https://github.com/elmohq/elmo/pull/684",
      registration: {
        client_name: "Codex",
        application_type: "native",
        redirect_uris: ["http://127.0.0.1:37819/callback/0a1b2c3d"],
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "http://127.0.0.1:37819/callback/0a1b2c3d",
      asks: { scope: "tasks:read tasks:write offline_access", resource },
    },
    {
      name: "Goose",
      source: "https://github.com/block/goose/blob/main/crates/goose/src/oauth/mod.rs",
      document: {
        client_id: "https://goose-docs.ai/oauth/client-metadata.json",
        client_name: "goose",
        redirect_uris: ["http://127.0.0.1/oauth_callback", "http://localhost/oauth_callback"],
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "http://127.0.0.1:61443/oauth_callback",
      asks: { scope: "tasks:read tasks:write", resource },
    },
    {
      name: "gemini-cli",
      source: "https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/mcp/oauth-provider.ts",
      registration: {
        client_name: "Gemini CLI MCP Client",
        redirect_uris: ["http://localhost:7777/oauth/callback"],
        scope: "",
        ...PUBLIC,
        ...CODE,
      },
      redirectUri: "http://localhost:65290/oauth/callback",
      asks: { resource },
    },
  ];
}
