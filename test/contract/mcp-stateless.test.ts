import { describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { describeCatalog } from "../../src/tools/catalog.ts";
import { answerOf, ClientSession, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";

/** The second may have changed between two answers. */
function withoutTime(text: string): string {
  return text.replaceAll(/T\d\d:\d\d:\d\d/g, "T…");
}

const NAMED = { name: "test", version: "2.0.0" };

describe("protocol 2026-07-28", () => {
  it("is discovered without a session", async () => {
    const response = await statelessRequest(await Person.signUp(), "server/discover");
    const { result } = await answerOf(response);

    expect(response.headers.get("Mcp-Session-Id")).toBeNull();
    expect(result).toMatchObject({
      supportedVersions: ["2026-07-28"],
      capabilities: { tools: {}, resources: {}, prompts: {} },
      instructions: expect.stringContaining("task list"),
      _meta: {
        "io.modelcontextprotocol/serverInfo": {
          name: manifest.name,
          version: manifest.version,
          title: "MCP Task Server",
          icons: expect.any(Array),
        },
      },
    });
  });

  it("lists the same tools every time, with a hint for how long", async () => {
    const person = await Person.signUp();
    const texts = await Promise.all([1, 2].map(async () => (await statelessRequest(person, "tools/list")).text()));

    expect(texts[0]).toBe(texts[1]);
    expect(JSON.parse(texts[0] ?? "").result).toMatchObject({
      tools: describeCatalog(),
      ttlMs: 300_000,
      cacheScope: "private",
    });
  });

  it.each([
    ["tools/list", {}],
    ["tools/call", { name: "list_tasks", arguments: {} }],
    ["prompts/list", {}],
  ])("names the server in the answer to %s, and no more of it", async (method, params) => {
    const { result } = await answerOf(await statelessRequest(await Person.signUp(), method, params));

    expect(result?._meta).toEqual({
      "io.modelcontextprotocol/serverInfo": { name: manifest.name, version: manifest.version },
    });
  });

  it("runs the tools", async () => {
    const person = await Person.signUp();
    const params = { name: "create_task", arguments: { title: "stateless" } };
    const { result } = await answerOf(await statelessRequest(person, "tools/call", params));

    expect(result).toMatchObject({
      content: [{ type: "text", text: expect.stringContaining("stateless") }],
      structuredContent: { tasks: [{ title: "stateless" }] },
    });
    expect(await ownerQuery("select title from tasks where user_id = $1", [person.id])).toEqual([
      { title: "stateless" },
    ]);
  });

  it.each([
    ["resources/list", { resources: [] }],
    ["resources/templates/list", { resourceTemplates: [] }],
    ["prompts/list", { prompts: [] }],
  ])("answers %s with an empty list, and a hint for how long", async (method, list) => {
    const { result } = await answerOf(await statelessRequest(await Person.signUp(), method));

    expect(result).toMatchObject({ ...list, resultType: "complete", ttlMs: 300_000, cacheScope: "public" });
  });

  it("tells a model what to do about a failure", async () => {
    const params = { name: "get_task", arguments: { task_id: 2_000_000_000 } };
    const { result } = await answerOf(await statelessRequest(await Person.signUp(), "tools/call", params));

    expect(result).toMatchObject({ isError: true, content: [{ type: "text", text: "Task not found" }] });
  });

  it.each([
    ["an unknown tool", "tools/call", { name: "drop_tasks" }, {}, 200, -32602],
    ["an unknown resource", "resources/read", { uri: "x:y" }, { "Mcp-Name": "x:y" }, 200, -32602],
    ["an unknown prompt", "prompts/get", { name: "x" }, {}, 200, -32602],
    ["an unknown method", "tasks/drop", {}, {}, 404, -32601],
    ["a method that was taken away", "ping", {}, {}, 404, -32601],
    ["another method in the header", "tools/list", {}, { "Mcp-Method": "tools/call" }, 400, -32020],
    ["another name in the header", "tools/call", { name: "get_task" }, { "Mcp-Name": "list_tasks" }, 400, -32020],
    ["another version in the header", "tools/list", {}, { "Mcp-Protocol-Version": "2025-11-25" }, 400, -32020],
  ])("has its own error for %s", async (_, method, params, headers, status, code) => {
    const response = await statelessRequest(await Person.signUp(), method, params, headers);

    expect(response.status).toBe(status);
    expect((await answerOf(response)).error?.code).toBe(code);
  });

  it.each([
    ["the list of tools", "tools/list", {}],
    ["a call", "tools/call", { name: "create_task", arguments: { title: "once", idempotency_key: "k" } }],
    ["a call without arguments", "tools/call", { name: "list_tasks" }],
    ["a call whose arguments are text", "tools/call", { name: "list_tasks", arguments: '{"limit": 1}' }],
    ["a call whose name a model has lengthened", "tools/call", { name: "functions.list_tasks" }],
    ["a call with wrong input", "tools/call", { name: "get_task", arguments: { task_id: "first" } }],
    ["a call that finds nothing", "tools/call", { name: "get_task", arguments: { task_id: 2_000_000_000 } }],
  ])("answers %s as the SDK does", async (_, method, params) => {
    const person = await Person.signUp();
    await statelessRequest(person, method, params);
    const own = await statelessRequest(person, method, params);
    // Makes no difference to the answer but that the SDK gives it.
    const theirs = await statelessRequest(person, method, { ...params, _meta: { progressToken: "p" } });

    expect([own.status, own.headers.get("Content-Type")]).toEqual([theirs.status, theirs.headers.get("Content-Type")]);
    expect(JSON.parse(withoutTime(await own.text()))).toEqual(JSON.parse(withoutTime(await theirs.text())));
  });

  it("refuses an envelope that does not fit, also of a client whose others did", async () => {
    const person = await Person.signUp();
    for (const [clientInfo, status] of [
      [NAMED, 200],
      [{ name: 1 }, 400],
      [NAMED, 200],
      [{ name: 1 }, 400],
    ] as const) {
      const _meta = { "io.modelcontextprotocol/clientInfo": clientInfo };
      expect((await statelessRequest(person, "tools/list", { _meta })).status).toBe(status);
    }
  });

  it("names the versions it speaks to one that it does not", async () => {
    const person = await Person.signUp();
    const version = "2099-01-01";
    const response = await person.send("/mcp", {
      method: "POST",
      headers: { "Mcp-Protocol-Version": version, "Mcp-Method": "tools/list" },
      body: {
        jsonrpc: "2.0",
        id: 1,
        method: "tools/list",
        params: {
          _meta: {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
          },
        },
      },
    });

    expect(response.status).toBe(400);
    expect((await answerOf(response)).error).toMatchObject({ code: -32022, data: { supported: ["2026-07-28"] } });
  });

  it("does not go with a batch", async () => {
    const session = await ClientSession.open(await Person.signUp(), "2025-03-26");
    const params = { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } };
    const response = await session.post([{ jsonrpc: "2.0", id: 1, method: "tools/list", params }]);

    expect(response.status).toBe(400);
    expect((await answerOf(response)).error?.code).toBe(-32600);
  });
});

describe("one declaration for every interface", () => {
  it("answers the same from both modes and from plain HTTP", async () => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    const created = await person.runForTask("create_task", { title: "the same", tags: ["a"] });
    const input = { task_id: created.id };
    const whole = { tasks: [{ ...created, created_by: "http" }] };
    const fromSession = await session.call("get_task", input);
    const stateless = await answerOf(
      await statelessRequest(person, "tools/call", { name: "get_task", arguments: input }),
    );

    expect(fromSession.result?.structuredContent).toEqual(whole);
    expect(stateless.result?.structuredContent).toEqual(whole);
    expect(stateless.result?.content).toEqual(fromSession.result?.content);
  });

  it.each([
    ["tools/list", {}],
    ["resources/list", {}],
    ["resources/templates/list", {}],
    ["prompts/list", {}],
    ["tools/call", { name: "drop_tasks", arguments: {} }],
    ["tools/call", { name: "get_task", arguments: { task_id: 0 } }],
  ])("answers %s of %j the same in both modes", async (method, params) => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    const inSession = await session.request(method, params);
    const stateless = await answerOf(await statelessRequest(person, method, params));
    const { _meta, resultType, ttlMs, cacheScope, ...result } = stateless.result ?? {};

    expect(result).toEqual(inSession.result ?? {});
    expect(stateless.error).toEqual(inSession.error);
  });
});
