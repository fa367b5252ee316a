import { describe, expect, it } from "vitest";
import { ACCEPT, answerOf, answersOf, ClientSession, holdTask, PROTOCOLS, statelessRequest } from "../support/mcp.ts";
import { Person, problemOf, send } from "../support/person.ts";

describe("batches", () => {
  const batch = [
    { jsonrpc: "2.0", id: "a", method: "ping" },
    { jsonrpc: "2.0", method: "notifications/initialized" },
    { jsonrpc: "2.0", id: "b", method: "tools/list" },
  ];

  it("are answered in protocol 2025-03-26, each request by its id", async () => {
    const session = await ClientSession.open(await Person.signUp(), "2025-03-26");
    const answers = await answersOf(await session.post(batch));

    expect(answers.map(({ id }) => id).toSorted()).toEqual(["a", "b"]);
  });

  it.each(PROTOCOLS.filter((version) => version !== "2025-03-26"))("are refused in protocol %s", async (version) => {
    const session = await ClientSession.open(await Person.signUp(), version);
    const response = await session.post(batch);

    expect(response.status).toBe(400);
    expect((await answerOf(response)).error?.code).toBe(-32600);
  });

  it("are refused with more than 100 messages, and nothing of them is run", async () => {
    const session = await ClientSession.open(await Person.signUp(), "2025-03-26");
    const creates = Array.from({ length: 101 }, (_, id) => {
      const params = { name: "create_task", arguments: { title: `task ${id}` } };
      return { jsonrpc: "2.0", id, method: "tools/call", params };
    });
    const response = await session.post(creates);

    expect(response.status).toBe(400);
    expect((await answerOf(response)).error?.code).toBe(-32600);
    expect(await session.person.run("list_tasks", {})).toMatchObject({ tasks: [] });
  });

  it("go on without the one request that is cancelled", async () => {
    const session = await ClientSession.open(await Person.signUp(), "2025-03-26");
    const { tasks } = await session.person.run("create_task", { title: "held" });
    const { released: holding } = await holdTask(session.person, tasks[0]?.id);
    const call = (id: number, name: string, input: Record<string, unknown>) => {
      return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: input } };
    };
    const [cancelled, other] = ["cancelled", "other"].map((title, id) =>
      call(id, "update_task", { task_id: tasks[0]?.id, title }),
    );
    const response = await session.post([cancelled, other]);
    await session.post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 0 } });
    await holding;

    expect(await answersOf(response)).toEqual([expect.objectContaining({ id: 1, result: expect.anything() })]);
  });

  it("count as many times against the user's rate limit as they have requests", async () => {
    const session = await ClientSession.open(await Person.signUp(), "2025-03-26");
    const pings = Array.from({ length: 100 }, (_, id) => ({ jsonrpc: "2.0", id, method: "ping" }));
    const statuses: number[] = [];
    // Twice the limit, because a new minute may begin in between.
    while (statuses.length < 14 && statuses.at(-1) !== 429) {
      const response = await session.post(pings);
      statuses.push(response.status);
      await response.text();
    }

    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
    expect(statuses.at(-1)).toBe(429);
  });
});

describe("JSON that is no JSON-RPC", () => {
  it.each([
    ["params that are a list", { jsonrpc: "2.0", id: 7, method: "ping", params: [] }, 7],
    ["params that are null", { jsonrpc: "2.0", id: "a", method: "ping", params: null }, "a"],
    ["params that are text", { jsonrpc: "2.0", id: 7, method: "ping", params: "x" }, 7],
    ["another version", { jsonrpc: "1.0", id: 7, method: "ping" }, 7],
    ["no version", { id: 7, method: "ping" }, 7],
    ["a method that is no text", { jsonrpc: "2.0", id: 7, method: 1 }, 7],
    ["no method at all", { jsonrpc: "2.0", id: 7 }, 7],
    ["an id that is no whole number", { jsonrpc: "2.0", id: 1.5, method: "ping" }, null],
    ["an id that is null", { jsonrpc: "2.0", id: null, method: "ping" }, null],
    ["a number", 1, null],
    ["an empty batch", [], null],
  ])("is refused with -32600 in both modes: %s", async (_, body, id) => {
    const session = await ClientSession.open(await Person.signUp());
    const version = { "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "ping" };
    const stateless = { method: "POST", headers: { Accept: ACCEPT, ...version }, body };
    for (const response of [await session.post(body), await session.person.send("/mcp", stateless)]) {
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ id, error: { code: -32600, message: expect.any(String) } });
    }
    expect((await session.request("ping")).result).toEqual({});
  });
});

describe("a slash at the end of the path", () => {
  it("makes no difference", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const body = { jsonrpc: "2.0", id: 1, method: "ping" };
    const response = await send("/mcp/", { method: "POST", body, headers: session.headers() });
    const put = await send("/mcp/", { method: "PUT", body, headers: session.headers() });

    expect((await answerOf(response)).result).toEqual({});
    expect([put.status, put.headers.get("Allow")]).toEqual([405, "GET, POST, DELETE"]);
    expect((await send("/health/")).status).toBe(200);
  });
});

describe("Accept", () => {
  it.each([
    undefined,
    "*/*",
    "application/*, text/*",
    "Application/JSON, TEXT/event-stream",
    "text/event-stream;q=0.9, application/json;q=1",
  ])("of %s takes an answer in both modes", async (accept) => {
    const session = await ClientSession.open(await Person.signUp());
    const { Accept: _, ...headers } = session.headers();
    const inSession = await send("/mcp", {
      method: "POST",
      body: { jsonrpc: "2.0", id: 1, method: "ping" },
      headers: { ...headers, ...(accept !== undefined && { Accept: accept }) },
    });
    const stateless = await statelessRequest(session.person, "tools/list", {}, { Accept: accept ?? "" });

    expect((await answerOf(inSession)).result).toEqual({});
    expect((await answerOf(stateless)).result).toMatchObject({ tools: expect.any(Array) });
  });

  it.each(["text/html", "application/json;q=0, text/event-stream;q=0"])(
    "of %s is 406 in both modes",
    async (accept) => {
      const session = await ClientSession.open(await Person.signUp());
      const ping = { jsonrpc: "2.0", id: 1, method: "ping" };

      expect((await session.post(ping, { Accept: accept })).status).toBe(406);
      expect((await statelessRequest(session.person, "tools/list", {}, { Accept: accept })).status).toBe(406);
    },
  );
});

describe("what does not belong to a session", () => {
  it.each(["GET", "DELETE", "POST"])("is told so: %s", async (method) => {
    const person = await Person.signUp();
    const body = method === "POST" ? { jsonrpc: "2.0", id: 1, method: "tools/list" } : undefined;
    const response = await person.send("/mcp", { method, headers: { Accept: ACCEPT }, body });

    expect(response.status).toBe(400);
    expect((await answerOf(response)).error?.message).toContain("Mcp-Session-Id is missing");
  });

  it.each([
    ["a body that is not JSON", "{", {}, 400],
    ["a body of another type", "{}", { "Content-Type": "text/plain" }, 415],
    ["JSON that is no JSON-RPC", "{}", {}, 400],
    ["an empty batch", "[]", {}, 400],
    ["a client that takes no event stream", '{"jsonrpc":"2.0","id":1,"method":"ping"}', { Accept: "text/html" }, 406],
    [
      "an unknown protocol version",
      '{"jsonrpc":"2.0","id":1,"method":"ping"}',
      { "Mcp-Protocol-Version": "1999-01-01" },
      400,
    ],
  ])("is refused: %s", async (_, body, headers, status) => {
    const session = await ClientSession.open(await Person.signUp());

    expect((await session.post(body, headers)).status).toBe(status);
    expect((await session.request("ping")).result).toEqual({});
  });

  it("gets 405 for other methods, and 406 for a GET that takes no events", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const put = await send("/mcp", { method: "PUT", headers: session.headers(), body: {} });
    const head = await send("/mcp", { method: "HEAD", headers: session.headers() });

    expect([put.status, put.headers.get("Allow")]).toEqual([405, "GET, POST, DELETE"]);
    expect([head.status, head.headers.get("Allow")]).toEqual([405, "GET, POST, DELETE"]);
    expect((await session.get({ Accept: "text/html" })).status).toBe(406);
    expect((await session.get({ Accept: "text/html", "Last-Event-ID": "a:1" })).status).toBe(406);
  });

  it.each(["/.well-known/mcp.json", "/.well-known/oauth", "/sse", "/register/x", "/mcp/token"])(
    "is a 404 problem: %s",
    async (path) => {
      expect(await problemOf(await send(path))).toMatchObject({
        status: 404,
        detail: "There is nothing here; GET /docs shows what there is.",
      });
    },
  );

  it.each([
    ["GET", "/.well-known/openid-configuration"],
    ["GET", "/mcp/.well-known/openid-configuration"],
    ["POST", "/register"],
    ["POST", "/token"],
  ])("is a 404 problem that says where OAuth is, and how to get a token: %s %s", async (method, path) => {
    const problem = await problemOf(await send(path, { method }));

    expect(problem.status).toBe(404);
    expect(problem.detail).toMatch(
      /\.well-known\/oauth-authorization-server.*\/api\/auth\/signin.*Authorization: Bearer/,
    );
  });
});
