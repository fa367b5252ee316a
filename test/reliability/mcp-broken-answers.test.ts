import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import {
  answerOf,
  ClientSession,
  callBody,
  EVENTS,
  eventsOf,
  firstEventOf,
  holdTask,
  storedIn,
} from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person, problemOf } from "../support/person.ts";

describe("an answer whose connection broke", () => {
  it("is fetched by Last-Event-ID, and the call is not made again", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const begun = await firstEventOf(await session.post(callBody(1, "create_task", { title: "once" })));
    await vi.waitFor(async () => expect(await storedIn(session)).toMatchObject({ entries: 2 }), PATIENCE);
    const answer = await answerOf(await session.get({ "Last-Event-ID": begun.id ?? "" }));

    expect(begun).toMatchObject({ data: "", retry: "1000" });
    expect(answer).toMatchObject({ id: 1, result: { structuredContent: { tasks: [{ title: "once" }] } } });
    expect(await ownerQuery("select title from tasks where user_id = $1", [session.person.id])).toEqual([
      { title: "once" },
    ]);
  });

  it("comes on the new connection where the call is still running", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const { tasks } = await session.person.run("create_task", { title: "held" });
    const { released: holding } = await holdTask(session.person, tasks[0]?.id);
    const begun = await firstEventOf(
      await session.post(callBody(1, "update_task", { task_id: tasks[0]?.id, title: "changed" })),
    );
    const answer = await answerOf(await session.get({ "Last-Event-ID": begun.id ?? "" }));
    await holding;

    expect(answer).toMatchObject({ id: 1, result: { structuredContent: { tasks: [{ title: "changed" }] } } });
  });

  it("is there beside one that only another release can read, and its number is not given again", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await runInDurableObject(session.object, (_, { storage }) => storage.kv.put("event/7", { number: 40, place: 7 }));
    await evictDurableObject(session.object);
    const response = await session.post(callBody(1, "create_task", { title: "beside" }));
    const [begun, told] = eventsOf(await response.text());
    const answer = await answerOf(await session.get({ "Last-Event-ID": begun?.id ?? "" }));

    expect(told?.id).toMatch(/:4[12]$/);
    expect(answer).toMatchObject({ id: 1, result: { structuredContent: { tasks: [{ title: "beside" }] } } });
  });

  it("is still there after an eviction, and as often as it is asked for", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const response = await session.post(callBody(1, "create_task", { title: "kept" }));
    const [begun, told] = eventsOf(await response.text());
    await evictDurableObject(session.object);

    for (const _ of [1, 2]) {
      const [again] = eventsOf(await (await session.get({ "Last-Event-ID": begun?.id ?? "" })).text());
      expect(again).toEqual(told);
    }
    expect((await session.get({ "Last-Event-ID": told?.id ?? "" })).status).toBe(204);
  });

  it.each([41, "41", 'a "b", 100 % für Zoë 🙂'])(
    "that is lost is said to be, rather than waited for: %s",
    async (id) => {
      const session = await ClientSession.open(await Person.signUp());
      const [begun] = eventsOf(await (await session.post(callBody(id, "create_task", { title: "lost" }))).text());
      await runInDurableObject(session.object, (_, { storage }) =>
        [...storage.kv.list({ prefix: "event/" })].map(([key]) => storage.kv.delete(key)),
      );
      const rest = await (await session.get({ "Last-Event-ID": begun?.id ?? "" })).text();
      const [lost] = eventsOf(rest);

      expect(eventsOf(rest)).toHaveLength(1);
      expect(JSON.parse(lost?.data ?? "")).toMatchObject({
        id,
        error: { code: -32000, message: expect.stringContaining("look before") },
      });
      expect((await session.get({ "Last-Event-ID": lost?.id ?? "" })).status).toBe(204);
    },
  );

  it("of a call that changes nothing, to a client that takes events alone, is stored a moment later, together with others", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const list = async (id: number) =>
      eventsOf(await (await session.post(callBody(id, "list_tasks", {}), EVENTS)).text());
    const [begun, told] = await list(1);
    await list(2);

    expect(await storedIn(session)).toMatchObject({ entries: 1 });
    expect(eventsOf(await (await session.get({ "Last-Event-ID": begun?.id ?? "" })).text())).toEqual([told]);
    await vi.waitFor(async () => expect(await storedIn(session)).toMatchObject({ entries: 3 }), PATIENCE);
    await evictDurableObject(session.object);
    expect(eventsOf(await (await session.get({ "Last-Event-ID": begun?.id ?? "" })).text())).toEqual([told]);
  });

  it("is one of 64 that are kept", async () => {
    const session = await ClientSession.open(await Person.signUp());
    for (let call = 0; call < 70; call += 1) await session.request("ping");
    const kept = () =>
      runInDurableObject(session.object, (_, { storage }) =>
        Array.from(storage.kv.list<{ number: number }>({ prefix: "event/" }), ([, { number }]) => number),
      );

    await vi.waitFor(async () => expect(Math.max(...(await kept()))).toBe(71), PATIENCE);
    expect(await kept()).toHaveLength(64);
  });

  it("is not told to a token that was signed out", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const [begun] = eventsOf(await (await session.post(callBody(1, "create_task", { title: "mine" }))).text());
    await session.person.send("/api/auth/signout", { method: "POST", body: {} });

    expect((await problemOf(await session.get({ "Last-Event-ID": begun?.id ?? "" }))).status).toBe(401);
  });

  it("is another session's business", async () => {
    const person = await Person.signUp();
    const [mine, other] = [await ClientSession.open(person), await ClientSession.open(person)];
    const [begun] = eventsOf(await (await mine.post(callBody(1, "create_task", { title: "mine" }))).text());
    const answer = await answerOf(await other.get({ "Last-Event-ID": begun?.id ?? "" }));

    expect(answer.result).toBeUndefined();
  });

  it.each(["nonsense", "a:b", "a:1:?", `${"x".repeat(65)}:1`])("is not looked for by %s", async (id) => {
    const session = await ClientSession.open(await Person.signUp());

    expect((await session.get({ "Last-Event-ID": id })).status).toBe(400);
  });

  it("is not kept for clients of older protocols, which have no way to ask for it", async () => {
    const session = await ClientSession.open(await Person.signUp(), "2025-06-18");
    const response = await session.post(callBody(1, "create_task", { title: "Buy milk" }));
    const events = eventsOf(await response.text());

    expect(events).toEqual([{ id: undefined, retry: undefined, data: expect.stringContaining("Buy milk") }]);
  });
});
