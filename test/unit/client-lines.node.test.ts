import { expect, it } from "vitest";
import { clientLines } from "../../local/client-lines.ts";

const lines = clientLines({ url: "http://127.0.0.1:8787", token: "the.token" });

/** The line after the comment that names a client. */
function lineOf(client: string): string {
  return lines[lines.findIndex((line) => line.startsWith(`# ${client}`)) + 1] ?? "";
}

it("has a line for each client, in that client's own syntax", () => {
  const headers = { Authorization: "Bearer the.token" };

  expect(lineOf("Claude Code")).toBe(
    'claude mcp add --transport http tasks http://127.0.0.1:8787/mcp --header "Authorization: Bearer $TOKEN"',
  );
  expect(lineOf("Codex")).toContain(
    "codex mcp add tasks --url http://127.0.0.1:8787/mcp --bearer-token-env-var TASKS_TOKEN",
  );
  expect(JSON.parse(lineOf("Cursor"))).toEqual({
    mcpServers: { tasks: { url: "http://127.0.0.1:8787/mcp", headers } },
  });
  expect(JSON.parse(lineOf("VS Code"))).toEqual({
    servers: { tasks: { type: "http", url: "http://127.0.0.1:8787/mcp", headers } },
  });
});
