/** With their versions: npm picks an older one, without the options below, for a Node that is older than they ask for. */
const INSPECTOR = "@modelcontextprotocol/inspector@2.12.0";
const REMOTE = "mcp-remote@0.15.1";

/**
 * Lines that connect MCP clients to a server, to paste where each says; `$TOKEN` is set by a line before them.
 *
 * @param url of the server, without a path
 */
export function clientLines({ url, token }: { readonly url: string; readonly token: string }): string[] {
  const endpoint = `${url}/mcp`;
  const header = '--header "Authorization: Bearer $TOKEN"';
  const headers = { Authorization: `Bearer ${token}` };
  return [
    "Connect an MCP client:",
    "",
    "# Claude Code",
    `claude mcp add --transport http tasks ${endpoint} ${header}`,
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
