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
 * How each MCP client is connected to a server: a comment that names it, and the line to paste. A line for a shell takes
 * the token from `$TOKEN`, which the first line sets; one for a client's own file holds it.
 */
export function clientLines({ url, token }: Endpoint): string[] {
  const endpoint = `${url}/mcp`;
  const header = '--header "Authorization: Bearer $TOKEN"';
  const headers = { Authorization: `Bearer ${token}` };
  return [
    "# For the lines that are pasted into a shell",
    `TOKEN=${token}`,
    "# Claude Code",
    claudeCodeLine({ url }),
    "# Codex, which reads the token from its environment whenever it starts",
    `export TASKS_TOKEN="$TOKEN" && codex mcp add tasks --url ${endpoint} --bearer-token-env-var TASKS_TOKEN`,
    "# Cursor: ~/.cursor/mcp.json",
    JSON.stringify({ mcpServers: { tasks: { url: endpoint, headers } } }),
    "# VS Code: .vscode/mcp.json",
    JSON.stringify({ servers: { tasks: { type: "http", url: endpoint, headers } } }),
    "# MCP Inspector, which asks for Node 22.19 or newer",
    `npx ${INSPECTOR} --cli --server-url ${endpoint} --transport http ${header} --method tools/list`,
    "# A client that speaks stdio only, by mcp-remote",
    `npx ${REMOTE} ${endpoint} ${header}`,
  ];
}

/** The line that connects Claude Code; `$TOKEN` is set by a line before it. */
export function claudeCodeLine({ url }: Pick<Endpoint, "url">): string {
  return `claude mcp add --transport http tasks ${url}/mcp --header "Authorization: Bearer $TOKEN"`;
}
