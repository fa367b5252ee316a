import { beforeAll, describe, expect, it } from "vitest";
import { chat } from "../support/chatting.ts";
import { ACCEPT, answerOf, ClientSession, initializeParams } from "../support/mcp.ts";
import { Person, problemOf } from "../support/person.ts";
import { Script, says } from "../support/scripted-model.ts";
import { turnOver } from "../support/turn-over.ts";

const TOO_DEEP = "may be nested 64 levels deep at most";

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

/** JSON nested so deep, alternately in arrays and objects. */
function nested(depth: number): string {
  let text = "0";
  for (let level = 0; level < depth; level += 1) text = level % 2 === 0 ? `[${text}]` : `{"a":${text}}`;
  return text;
}

describe.each([
  ["POST", "/api/auth/signup"],
  ["POST", "/api/auth/signin"],
  ["POST", "/api/auth/signout"],
  ["DELETE", "/api/auth/me"],
  ["POST", "/chat"],
  ["POST", "/api/chat"],
  ["PATCH", "/api/conversations/c"],
  ["POST", "/mcp/tools/create_task"],
])("a body of %s %s", (method, path) => {
  it.each([65, 3_000])("that is nested %i deep is refused", async (depth) => {
    const response = await person.send(path, { method, body: `{"x":${nested(depth - 1)}}` });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).detail).toBe(`The body ${TOO_DEEP}.`);
  });

  it("that is nested 150,000 deep is refused, for its size where that is less", async () => {
    const response = await person.send(path, { method, body: `{"x":${nested(150_000)}}` });

    expect(response.status).toBe(["/chat", "/api/chat"].includes(path) ? 400 : 413);
  });

  it("that is nested 64 deep is looked at", async () => {
    const response = await person.send(path, { method, body: `{"x":${nested(63)}}` });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).detail).not.toContain("nested");
  });
});

describe("a message to /mcp", () => {
  const post = (body: string, headers: Record<string, string>) =>
    person.send("/mcp", { method: "POST", body, headers: { Accept: ACCEPT, ...headers } });

  it.each([
    ["deep", nested(3_000), -32600, `The body ${TOO_DEEP}.`],
    ["deep and never closed", "[".repeat(500_000), -32600, `The body ${TOO_DEEP}.`],
    ["no JSON", "{", -32700, "The body must be valid JSON."],
  ])("that is %s is refused, in both eras", async (_, body, code, message) => {
    for (const headers of [{}, { "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list" }]) {
      const response = await post(body, headers);

      expect(response.status).toBe(400);
      expect((await answerOf(response)).error).toEqual({ code, message });
    }
  });

  it("with capabilities nested 3,000 deep is refused, in both eras", async () => {
    const params = { ...initializeParams(), capabilities: "DEEP" };
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
      "io.modelcontextprotocol/clientCapabilities": "DEEP",
    };
    const withDepth = (body: unknown, depth: number) =>
      JSON.stringify(body).replace('"DEEP"', `{"experimental":{"x":{"y":${nested(depth)}}}}`);
    const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params };
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: meta } };
    const stateless = { "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list" };

    for (const [body, headers] of [[initialize, {}] as const, [list, stateless] as const]) {
      expect((await post(withDepth(body, 50), headers)).status).toBe(200);
      const refused = await post(withDepth(body, 3_000), headers);
      expect(refused.status).toBe(400);
      expect((await answerOf(refused)).error).toEqual({ code: -32600, message: `The body ${TOO_DEEP}.` });
    }
  });

  it("leaves its session as it was", async () => {
    const session = await ClientSession.open(person);
    const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_task","arguments":${nested(3_000)}}}`;

    expect((await session.post(call)).status).toBe(400);
    expect((await session.request("ping")).result).toEqual({});
  });
});

describe("a model's arguments", () => {
  it.each([
    ["complete_task", `{"task_id":${nested(4_500)}}`, `Error: The arguments ${TOO_DEEP}.`],
    ["complete_task", `{"task_id":${nested(60)}}`, "Error: task_id must be a number"],
    ["no_such_tool", nested(4_500), `Error: The arguments ${TOO_DEEP}.`],
  ])("of %s that are nested deep go back as an error, and the turn goes on", async (name, text, output) => {
    const turn = await turnOver([{ output: [{ type: "call", name, arguments: text }] }, says("Sorry.")]);

    expect(turn.answer.response).toBe("Sorry.");
    expect(turn.stored).toMatchObject({ outcome: "completed" });
    expect(turn.record.requests[1]?.input.at(-1)).toMatchObject({ output });
    // And the conversation can be read, and goes on.
    const { conversation_id: id } = turn.answer;
    expect((await turn.person.send(`/api/conversations/${id}`)).status).toBe(200);
  });
});

describe("a cursor", () => {
  it.each([
    ["nested deep", btoa(nested(90))],
    ["of a moment with 130 digits", btoa(JSON.stringify(["updated", `2026-01-01T00:00:00.${"1".repeat(130)}Z`, 1]))],
    ["of a huge number", btoa('["updated","2026-01-01T00:00:00Z",1e400]')],
    ["of many digits", btoa(`["updated","2026-01-01T00:00:00Z",${"9".repeat(300)}]`)],
  ])("of tasks that is %s is no fault of ours", async (_, cursor) => {
    expect((await person.call("list_tasks", { order: "updated", cursor })).status).toBeLessThan(500);
  });

  it.each([
    ["with 130 digits of a second", `2026-01-01T00:00:00.${"1".repeat(130)}Z`],
    ["with no digits of a second", "2026-01-01T00:00:00Z"],
    ["in the year 10000", "+010000-01-01T00:00:00.000Z"],
  ])("of conversations %s is refused", async (_, moment) => {
    const response = await person.send(`/api/conversations?cursor=${encodeURIComponent(`${moment}_abc`)}`);

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([
      { field: "cursor", message: expect.stringMatching(/^must be the next_cursor of the page before/) },
    ]);
  });

  it("of events is no fault of ours", async () => {
    const session = await ClientSession.open(person);
    const ids = encodeURIComponent("[".repeat(1_500));
    const response = await session.get({ "Last-Event-ID": `${crypto.randomUUID()}:0:${ids}` });

    expect(response.status).toBeLessThan(500);
    await response.body?.cancel();
  });
});

describe("a list of languages", () => {
  it.each([
    ["in the twentieth place is heeded", 19, true],
    ["further down is not looked up", 20, false],
  ])("one that is %s", async (_, before, isHeeded) => {
    const script = await Script.write([says("Hello.")]);
    const languages = [...Array(before).fill("x1"), "de"].join(",");
    await chat(person, { message: `Hi ${script.mark}` }, { "Accept-Language": languages });

    const [request] = (await script.record()).requests;
    expect(JSON.stringify(request).includes("if that is unclear, in German")).toBe(isHeeded);
  });
});
