import { evictDurableObject, listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readSessionId, signSessionId } from "../../src/mcp/session/session-id.ts";
import { failDatabase, loseAnswers } from "../support/database-requests.ts";
import { ACCEPT, answerOf, ClientSession, initializeParams, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, Person, problemOf, send } from "../support/person.ts";

const PING = { jsonrpc: "2.0", id: 1, method: "ping" };
const CREATE = {
  jsonrpc: "2.0",
  id: 2,
  method: "tools/call",
  params: { name: "create_task", arguments: { title: "whose?" } },
};

const TITLE = "signed out in the middle";
const KEYED = { name: "create_task", arguments: { title: TITLE, idempotency_key: "in the middle" } };

/** Everything that can be tried with the id of a session. */
async function tryAll(session: ClientSession, headers: Record<string, string>): Promise<number[]> {
  const responses = [
    await session.post(PING, headers),
    await session.post(CREATE, headers),
    await session.post({ jsonrpc: "2.0", method: "notifications/initialized" }, headers),
    await session.get(headers),
    await session.get({ ...headers, "Last-Event-ID": "_GET_stream:0" }),
    await session.delete(headers),
  ];
  for (const { body } of responses) await body?.cancel();
  return responses.map(({ status }) => status);
}

/** Ends a token in the database alone: no isolate has seen it happen. */
function signOut(person: Person): Promise<unknown> {
  return ownerQuery("update users set signed_out_at = now() where id = $1", [person.id]);
}

/** Ends a token after what this isolate has learned of it is of no more use. */
async function signOutElsewhere(person: Person): Promise<void> {
  await signOut(person);
  const now = Date.now();
  vi.spyOn(Date, "now").mockImplementation(() => now + 61_000);
}

function openingRequest(person: Person): Promise<Response> {
  const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params: initializeParams() };
  return person.send("/mcp", { method: "POST", headers: { Accept: ACCEPT }, body: initialize });
}

afterEach(() => vi.restoreAllMocks());

const SIX_TIMES_404 = [404, 404, 404, 404, 404, 404];

describe("the session of somebody else", () => {
  it("is not found, before and after an eviction, and its owner still runs as himself", async () => {
    const [ann, bob] = [await Person.signUp(), await Person.signUp()];
    const sessions = [await ClientSession.open(ann), await ClientSession.open(bob)] as const;
    for (const state of ["before", "after"]) {
      if (state === "after") for (const session of sessions) await evictDurableObject(session.object);

      expect(await tryAll(sessions[0], bob.authorization)).toEqual(SIX_TIMES_404);
      expect(await tryAll(sessions[1], ann.authorization)).toEqual(SIX_TIMES_404);
      for (const session of sessions) await session.call("create_task", { title: state });
    }
    for (const { id } of [ann, bob]) {
      const rows = await ownerQuery("select title from tasks where user_id = $1 order by id", [id]);
      expect(rows).toEqual([{ title: "before" }, { title: "after" }]);
    }
  });

  it("is not opened by the object itself either, should the worker ever let a stranger through", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const caller = { tokenId: crypto.randomUUID(), tokenIssuedAt: new Date(), tokenExpiresAt: new Date(), scopes: [] };
    const response = await session.object.handle({
      method: "POST",
      headers: { accept: ACCEPT, "content-type": "application/json" },
      body: JSON.stringify(PING),
      caller: { ...caller, userId: session.person.id + 1 },
      requestId: "test",
    });

    expect(response.status).toBe(404);
  });
});

describe("a session id", () => {
  const both = new Set(["tasks:read", "tasks:write"] as const);
  const owner = { userId: 7, access: both };
  const objectId = "a".repeat(64);
  const JWT_SECRET = "the newer secret, 32 characters and more";
  const JWT_SECRET_PREVIOUS = "the older secret, 32 characters and more";

  it("is good for its user and their rights alone", () => {
    const id = signSessionId(objectId, owner, { JWT_SECRET });

    expect(readSessionId(id, owner, { JWT_SECRET })).toBe(objectId);
    expect(readSessionId(id, { ...owner, access: new Set([...both].toReversed()) }, { JWT_SECRET })).toBe(objectId);
    expect(readSessionId(id, { ...owner, userId: 8 }, { JWT_SECRET })).toBeUndefined();
    expect(readSessionId(id, { ...owner, access: new Set(["tasks:read"] as const) }, { JWT_SECRET })).toBeUndefined();
    expect(readSessionId(id, { ...owner, access: new Set() }, { JWT_SECRET })).toBeUndefined();
    expect(readSessionId(id, { ...owner, access: "full" }, { JWT_SECRET })).toBeUndefined();
  });

  it("outlives the rotation of the secret while the previous one is known", () => {
    const id = signSessionId(objectId, owner, { JWT_SECRET: JWT_SECRET_PREVIOUS });

    expect(readSessionId(id, owner, { JWT_SECRET, JWT_SECRET_PREVIOUS })).toBe(objectId);
    expect(readSessionId(id, owner, { JWT_SECRET })).toBeUndefined();
  });

  it("that is made up or altered is not found, 1,000 of them, and no object is made", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const before = (await listDurableObjectIds(env.MCP_SESSIONS)).length;
    const people = [session.person, await Person.signUp(), await Person.signUp()];
    const ids = Array.from({ length: 1000 }, (_, index) => bogusId(session.id, index));
    const statuses = new Map<number, number>();
    for (const [index, id] of ids.entries()) {
      const method = ["POST", "GET", "DELETE"][index % 3] ?? "POST";
      const response = await send("/mcp", {
        method,
        body: method === "POST" ? PING : undefined,
        headers: {
          ...people[index % people.length]?.authorization,
          Accept: ACCEPT,
          "Mcp-Session-Id": id,
          "CF-Connecting-IP": newAddress(),
        },
      });
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    }

    expect(Object.fromEntries(statuses)).toEqual({ 404: 1000 });
    expect(await listDurableObjectIds(env.MCP_SESSIONS)).toHaveLength(before);
    expect((await session.request("ping")).result).toEqual({});
  });
});

/** Ids that are random, of another shape, or a true one with a character changed. */
function bogusId(id: string, index: number): string {
  const random = crypto.randomUUID().replaceAll("-", "");
  const position = index % id.length;
  const other = id[position] === "b" ? "c" : "b";
  const altered = id.slice(0, position) + other + id.slice(position + 1);
  const kinds = [
    altered,
    `${random}${random}.${"A".repeat(43)}`,
    random,
    env.MCP_SESSIONS.newUniqueId().toString(),
    `${id}.`,
    id.split(".", 1).join(""),
    `${id.slice(0, 65)}${"_".repeat(43)}`,
  ];
  return kinds[index % kinds.length] ?? random;
}

describe("a token", () => {
  it.each(["GET", "POST", "DELETE"])("is asked for, as RFC 6750 says: %s", async (method) => {
    const body = method === "POST" ? PING : undefined;
    const missing = await send("/mcp", { method, body, headers: { Accept: ACCEPT } });
    const wrong = await send("/mcp", { method, body, headers: { Accept: ACCEPT, Authorization: "Bearer x.y.z" } });

    expect((await problemOf(missing)).status).toBe(401);
    expect(missing.headers.get("WWW-Authenticate")).toBe('Bearer realm="mcp-task-server"');
    expect((await problemOf(wrong)).status).toBe(401);
    expect(wrong.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
  });

  it("is never taken from a cookie", async () => {
    const { session } = await Person.signUp();
    for (const name of ["token", "session", "Authorization", "__Host-session"]) {
      const response = await send("/mcp", {
        method: "POST",
        body: PING,
        headers: { Cookie: `${name}=${session.token}` },
      });
      expect(response.status).toBe(401);
    }
  });

  const LIST = { jsonrpc: "2.0", id: 3, method: "tools/list" };
  const MISTAKEN = { jsonrpc: "2.0", id: 4, method: "tools/call", params: { name: "create_task", arguments: {} } };
  const UNKNOWN = { jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "no_such_tool", arguments: {} } };

  it.each<[string, (session: ClientSession, person: Person) => Promise<Response>]>([
    ["a tool", (session) => session.post(CREATE)],
    ["a tool with input that does not fit", (session) => session.post(MISTAKEN)],
    ["an unknown tool", (session) => session.post(UNKNOWN)],
    ["tools/list", (session) => session.post(LIST)],
    ["ping", (session) => session.post(PING)],
    ["a notification", (session) => session.post({ jsonrpc: "2.0", method: "notifications/initialized" })],
    ["what is no JSON", (session) => session.post("{")],
    ["the server's stream", (session) => session.get()],
    ["the end of the session", (session) => session.delete()],
    ["another session", (_, person) => openingRequest(person)],
    ["a tool, stateless", (_, person) => statelessRequest(person, "tools/call", { name: "list_tasks", arguments: {} })],
    [
      "input that does not fit, stateless",
      (_, person) => statelessRequest(person, "tools/call", { name: "get_task", arguments: { task_id: "x" } }),
    ],
    ["tools/list, stateless", (_, person) => statelessRequest(person, "tools/list")],
    ["server/discover", (_, person) => statelessRequest(person, "server/discover")],
    ["input that does not fit, HTTP", (_, person) => person.call("create_task", {})],
    ["an unknown tool, HTTP", (_, person) => person.call("no_such_tool", {})],
    ["what is no JSON, HTTP", (_, person) => person.call("create_task", "{")],
    ["a message that does not fit", (_, person) => person.send("/chat", { method: "POST", body: { message: 1 } })],
  ])("that was signed out is refused from the first request on: %s", async (_, request) => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    await signOutElsewhere(person);

    const response = await request(session, person);
    expect((await problemOf(response)).status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
  });

  it("that was signed out is relied on for a minute at most where no database is needed, and never by a tool", async () => {
    const person = await Person.signUp();
    expect((await statelessRequest(person, "tools/list")).status).toBe(200);
    await signOut(person);

    expect((await statelessRequest(person, "tools/list")).status).toBe(200);
    expect((await openingRequest(person)).status).toBe(401);
    expect((await statelessRequest(person, "tools/list")).status).toBe(401);
  });

  it("asks the database once for requests that do not need it", async () => {
    const person = await Person.signUp();
    using asked = loseAnswers(person, "set_caller");
    asked.release();
    for (const method of ["tools/list", "server/discover", "tools/list"]) {
      expect((await statelessRequest(person, method)).status).toBe(200);
    }
    expect(asked.count).toBe(1);
  });

  it("cannot be looked up while the database is away: 503 with Retry-After, and no list", async () => {
    const person = await Person.signUp();
    using _ = failDatabase(person, "set_caller");
    const response = await statelessRequest(person, "tools/list");

    expect((await problemOf(response)).status).toBe(503);
    expect(response.headers.get("Retry-After")).not.toBeNull();
  });

  it.each<[string, (session: ClientSession, person: Person, params: typeof KEYED) => Promise<Response>]>([
    ["a session", (session, _, params) => session.post({ ...CREATE, params })],
    [
      "a batch",
      (session, _, params) =>
        session.post([
          { ...CREATE, params },
          { ...CREATE, id: 9, params },
        ]),
    ],
    ["stateless", (_, person, params) => statelessRequest(person, "tools/call", params)],
    ["HTTP", (_, person, { arguments: input }) => person.call("create_task", input)],
  ])(
    "that is signed out in the middle of a call: 401 says that it may have been carried out: %s",
    async (_, request) => {
      const person = await Person.signUp();
      const session = await ClientSession.open(person, "2025-03-26");
      using lost = loseAnswers(person, KEYED.arguments.title);
      const answering = request(session, person, KEYED);
      await vi.waitFor(() => expect(lost.count).toBeGreaterThan(0));
      await signOut(person);
      lost.release();
      const response = await answering;

      expect(response.status).toBe(401);
      expect(response.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
      expect((await problemOf(response)).detail).toContain("the change may have been carried out. Repeat the call");
      expect(await ownerQuery("select title from tasks where user_id = $1 and title = $2", [person.id, TITLE])).toEqual(
        [{ title: TITLE }],
      );
    },
  );

  it("answers a batch by 401 where it was signed out for all of it", async () => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person, "2025-03-26");
    await signOutElsewhere(person);

    expect((await session.post([CREATE, { ...CREATE, id: 9 }])).status).toBe(401);
  });
});

describe("Host and Origin", () => {
  it.each(["127.0.0.1:8787", "localhost:8787", "LOCALHOST:8787", "[::1]:8787"])("let in Host %s", async (host) => {
    const person = await Person.signUp();
    expect((await statelessRequest(person, "tools/list", {}, { Host: host })).status).toBe(200);
  });

  it.each(["evil.example", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8787"])(
    "keep out Host %s",
    async (host) => {
      const session = await ClientSession.open(await Person.signUp());
      expect(await tryAll(session, { Host: host })).toEqual([403, 403, 403, 403, 403, 403]);
      // It may have been deployed without an environment.
      expect((await problemOf(await session.post(PING, { Host: host }))).detail).toMatch(
        /the host of its BASE_URL, http:\/\/127\.0\.0\.1:8787\. It is the development environment: .*--env production/,
      );
    },
  );

  it.each(["http://127.0.0.1:8787", "http://localhost:8787", "http://[::1]:8787"])(
    "let in Origin %s",
    async (origin) => {
      const person = await Person.signUp();
      expect((await statelessRequest(person, "tools/list", {}, { Origin: origin })).status).toBe(200);
    },
  );

  it.each(["https://evil.example", "null", "https://127.0.0.1:8787", "http://localhost:9999", "moz-extension://x"])(
    "keep out Origin %s",
    async (origin) => {
      const person = await Person.signUp();
      const session = await ClientSession.open(person);
      const stateless = await statelessRequest(person, "tools/list", {}, { Origin: origin });

      expect((await problemOf(stateless)).status).toBe(403);
      expect(await tryAll(session, { Origin: origin })).toEqual([403, 403, 403, 403, 403, 403]);
      expect((await session.request("ping")).result).toEqual({});
    },
  );

  it("are checked before the token is", async () => {
    expect(
      (await send("/mcp", { method: "POST", body: PING, headers: { Origin: "https://evil.example" } })).status,
    ).toBe(403);
  });

  it("let a page of CORS_ORIGINS send and read what MCP needs", async () => {
    const origin = "http://localhost:8787";
    const names = "mcp-session-id, mcp-protocol-version, last-event-id, mcp-method, mcp-name, authorization";
    const preflight = await send("/mcp", {
      method: "OPTIONS",
      headers: {
        Origin: origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": names,
      },
    });
    const allowed = preflight.headers.get("Access-Control-Allow-Headers")?.toLowerCase() ?? "";
    const actual = await statelessRequest(await Person.signUp(), "tools/list", {}, { Origin: origin });

    expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe(origin);
    for (const name of names.split(", ")) expect(allowed).toContain(name);
    expect(actual.headers.get("Access-Control-Expose-Headers")).toContain("Mcp-Session-Id");
  });
});

it("keeps nothing of a token in a session's storage", async () => {
  const session = await ClientSession.open(await Person.signUp());
  await session.call("create_task", { title: "kept?" });
  const stored = await vi.waitUntil(() =>
    runInDurableObject(session.object, (_, { storage }) => {
      const text = JSON.stringify([...storage.kv.list()]);
      return text.includes("kept?") && text;
    }),
  );

  expect(stored).not.toContain(session.person.session.token);
  expect(stored).not.toContain("Bearer");
});

it("refuses a body of more than 1 MiB", async () => {
  const session = await ClientSession.open(await Person.signUp());
  const response = await session.post({ ...PING, params: { x: "y".repeat(1024 * 1024) } });

  expect((await problemOf(response)).status).toBe(413);
  expect((await answerOf(await session.post(PING))).result).toEqual({});
});
