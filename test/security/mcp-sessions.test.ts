import { evictDurableObject, listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { readSessionId, signSessionId } from "../../src/mcp/session-id.ts";
import type { McpSession } from "../../src/mcp/session-object.ts";
import { ACCEPT, answerOf, ClientSession, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, Person, problemOf, send } from "../support/person.ts";

const PING = { jsonrpc: "2.0", id: 1, method: "ping" };
const CREATE = {
  jsonrpc: "2.0",
  id: 2,
  method: "tools/call",
  params: { name: "create_task", arguments: { title: "whose?" } },
};

function objectOf(session: ClientSession): DurableObjectStub<McpSession> {
  return env.MCP_SESSIONS.get(env.MCP_SESSIONS.idFromString(session.id.split(".", 1).join("")));
}

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

const SIX_TIMES_404 = [404, 404, 404, 404, 404, 404];

describe("the session of somebody else", () => {
  it("is not found, before and after an eviction, and its owner still runs as himself", async () => {
    const [ann, bob] = [await Person.signUp(), await Person.signUp()];
    const sessions = [await ClientSession.open(ann), await ClientSession.open(bob)] as const;
    for (const state of ["before", "after"]) {
      if (state === "after") for (const session of sessions) await evictDurableObject(objectOf(session));

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
    const response = await objectOf(session).handle({
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

  it("is good for its user and his rights alone", () => {
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

  it("that was signed out is told so by a tool, and refused from then on; another one goes on", async () => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    expect((await person.send("/api/auth/signout", { method: "POST", body: {} })).status).toBe(204);
    const told = await session.call("list_tasks");
    const refused = await session.post(PING);

    expect(told.result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("signed out") }] });
    expect((await problemOf(refused)).status).toBe(401);
    expect(refused.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
  });

  it("that was signed out is refused at once without a session", async () => {
    const person = await Person.signUp();
    await person.send("/api/auth/signout", { method: "POST", body: {} });

    const response = await statelessRequest(person, "tools/call", { name: "list_tasks", arguments: {} });
    expect((await problemOf(response)).status).toBe(401);
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
    runInDurableObject(objectOf(session), (_, { storage }) => {
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
