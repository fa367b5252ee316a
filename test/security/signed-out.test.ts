import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { eventsOf } from "../support/event-streams.ts";
import { ACCEPT, answerOf, ClientSession, holdTask, initializeParams } from "../support/mcp.ts";
import { Person, problemOf, send } from "../support/person.ts";
import { Script, says } from "../support/scripted-model.ts";

// With a token that was signed out nobody can change anything, whatever the route.

/** A person, and the headers of a token of theirs that was signed out while their own goes on. */
async function personWithOldToken(): Promise<{ person: Person; old: { Authorization: string } }> {
  const person = await Person.signUp();
  const { authorization: old } = await person.signInAgain();
  expect((await send("/api/auth/signout", { method: "POST", body: {}, headers: old })).status).toBe(204);
  return { person, old };
}

async function expectRefused(response: Response): Promise<void> {
  expect(response.status).toBe(401);
  expect(response.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
  await problemOf(response);
}

describe("a token that was signed out", () => {
  const body = (text: string) => ({
    id: "c",
    messages: [{ id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text }] }],
  });

  it("stops no agent, throws no waiting message away, and takes no place among those that wait", async () => {
    const { person, old } = await personWithOldToken();
    const held = await Script.write([{ output: [{ type: "text", text: "one two three" }], holdAfter: 5 }]);
    const next = await Script.write([says("Second.")]);
    const running = await person.send("/api/chat", { method: "POST", body: body(held.mark) });
    const events = eventsOf(running);
    for await (const { data } of events) if (data.includes("text-delta")) break;
    const waiting = person.send("/api/chat", { method: "POST", body: body(next.mark) });

    const attempts = [
      { method: "DELETE", path: "/api/conversations/c" },
      { method: "DELETE", path: "/api/chat/c/stream" },
      ...Array.from({ length: 8 }, () => ({ method: "POST", path: "/api/chat", body: body("mine") })),
    ];
    for (const { path, ...init } of attempts) await expectRefused(await send(path, { ...init, headers: old }));

    const watching = await person.send("/api/chat/c/stream");
    await held.release();
    expect(await watching.text()).toContain('"three"');
    expect(await (await waiting).text()).toContain("Second.");
  });

  it("ends no session, listens to none and opens none", async () => {
    const { person, old } = await personWithOldToken();
    const session = await ClientSession.open(person);
    await expectRefused(await session.delete(old));
    await expectRefused(await session.get(old));
    expect((await session.request("ping")).result).toEqual({});

    const before = (await listDurableObjectIds(env.MCP_SESSIONS)).length;
    const opening = { jsonrpc: "2.0", id: 1, method: "initialize", params: initializeParams() };
    await expectRefused(await send("/mcp", { method: "POST", body: opening, headers: { ...old, Accept: ACCEPT } }));
    expect(await listDurableObjectIds(env.MCP_SESSIONS)).toHaveLength(before);
  });

  it("cancels no call", async () => {
    const { person, old } = await personWithOldToken();
    const session = await ClientSession.open(person);
    const { id } = await person.runForTask("create_task", { title: "a" });
    const { released } = await holdTask(person, id);
    const calling = session.post({
      jsonrpc: "2.0",
      id: 5,
      method: "tools/call",
      params: { name: "complete_task", arguments: { task_id: id } },
    });
    const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 5 } };
    await expectRefused(await session.post(cancel, old));
    await released;

    expect((await answerOf(await calling)).result).toMatchObject({
      structuredContent: { tasks: [{ status: "completed" }] },
    });
  });

  it("everywhere is told so at once by the isolate that has done it, and cancels nothing", async () => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    expect((await session.request("ping")).result).toEqual({});
    const other = await person.signInAgain();
    expect((await other.send("/api/auth/signout", { method: "POST", body: { everywhere: true } })).status).toBe(204);

    await expectRefused(await session.post({ jsonrpc: "2.0", id: 7, method: "ping" }));
    await expectRefused(
      await session.post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 5 } }),
    );
  });
});
