import { evictDurableObject, listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { answerOf, ClientSession, eventsOf, firstEventOf, holdTask } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person, problemOf } from "../support/person.ts";

const HOUR = 60 * 60 * 1000;

afterEach(() => {
  vi.useRealTimers();
});

/** What a session's object has in its storage. */
function stored(session: ClientSession): Promise<{ tables: number; entries: number; alarm: number | null }> {
  return runInDurableObject(session.object, async (_, { storage }) => ({
    tables: storage.sql.exec("select * from sqlite_master where name not like '\\_cf\\_%' escape '\\'").toArray()
      .length,
    entries: [...storage.kv.list()].length,
    alarm: await storage.getAlarm(),
  }));
}

const NOTHING = { tables: 0, entries: 0, alarm: null };

function callBody(id: number | string, name: string, input: Record<string, unknown>) {
  return { jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: input } };
}

describe("an eviction between any two messages", () => {
  const script: ((session: ClientSession) => Promise<unknown>)[] = [
    (session) => session.request("ping"),
    (session) => session.request("logging/setLevel", { level: "info" }),
    (session) => session.request("tools/list"),
    (session) => session.call("create_task", { title: "Buy milk", tags: ["shop"] }),
    (session) => session.call("list_tasks"),
    async (session) => (await session.post({ jsonrpc: "2.0", method: "notifications/progress", params: {} })).status,
    (session) => session.call("list_tasks", { status: "completed" }),
    (session) => session.call("nothing"),
    (session) => session.request("prompts/list"),
    async (session) => (await session.delete()).status,
    async (session) => (await session.post({ jsonrpc: "2.0", id: 1, method: "ping" })).status,
  ];

  /** Plays the session, losing the object's memory before one of its messages; ids and times are left out. */
  async function play(evictBefore: number | undefined): Promise<string[]> {
    const session = await ClientSession.open(await Person.signUp());
    const answers: unknown[] = [];
    for (const [position, step] of script.entries()) {
      if (position === evictBefore) await evictDurableObject(session.object);
      answers.push(await step(session));
    }
    return answers.map((answer) =>
      JSON.stringify(answer)
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-][\d:]+)/g, "<time>")
        .replaceAll(/"id":\d+,"title"|#\d+/g, "<id>"),
    );
  }

  it("makes no difference to the client, at every position", async () => {
    const undisturbed = await play(undefined);

    expect(undisturbed).toHaveLength(script.length);
    for (const position of script.keys()) expect(await play(position), `before ${position}`).toEqual(undisturbed);
  });

  it("leaves the second of two requests in flight to the object that comes after", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await evictDurableObject(session.object);
    const answers = await Promise.all([
      session.call("list_tasks"),
      session.call("list_tasks"),
      session.request("ping"),
    ]);

    expect(answers.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
  });
});

describe("an answer whose connection broke", () => {
  it("is fetched by Last-Event-ID, and the call is not made again", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const begun = await firstEventOf(await session.post(callBody(1, "create_task", { title: "once" })));
    await vi.waitFor(async () => expect(await stored(session)).toMatchObject({ entries: 2 }), PATIENCE);
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

  it("of a call that changes nothing is stored a moment later, together with others", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const [begun, told] = eventsOf(await (await session.post(callBody(1, "list_tasks", {}))).text());
    await session.call("list_tasks");

    expect(await stored(session)).toMatchObject({ entries: 1 });
    expect(eventsOf(await (await session.get({ "Last-Event-ID": begun?.id ?? "" })).text())).toEqual([told]);
    await vi.waitFor(async () => expect(await stored(session)).toMatchObject({ entries: 3 }), PATIENCE);
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
    const response = await session.post(callBody(1, "list_tasks", {}));
    const events = eventsOf(await response.text());

    expect(events).toEqual([expect.objectContaining({ id: undefined })]);
  });
});

describe("the server's own stream", () => {
  it("gives way to the one that the same client opens after it, and tells the other to stay away", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const first = await session.get();
    const second = await session.get();
    await second.body?.cancel();

    expect([first.status, second.status]).toEqual([200, 200]);
    expect(eventsOf(await first.text())).toEqual([
      { id: "_GET_stream:0", data: "", retry: "1000" },
      { id: undefined, data: "", retry: "300000" },
    ]);
  });

  it("stays open when the client asks for another that it would not read", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const stream = await session.get();
    expect((await session.get({ Accept: "application/json" })).status).toBe(406);
    const reader = stream.body?.getReader();
    await reader?.read();
    const next = reader?.read();

    expect(await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 100, "open"))])).toBe("open");
    await session.delete();
    expect((await next)?.done).toBe(false);
    expect((await reader?.read())?.done).toBe(true);
  });

  it("is closed after 5 minutes with no event, with the time to come back", async () => {
    const session = await ClientSession.open(await Person.signUp());
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const stream = await session.get();
    const reading = stream.text();
    // In the object, whose timer it is.
    await runInDurableObject(session.object, () => vi.advanceTimersByTimeAsync(5 * 60 * 1000));
    const events = eventsOf(await reading);

    expect(events.at(-1)).toEqual({ id: undefined, data: "", retry: "300000" });
    vi.useRealTimers();
    const again = await session.get({ "Last-Event-ID": events[0]?.id ?? "" });
    expect(again.status).toBe(200);
    await again.body?.cancel();
  });

  it("ends with the session", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const stream = await session.get();
    await session.delete();

    expect(eventsOf(await stream.text())).toHaveLength(2);
  });
});

describe("a session that is over", () => {
  it("leaves nothing in storage after DELETE, also when a call was in flight", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const { tasks } = await session.person.run("create_task", { title: "held" });
    const { released: holding } = await holdTask(session.person, tasks[0]?.id);
    const response = await session.post(callBody(1, "update_task", { task_id: tasks[0]?.id, title: "changed" }));
    expect((await session.delete()).status).toBe(204);
    await Promise.all([holding, response.text()]);
    await session.person.run("get_task", { task_id: tasks[0]?.id });

    expect(await stored(session)).toEqual(NOTHING);
    expect((await session.post({ jsonrpc: "2.0", id: 1, method: "ping" })).status).toBe(404);
  });

  it("was idle for SESSION_IDLE_HOURS: its alarm leaves nothing in storage", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await session.call("list_tasks");
    const { alarm } = await stored(session);
    expect(Number(alarm) - Date.now()).toBeGreaterThan(24 * HOUR);
    expect(Number(alarm) - Date.now()).toBeLessThan(26 * HOUR);

    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 26 * HOUR });
    expect(await runDurableObjectAlarm(session.object)).toBe(true);
    vi.useRealTimers();
    expect(await stored(session)).toEqual(NOTHING);
    expect((await session.post({ jsonrpc: "2.0", id: 1, method: "ping" })).status).toBe(404);
  });

  it("is not one that was used in the meantime, before or after an eviction", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const opened = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: opened + 20 * HOUR });
    const stub = session.object;
    await runInDurableObject(stub, (object) => object);
    await session.post({ jsonrpc: "2.0", id: 1, method: "ping" }).then((response) => response.text());
    await evictDurableObject(stub);
    vi.setSystemTime(opened + 26 * HOUR);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    const { alarm } = await stored(session);

    expect(Number(alarm)).toBeGreaterThan(opened + 44 * HOUR);
  });
});

it("makes one object for each session and no other", async () => {
  const person = await Person.signUp();
  const before = (await listDurableObjectIds(env.MCP_SESSIONS)).length;
  const session = await ClientSession.open(person);
  await session.call("list_tasks");

  expect(await listDurableObjectIds(env.MCP_SESSIONS)).toHaveLength(before + 1);
});
