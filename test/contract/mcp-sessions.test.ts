import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import manifest from "../../package.json" with { type: "json" };
import { describeCatalog } from "../../src/tools/catalog.ts";
import {
  ACCEPT,
  answerOf,
  answersOf,
  ClientSession,
  callBody,
  EVENTS,
  holdTask,
  initializeParams,
  PROTOCOL,
  PROTOCOLS,
} from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, Person, send } from "../support/person.ts";

describe("opening a session", () => {
  it("says who the server is and how to work with it, in under 150 words", async () => {
    const { result } = (await ClientSession.open(await Person.signUp())).initialized;

    expect(result).toMatchObject({
      protocolVersion: PROTOCOL,
      capabilities: { tools: {}, logging: {} },
      serverInfo: { name: manifest.name, version: manifest.version, title: "MCP Task Server", websiteUrl: ORIGIN },
    });
    expect(String(result?.instructions).split(/\s+/).length).toBeLessThan(150);
  });

  it.each(PROTOCOLS)("speaks protocol %s, with the six tools", async (version) => {
    const session = await ClientSession.open(await Person.signUp(), version);
    const { result } = await session.call("create_task", { title: version });

    expect(session.initialized.result?.protocolVersion).toBe(version);
    expect(result?.structuredContent).toMatchObject({ tasks: [{ title: version }] });
    expect(result?.content).toEqual([{ type: "text", text: expect.stringContaining(version) }]);
    expect((await session.request("tools/list")).result?.tools).toEqual(describeCatalog());
    expect(await ownerQuery("select title from tasks where user_id = $1", [session.person.id])).toEqual([
      { title: version },
    ]);
  });

  it("answers a protocol it does not know with its newest", async () => {
    const person = await Person.signUp();
    const response = await person.send("/mcp", {
      method: "POST",
      headers: { Accept: ACCEPT },
      body: { jsonrpc: "2.0", id: 1, method: "initialize", params: initializeParams("2031-01-01") },
    });

    expect((await answerOf(response)).result?.protocolVersion).toBe(PROTOCOL);
  });

  it("opens another session for another initialize, and leaves the first as it is", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const body = { jsonrpc: "2.0", id: 9, method: "initialize", params: initializeParams() };
    const again = await session.post(body);

    expect(again.status).toBe(200);
    expect(again.headers.get("Mcp-Session-Id")).not.toBe(session.id);
    expect((await session.request("ping")).result).toEqual({});
  });

  it("names what does not fit in an initialize request", async () => {
    const person = await Person.signUp();
    const response = await person.send("/mcp", {
      method: "POST",
      headers: { Accept: ACCEPT },
      body: { jsonrpc: "2.0", id: 7, method: "initialize", params: { protocolVersion: PROTOCOL, capabilities: {} } },
    });

    expect(response.status).toBe(400);
    expect(await answerOf(response)).toMatchObject({
      id: 7,
      error: { code: -32602, message: expect.stringMatching(/params\.clientInfo/) },
    });
  });

  it.each([
    ["without an id", {}, {}, 400],
    ["with no id a request may have", { id: null }, {}, 400],
    ["from a client that takes no events", { id: 1 }, { Accept: "application/json" }, 406],
  ])("leaves nothing behind of one that is refused: %s", async (_, id, headers, status) => {
    const person = await Person.signUp();
    const before = new Set((await listDurableObjectIds(env.MCP_SESSIONS)).map(String));
    const body = { jsonrpc: "2.0", method: "initialize", params: initializeParams(), ...id };
    const response = await person.send("/mcp", { method: "POST", headers: { Accept: ACCEPT, ...headers }, body });

    expect([response.status, response.headers.get("Mcp-Session-Id")]).toEqual([status, null]);
    for (const made of await listDurableObjectIds(env.MCP_SESSIONS)) {
      if (before.has(String(made))) continue;
      const stored = await runInDurableObject(env.MCP_SESSIONS.get(made), async (_object, { storage }) => ({
        entries: [...storage.kv.list()],
        alarm: await storage.getAlarm(),
      }));
      expect(stored).toEqual({ entries: [], alarm: null });
    }
  });

  it("refuses an initialize request of 64 KiB and more", async () => {
    const person = await Person.signUp();
    const params = { ...initializeParams(), capabilities: { experimental: { x: { y: "z".repeat(65_536) } } } };
    const body = { jsonrpc: "2.0", id: 1, method: "initialize", params };

    expect((await person.send("/mcp", { method: "POST", headers: { Accept: ACCEPT }, body })).status).toBe(413);
  });
});

describe("in a session", () => {
  it("answers ping, and accepts a logging level", async () => {
    const session = await ClientSession.open(await Person.signUp());

    expect((await session.request("ping")).result).toEqual({});
    expect((await session.request("logging/setLevel", { level: "warning" })).result).toEqual({});
  });

  it.each<[string, string, (id: number) => Record<string, unknown>]>([
    ["a list of tools", "tools/list", () => ({})],
    ["a call", "tools/call", (id) => ({ name: "get_task", arguments: { task_id: id } })],
    ["a call that the tool refuses", "tools/call", () => ({ name: "get_task", arguments: { task_id: 0 } })],
    ["arguments that are no object", "tools/call", () => ({ name: "get_task", arguments: [] })],
    ["an unknown tool", "tools/call", () => ({ name: "drop_tasks" })],
    ["a level", "logging/setLevel", () => ({ level: "info" })],
    ["an unknown level", "logging/setLevel", () => ({ level: "loud" })],
    ["a list of resources", "resources/list", () => ({})],
    ["a list of templates", "resources/templates/list", () => ({})],
    ["a list of prompts", "prompts/list", () => ({})],
  ])("answers what needs no server as the server does: %s", async (_, method, paramsFor) => {
    const session = await ClientSession.open(await Person.signUp());
    const { id } = await session.person.runForTask("create_task", { title: "Buy milk" });
    const { id: _plainId, ...plain } = await session.request(method, paramsFor(id));
    const { id: _serversId, ...servers } = await session.request(method, { ...paramsFor(id), _meta: {} });
    const body = { jsonrpc: "2.0", id: "events", method, params: paramsFor(id) };
    const events = await answersOf(await session.post(body, EVENTS));

    expect(plain).toEqual(servers);
    expect(events).toEqual([{ id: "events", ...servers }]);
  });

  it.each([
    ["create_task", { title: "Buy milk" }],
    ["list_tasks", {}],
  ])("takes a request without a version, as some clients send them: %s", async (name, input) => {
    const session = await ClientSession.open(await Person.signUp());
    const { "Mcp-Protocol-Version": _, ...headers } = session.headers();
    const response = await send("/mcp", {
      method: "POST",
      headers,
      body: callBody(1, name, input),
    });

    expect((await answerOf(response)).result?.structuredContent).toHaveProperty("tasks");
  });

  it("tells a model what to do about a failure", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const refused = await session.call("create_task", { title: "", colour: "red" });
    const missing = await session.call("get_task", { task_id: 2_000_000_000 });

    expect(refused.result?.isError).toBe(true);
    expect(JSON.stringify(refused.result?.content)).toMatch(
      /title is required, or tasks with at least one in it\. Unknown field colour\. Allowed: title, /,
    );
    expect(missing.result).toEqual({ isError: true, content: [{ type: "text", text: "Task not found" }] });
  });

  it("names the levels to a client that asks for another", async () => {
    const session = await ClientSession.open(await Person.signUp());

    expect((await session.request("logging/setLevel", { level: "loud" })).error).toEqual({
      code: -32602,
      message: expect.stringMatching(/params\.level must be one of debug, info, .*emergency$/),
    });
  });

  it("answers an unknown tool and an unknown method with the protocol's errors", async () => {
    const session = await ClientSession.open(await Person.signUp());

    expect((await session.call("drop_tasks")).error).toEqual({ code: -32602, message: "Unknown tool: drop_tasks" });
    expect((await session.request("resources/read", { uri: "x:y" })).error).toMatchObject({ code: -32601 });
  });

  it.each([
    ["resources/list", { resources: [] }],
    ["resources/templates/list", { resourceTemplates: [] }],
    ["prompts/list", { prompts: [] }],
  ])("answers %s with an empty list", async (method, list) => {
    const session = await ClientSession.open(await Person.signUp());

    expect((await session.request(method)).result).toEqual(list);
  });

  it("answers two requests that are in flight at once, each with its own", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const calls = ["first", "second", "third"].map((title, id) =>
      session.post({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "create_task", arguments: { title } } }),
    );
    const answers = await Promise.all(calls.map(async (call) => answerOf(await call)));

    expect(answers.map(({ id, result }) => [id, result?.structuredContent])).toEqual([
      [0, expect.objectContaining({ tasks: [expect.objectContaining({ title: "first" })] })],
      [1, expect.objectContaining({ tasks: [expect.objectContaining({ title: "second" })] })],
      [2, expect.objectContaining({ tasks: [expect.objectContaining({ title: "third" })] })],
    ]);
  });

  it("refuses the id of a request that is in flight, and takes it again after the answer", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const { tasks } = await session.person.run("create_task", { title: "held" });
    const { released: holding } = await holdTask(session.person, tasks[0]?.id);
    const params = { name: "update_task", arguments: { task_id: tasks[0]?.id, title: "changed" } };
    const body = { jsonrpc: "2.0", id: 5, method: "tools/call", params };
    const first = await session.post(body);
    const second = await session.post(body);

    expect(second.status).toBe(400);
    expect((await answerOf(second)).error).toMatchObject({ code: -32600, message: expect.stringMatching(/in flight/) });
    expect((await answerOf(first)).result?.isError).toBeUndefined();
    await holding;
    expect((await answerOf(await session.post(body))).result?.isError).toBeUndefined();
  });

  it("ends the stream of a request that is cancelled, without an answer", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const { tasks } = await session.person.run("create_task", { title: "held" });
    const { released: holding } = await holdTask(session.person, tasks[0]?.id);
    const params = { name: "update_task", arguments: { task_id: tasks[0]?.id, title: "changed" } };
    const response = await session.post({ jsonrpc: "2.0", id: 5, method: "tools/call", params });
    const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 5, reason: "no more" } };

    expect((await session.post(cancel)).status).toBe(202);
    expect(await answersOf(response)).toEqual([]);
    await holding;
    expect((await session.request("ping")).result).toEqual({});
  });

  it("takes notifications and answers of the client with 202 and nothing else", async () => {
    const session = await ClientSession.open(await Person.signUp());
    for (const body of [
      { jsonrpc: "2.0", method: "notifications/roots/list_changed" },
      { jsonrpc: "2.0", id: "unasked", result: {} },
    ]) {
      const response = await session.post(body);
      expect([response.status, await response.text()]).toEqual([202, ""]);
    }
  });

  it("is over after DELETE", async () => {
    const session = await ClientSession.open(await Person.signUp());

    expect((await session.delete()).status).toBe(204);
    expect((await session.post({ jsonrpc: "2.0", id: 1, method: "ping" })).status).toBe(404);
    expect((await session.get()).status).toBe(404);
    expect((await session.delete()).status).toBe(404);
  });
});

describe("the icon", () => {
  it("is served as the server names it, to pages of any origin", async () => {
    const { result } = (await ClientSession.open(await Person.signUp())).initialized;
    const icons = iconsOf(result?.serverInfo);

    expect(icons).toHaveLength(2);
    for (const { src, mimeType } of icons) {
      const response = await send(src);
      expect(response.headers.get("Content-Type")).toContain(mimeType);
      expect(response.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(200);
    }
  });
});

const iconsSchema = z.object({ icons: z.array(z.object({ src: z.url(), mimeType: z.string() })) });

function iconsOf(serverInfo: unknown): { src: string; mimeType: string }[] {
  return iconsSchema.parse(serverInfo).icons;
}
