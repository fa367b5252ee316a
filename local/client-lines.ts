/** With their versions: npm picks an older one, without the options below, for a Node that is older than they ask for. */
const INSPECTOR = "@modelcontextprotocol/inspector@2.12.0";
const REMOTE = "mcp-remote@0.15.1";

/** A server to connect to. */
interface Endpoint {
  /** Without a path. */
  readonly url: string;
  readonly token: string;
}

/**
 * How each MCP client is connected to a server: a comment that names it, and the line to paste. First those by which a client
 * asks its person in the browser; then, where nobody sits before a browser, those with a token. A line for a shell takes the
 * token from `$TOKEN`; one for a client's own file holds it.
 */
export function clientLines({ url, token }: Endpoint): string[] {
  const endpoint = `${url}/mcp`;
  const header = '--header "Authorization: Bearer $TOKEN"';
  const headers = { Authorization: `Bearer ${token}` };
  return [
    "# The URL alone is enough: each of these opens the browser, where you sign in and allow it",
    "# Claude Code",
    claudeCodeSignInLine({ url }),
    "# Codex",
    `codex mcp add tasks --url ${endpoint} && codex mcp login tasks`,
    "# Cursor: ~/.cursor/mcp.json",
    JSON.stringify({ mcpServers: { tasks: { url: endpoint } } }),
    "# VS Code: .vscode/mcp.json",
    JSON.stringify({ servers: { tasks: { type: "http", url: endpoint } } }),
    "# MCP Inspector, which asks for Node 22.19 or newer",
    `npx ${INSPECTOR} --cli --server-url ${endpoint} --transport http --method tools/list`,
    "# A client that speaks stdio only, by mcp-remote",
    `npx ${REMOTE} ${endpoint}`,
    "",
    "# Where nobody sits before a browser: the token, for the lines that are pasted into a shell",
    `TOKEN=${token}`,
    "# Claude Code, with the token",
    claudeCodeLine({ url }),
    "# Codex, with the token, which it reads from its environment whenever it starts",
    `export TASKS_TOKEN="$TOKEN" && codex mcp add tasks --url ${endpoint} --bearer-token-env-var TASKS_TOKEN`,
    "# Cursor, with the token: ~/.cursor/mcp.json",
    JSON.stringify({ mcpServers: { tasks: { url: endpoint, headers } } }),
    "# VS Code, with the token: .vscode/mcp.json",
    JSON.stringify({ servers: { tasks: { type: "http", url: endpoint, headers } } }),
    "# MCP Inspector, with the token",
    `npx ${INSPECTOR} --cli --server-url ${endpoint} --transport http ${header} --method tools/list`,
    "# A client that speaks stdio only, by mcp-remote, with the token",
    `npx ${REMOTE} ${endpoint} ${header}`,
  ];
}

/** The line that connects Claude Code, and lets its person sign in. */
export function claudeCodeSignInLine({ url }: Pick<Endpoint, "url">): string {
  return `claude mcp add --transport http tasks ${url}/mcp && claude mcp login tasks`;
}

/** The line that connects Claude Code with a token; `$TOKEN` is set by a line before it. */
export function claudeCodeLine({ url }: Pick<Endpoint, "url">): string {
  return `claude mcp add --transport http tasks ${url}/mcp --header "Authorization: Bearer $TOKEN"`;
}
