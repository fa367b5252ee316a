import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { readConfiguration } from "../../src/config.ts";
import { callTool, connect } from "../support/oauth.ts";
import { PASSWORD, Person, send } from "../support/person.ts";

// What a credential costs beside the call itself: one look-up in KV for an OAuth token, nothing for any other; and no request
// to the database, as set_caller checks it in the call's own.

const { NEON_FETCH_ENDPOINT } = readConfiguration(env);

let person: Person;
let accessToken: string;

beforeAll(async () => {
  person = await Person.signUp();
  accessToken = (await connect(person)).tokens.access_token;
});

/** Counts what some work asks of the database and of KV. */
async function costOf(work: () => Promise<Response>) {
  using reads = vi.spyOn(env.OAUTH_KV, "get");
  using fetched = vi.spyOn(globalThis, "fetch");
  const response = await work();
  await response.text();
  return {
    status: response.status,
    database: fetched.mock.calls.filter(([input]) => String(input) === NEON_FETCH_ENDPOINT).length,
    keyValue: reads.mock.calls.length,
  };
}

const mcp = (token: string, method: string, params: Record<string, unknown> = {}) =>
  send("/mcp", {
    method: "POST",
    body: {
      jsonrpc: "2.0",
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    },
    headers: {
      Authorization: `Bearer ${token}`,
      Accept: "application/json, text/event-stream",
      "Mcp-Protocol-Version": "2026-07-28",
      "Mcp-Method": method,
      ...(typeof params.name === "string" && { "Mcp-Name": params.name }),
    },
  });

describe("a tool call", () => {
  it("by OAuth reads KV once, and asks the database once", async () => {
    const call = () => callTool(accessToken, "list_tasks");
    expect(await costOf(call)).toEqual({ status: 200, database: 1, keyValue: 1 });
    expect(await costOf(call)).toEqual({ status: 200, database: 1, keyValue: 1 });
  });

  it("by OAuth over MCP costs the same", async () => {
    const call = () => mcp(accessToken, "tools/call", { name: "list_tasks", arguments: {} });
    expect(await costOf(call)).toEqual({ status: 200, database: 1, keyValue: 1 });
  });

  it("by a sign-in token reads no KV", async () => {
    expect(await costOf(() => person.call("list_tasks", {}))).toEqual({ status: 200, database: 1, keyValue: 0 });
  });

  it("by a personal token reads no KV", async () => {
    const made = await person.send("/api/auth/tokens", {
      method: "POST",
      body: { name: "Counting", password: PASSWORD },
    });
    const { token } = await made.json<{ token: string }>();
    expect(await costOf(() => callTool(token, "list_tasks"))).toEqual({ status: 200, database: 1, keyValue: 0 });
  });

  it("by what was made up asks nobody but KV", async () => {
    const madeUp = `${person.id}:${"A".repeat(16)}:${"A".repeat(32)}`;
    expect(await costOf(() => callTool(madeUp, "list_tasks"))).toEqual({ status: 401, database: 0, keyValue: 1 });
    expect(await costOf(() => callTool("a:b:c", "list_tasks"))).toEqual({ status: 401, database: 0, keyValue: 0 });
  });
});

describe("a call that needs no database", () => {
  it("asks it once a minute at most whether the credential counts", async () => {
    const list = () => mcp(accessToken, "tools/list");
    const first = await costOf(list);
    expect(first).toMatchObject({ status: 200, keyValue: 1 });
    expect(first.database).toBeLessThanOrEqual(1);
    expect(await costOf(list)).toEqual({ status: 200, database: 0, keyValue: 1 });
  });
});
