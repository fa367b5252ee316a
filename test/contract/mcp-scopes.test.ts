import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ACCEPT, type Answer, answersOf, callBody, EVENTS, initializeParams, PROTOCOL } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, Person, problemOf } from "../support/person.ts";

// What a connection that may only read sees, and what one with too few scopes is told, in both modes.

const READING = ["list_tasks", "get_task"];
const WRITING = ["create_task", "update_task", "complete_task", "delete_task"];

let person: Person;
let reader: Person;
let writer: Person;

beforeAll(async () => {
  person = await Person.signUp();
  [reader, writer] = await Promise.all([person.withScopes(["tasks:read"]), person.withScopes(["tasks:write"])]);
});

type Post = (body: unknown) => Promise<Response>;

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** Opens a session, and posts what is said in it. */
async function session(own: Person, path: string, accept = ACCEPT): Promise<Post> {
  const initialize = { jsonrpc: "2.0", id: "open", method: "initialize", params: initializeParams() };
  const headers = { Accept: accept, "Mcp-Protocol-Version": PROTOCOL };
  const opened = await own.send(path, { method: "POST", headers, body: initialize });
  expect(opened.status).toBe(200);
  await opened.text();
  const id = z.string().parse(opened.headers.get("Mcp-Session-Id"));
  return (body) => own.send(path, { method: "POST", body, headers: { ...headers, "Mcp-Session-Id": id } });
}

const messageSchema = z.object({
  method: z.string(),
  params: z.looseObject({ name: z.string().optional() }).optional(),
});

/** Posts each message as the stateless protocol has it. */
async function stateless(own: Person, path: string): Promise<Post> {
  return (body) => {
    const { method, params } = messageSchema.parse(body);
    const { name } = params ?? {};
    return own.send(path, {
      method: "POST",
      headers: {
        Accept: ACCEPT,
        "Mcp-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        ...(name !== undefined && { "Mcp-Name": name }),
      },
      body: { ...z.looseObject({}).parse(body), params: { ...params, _meta: META } },
    });
  };
}

async function answerTo(response: Response): Promise<Answer> {
  expect(response.status).toBe(200);
  const [answer, ...more] = await answersOf(response);
  expect(more).toEqual([]);
  if (answer === undefined) throw new Error("no answer");
  return answer;
}

const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
const toolsSchema = z.object({ tools: z.array(z.object({ name: z.string() })) });
const namesListed = async (post: Post) => {
  const { result } = await answerTo(await post(list));
  return toolsSchema.parse(result).tools.map(({ name }) => name);
};
const titles = async () => {
  const rows = await ownerQuery("select title from tasks where user_id = $1", [person.id]);
  return rows.map(({ title }) => title);
};

it("a session's object lists the tools that the scopes allow too", async () => {
  for (const [credential, tools] of [[reader, READING] as const, [writer, WRITING] as const]) {
    const names = await namesListed(await session(credential, "/mcp", EVENTS.Accept));
    expect(names.toSorted()).toEqual(tools.toSorted());
  }
});

describe.each([
  ["session", session],
  ["stateless", stateless],
] as const)("in the %s mode", (mode, open) => {
  it("a credential lists the tools that its scopes allow", async () => {
    expect((await namesListed(await open(person, "/mcp"))).toSorted()).toEqual([...READING, ...WRITING].toSorted());
    expect((await namesListed(await open(reader, "/mcp"))).toSorted()).toEqual(READING.toSorted());
    expect((await namesListed(await open(writer, "/mcp"))).toSorted()).toEqual(WRITING.toSorted());
  });

  it.each([
    ...["/mcp?readonly", "/mcp?readonly=1", "/mcp?readonly=true", "/mcp/?readonly"],
    // Who writes one of these means it.
    ...["/mcp?readonly=on", "/mcp?READONLY", "/mcp?read-only", "/mcp?readonly/", "/mcp?readonly=false&readonly=true"],
  ])("%s lists the reading tools alone", async (path) => {
    expect((await namesListed(await open(person, path))).toSorted()).toEqual(READING.toSorted());
  });

  it.each(["/mcp?readonly=0", "/mcp?readonly=false"])("%s lists them all", async (path) => {
    expect(await namesListed(await open(person, path))).toHaveLength(READING.length + WRITING.length);
  });

  it.each(WRITING)("%s without its scope is 403, which names it and changes nothing", async (name) => {
    const post = await open(reader, "/mcp");
    const response = await post(callBody(1, name, { title: `not ${mode}`, task_id: 1 }));

    expect(response.status).toBe(403);
    expect(response.headers.get("WWW-Authenticate")).toContain(
      `error="insufficient_scope", error_description="${name} needs the scope tasks:write, which is not granted here.", resource_metadata="${ORIGIN}/.well-known/oauth-protected-resource/mcp", scope="tasks:read tasks:write"`,
    );
    expect((await problemOf(response)).detail).toBe(`${name} needs the scope tasks:write, which is not granted here.`);
    expect(await titles()).not.toContain(`not ${mode}`);
  });

  it("a reading tool without its scope is 403 as well", async () => {
    const response = await (await open(writer, "/mcp"))(callBody(1, "list_tasks", {}));

    expect(response.status).toBe(403);
    expect(response.headers.get("WWW-Authenticate")).toContain('scope="tasks:read tasks:write"');
  });

  it("what the scopes allow is done", async () => {
    const read = await answerTo(await (await open(reader, "/mcp"))(callBody(1, "list_tasks", {})));
    expect(read.result).not.toHaveProperty("isError");
    const written = await (await open(writer, "/mcp"))(callBody(1, "create_task", { title: `by ${mode}` }));
    expect((await answerTo(written)).result).not.toHaveProperty("isError");
    expect(await titles()).toContain(`by ${mode}`);
  });

  it.each([
    ["full access", () => person],
    ["the scope to write alone", () => writer],
    ["the scope to read", () => reader],
  ])("a connection that chose to read only is never told 403, with %s", async (_, own) => {
    const { result } = await answerTo(
      await (await open(own(), "/mcp?readonly"))(callBody(1, "create_task", { title: `chosen ${mode}` })),
    );

    expect(result).toMatchObject({
      isError: true,
      content: [{ type: "text", text: "create_task needs the scope tasks:write, which is not granted here." }],
    });
    expect(await titles()).not.toContain(`chosen ${mode}`);
  });

  it("a token that was cut off is 401 and not 403", async () => {
    const cutOff = await person.withScopes(["tasks:read"]);
    const post = await open(cutOff, "/mcp");
    await cutOff.send("/api/auth/signout", { method: "POST", body: {} });

    const response = await post(callBody(1, "create_task", { title: "whose?" }));
    expect(response.status).toBe(401);
  });
});

it("a list of tools may be kept by its caller alone", async () => {
  const { result } = await answerTo(await (await stateless(reader, "/mcp"))(list));
  expect(result).toMatchObject({ cacheScope: "private" });
});

describe("a batch", () => {
  const batch = async (own: Person, bodies: readonly unknown[]) => {
    const initialize = { jsonrpc: "2.0", id: "open", method: "initialize", params: initializeParams("2025-03-26") };
    const headers = { Accept: ACCEPT, "Mcp-Protocol-Version": "2025-03-26" };
    const opened = await own.send("/mcp", { method: "POST", headers, body: initialize });
    await opened.text();
    const id = z.string().parse(opened.headers.get("Mcp-Session-Id"));
    return own.send("/mcp", { method: "POST", body: bodies, headers: { ...headers, "Mcp-Session-Id": id } });
  };

  it("of calls that all lack their scope is 403", async () => {
    const response = await batch(reader, [callBody(1, "create_task", { title: "a" }), callBody(2, "delete_task", {})]);

    expect(response.status).toBe(403);
    expect((await problemOf(response)).detail).toBe(
      "create_task, delete_task need the scope tasks:write, which is not granted here.",
    );
  });

  it("of which some may be answered has errors of the other tools", async () => {
    const response = await batch(reader, [callBody(1, "create_task", { title: "a" }), callBody(2, "list_tasks", {})]);
    expect(response.status).toBe(200);
    const answers = await answersOf(response);

    expect(answers.find(({ id }) => id === 1)?.result).toMatchObject({ isError: true });
    expect(answers.find(({ id }) => id === 2)?.result).not.toHaveProperty("isError");
  });
});

it("a session goes on when its client has been given another scope", async () => {
  const initialize = { jsonrpc: "2.0", id: "open", method: "initialize", params: initializeParams() };
  const headers = { Accept: ACCEPT, "Mcp-Protocol-Version": PROTOCOL };
  const opened = await reader.send("/mcp", { method: "POST", headers, body: initialize });
  await opened.text();
  const id = z.string().parse(opened.headers.get("Mcp-Session-Id"));
  const say = (own: Person, body: unknown) =>
    own.send("/mcp", { method: "POST", body, headers: { ...headers, "Mcp-Session-Id": id } });
  const create = callBody(1, "create_task", { title: "after stepping up" });
  expect((await say(reader, create)).status).toBe(403);
  const steppedUp = await person.withScopes(["tasks:read", "tasks:write"]);

  expect((await answerTo(await say(steppedUp, create))).result).not.toHaveProperty("isError");
  expect(await titles()).toContain("after stepping up");
  expect((await say(writer, create)).status).toBe(404);
});

it("a tool by plain HTTP is 403 with the same challenge", async () => {
  const response = await reader.call("create_task", { title: "No" });

  expect(response.status).toBe(403);
  expect(response.headers.get("WWW-Authenticate")).toContain(
    `error="insufficient_scope", error_description="create_task needs the scope tasks:write, which is not granted here.", resource_metadata="${ORIGIN}/.well-known/oauth-protected-resource/mcp", scope="tasks:read tasks:write"`,
  );
});
