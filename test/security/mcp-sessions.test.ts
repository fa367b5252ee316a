import { evictDurableObject, listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { Caller } from "../../src/caller.ts";
import { readSessionId, signSessionId } from "../../src/mcp/session/session-id.ts";
import { ACCEPT, answerOf, ClientSession, PING, tryAll } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, Person, problemOf, send } from "../support/person.ts";

const SEVEN_TIMES_404 = [404, 404, 404, 404, 404, 404, 404];

describe("the session of somebody else", () => {
  it("is not found, before and after an eviction, and its owner still runs as himself", async () => {
    const [ann, bob] = [await Person.signUp(), await Person.signUp()];
    const sessions = [await ClientSession.open(ann), await ClientSession.open(bob)] as const;
    for (const state of ["before", "after"]) {
      if (state === "after") for (const session of sessions) await evictDurableObject(session.object);

      expect(await tryAll(sessions[0], bob.authorization)).toEqual(SEVEN_TIMES_404);
      expect(await tryAll(sessions[1], ann.authorization)).toEqual(SEVEN_TIMES_404);
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
    expect(await session.object.use({ userId: session.person.id + 1 })).toBeUndefined();
    expect(await session.object.use({ userId: session.person.id })).toEqual({ client: "test" });
  });
});

describe("a session id", () => {
  const both = new Set(["tasks:read", "tasks:write"] as const);
  const owner = { userId: 7, access: both };
  const objectId = "a".repeat(64);
  const JWT_SECRET = "the newer secret, 32 characters and more";
  const JWT_SECRET_PREVIOUS = "the older secret, 32 characters and more";

  it("is good for its user with the rights it was opened with, or more", () => {
    const id = signSessionId(objectId, owner, { JWT_SECRET });

    expect(readSessionId(id, owner, { JWT_SECRET })).toBe(objectId);
    expect(readSessionId(id, { ...owner, access: new Set([...both].toReversed()) }, { JWT_SECRET })).toBe(objectId);
    expect(readSessionId(id, { ...owner, userId: 8 }, { JWT_SECRET })).toBeUndefined();
    expect(readSessionId(id, { ...owner, access: new Set(["tasks:read"] as const) }, { JWT_SECRET })).toBeUndefined();
    expect(readSessionId(id, { ...owner, access: new Set() }, { JWT_SECRET })).toBeUndefined();
    expect(readSessionId(id, { ...owner, access: new Set(["tasks:write"] as const) }, { JWT_SECRET })).toBeUndefined();
    expect(readSessionId(id, { ...owner, access: "full" }, { JWT_SECRET })).toBe(objectId);
  });

  it("that was opened with fewer rights goes on once its user has more", () => {
    const open = (access: Caller["access"]) => signSessionId(objectId, { userId: 7, access }, { JWT_SECRET });
    const read = new Set(["tasks:read"] as const);

    expect(readSessionId(open(read), owner, { JWT_SECRET })).toBe(objectId);
    expect(readSessionId(open(new Set()), { userId: 7, access: read }, { JWT_SECRET })).toBe(objectId);
    expect(readSessionId(open(read), { userId: 8, access: both }, { JWT_SECRET })).toBeUndefined();
    expect(readSessionId(open("full"), owner, { JWT_SECRET })).toBeUndefined();
  });

  it("outlives the rotation of the secret while the previous one is known", () => {
    const id = signSessionId(objectId, owner, { JWT_SECRET: JWT_SECRET_PREVIOUS });

    expect(readSessionId(id, owner, { JWT_SECRET, JWT_SECRET_PREVIOUS })).toBe(objectId);
    expect(readSessionId(id, owner, { JWT_SECRET })).toBeUndefined();
  });

  it("that is made up or altered is not found, however it is, and no object is made", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const before = (await listDurableObjectIds(env.MCP_SESSIONS)).length;
    const people = [session.person, await Person.signUp(), await Person.signUp()];
    const ids = bogusIds(session.id);
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

    expect(Object.fromEntries(statuses)).toEqual({ 404: ids.length });
    expect(await listDurableObjectIds(env.MCP_SESSIONS)).toHaveLength(before);
    expect((await session.request("ping")).result).toEqual({});
  });
});

/** Ids that are random, of another shape, or a true one with a character changed. */
function bogusIds(id: string): string[] {
  const altered = Array.from(id, (character, position) => {
    const other = character === "b" ? "c" : "b";
    return id.slice(0, position) + other + id.slice(position + 1);
  });
  const random = crypto.randomUUID().replaceAll("-", "");
  const madeUp = [
    `${random}${random}.${"A".repeat(43)}`,
    random,
    env.MCP_SESSIONS.newUniqueId().toString(),
    `${id}.`,
    id.split(".", 1).join(""),
    `${id.slice(0, 65)}${"_".repeat(43)}`,
  ];
  // Each is sent by every method.
  return [...altered, ...madeUp.flatMap((one) => [one, one, one])];
}

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
