import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { clientLines } from "../../local/client-lines.ts";
import clients from "../clients/package.json" with { type: "json" };

const lines = clientLines({ url: "http://127.0.0.1:8787", token: "the.token" });

const URL_OF_MCP = "http://127.0.0.1:8787/mcp";

/** The line after the comment that names a client. */
function lineOf(client: string): string {
  return lines[lines.findIndex((line) => line.startsWith(`# ${client}`)) + 1] ?? "";
}

it("has a line for each client with the URL alone, in that client's own syntax, before any token", () => {
  expect(lineOf("Claude Code")).toBe(`claude mcp add --transport http tasks ${URL_OF_MCP} && claude mcp login tasks`);
  expect(lineOf("Codex")).toBe(`codex mcp add tasks --url ${URL_OF_MCP} && codex mcp login tasks`);
  expect(JSON.parse(lineOf("Cursor"))).toEqual({ mcpServers: { tasks: { url: URL_OF_MCP } } });
  expect(JSON.parse(lineOf("VS Code"))).toEqual({ servers: { tasks: { type: "http", url: URL_OF_MCP } } });
  const firstToken = lines.findIndex((line) => line.includes("the.token") || line.includes("$TOKEN"));
  expect(lines.findIndex((line) => line.includes("mcp-remote"))).toBeLessThan(firstToken);
});

it("has a line for each client with the token", () => {
  const headers = { Authorization: "Bearer the.token" };

  expect(lineOf("Claude Code, with the token")).toBe(
    `claude mcp add --transport http tasks ${URL_OF_MCP} --header "Authorization: Bearer $TOKEN"`,
  );
  expect(lineOf("Codex, with the token")).toContain(
    `codex mcp add tasks --url ${URL_OF_MCP} --bearer-token-env-var TASKS_TOKEN`,
  );
  expect(JSON.parse(lineOf("Cursor, with the token"))).toEqual({
    mcpServers: { tasks: { url: URL_OF_MCP, headers } },
  });
  expect(JSON.parse(lineOf("VS Code, with the token"))).toEqual({
    servers: { tasks: { type: "http", url: URL_OF_MCP, headers } },
  });
});

it.each(["@modelcontextprotocol/inspector", "mcp-remote"] as const)(
  "names the version of %s that is tested, as README.md and docs/mcp.md do",
  async (name) => {
    const pinned = `npx ${name}@${clients.dependencies[name]}`;
    const documents = await Promise.all(
      ["README.md", "docs/mcp.md"].map((path) => readFile(join(import.meta.dirname, "../..", path), "utf8")),
    );

    for (const text of [lines.join("\n"), ...documents]) {
      expect(text).toContain(pinned);
      expect(text).not.toContain(`npx ${name} `);
    }
  },
);
