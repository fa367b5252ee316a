import { evictDurableObject, listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ClientSession, callBody, EVENTS, eventsOf, holdTask, PING, storedIn } from "../support/mcp.ts";
import { Person } from "../support/person.ts";

const HOUR = 60 * 60 * 1000;
const NOTHING = { tables: 0, entries: 0, alarm: null };

afterEach(() => {
  vi.useRealTimers();
});

describe("an eviction between any two messages", () => {
  const script: ((session: ClientSession) => Promise<unknown>)[] = [
    (session) => session.request("ping"),
    (session) => session.request("logging/setLevel", { level: "info" }),
    (session) => session.request("tools/list"),
    (session) => session.request("tools/list", {}, EVENTS),
    (session) => session.call("create_task", { title: "Buy milk", tags: ["shop"] }),
    (session) => session.call("list_tasks"),
    (session) => session.call("list_tasks", {}, EVENTS),
    async (session) => (await session.post({ jsonrpc: "2.0", method: "notifications/progress", params: {} })).status,
    (session) => session.call("nothing", {}, EVENTS),
    (session) => session.request("prompts/list", {}, EVENTS),
    async (session) => (await session.delete()).status,
    async (session) => (await session.post(PING)).status,
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
      session.call("create_task", { title: "Buy milk" }),
      session.call("create_task", { title: "Buy bread" }),
      session.call("list_tasks"),
      session.request("ping"),
    ]);

    expect(answers.map(({ error }) => error)).toEqual([undefined, undefined, undefined, undefined]);
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

    expect(await storedIn(session)).toEqual(NOTHING);
    expect((await session.post(PING)).status).toBe(404);
  });

  it("was idle for SESSION_IDLE_HOURS: its alarm leaves nothing in storage", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await session.call("create_task", { title: "Buy milk" });
    const { alarm } = await storedIn(session);
    expect(Number(alarm) - Date.now()).toBeGreaterThan(24 * HOUR);
    expect(Number(alarm) - Date.now()).toBeLessThan(26 * HOUR);

    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 26 * HOUR });
    expect(await runDurableObjectAlarm(session.object)).toBe(true);
    vi.useRealTimers();
    expect(await storedIn(session)).toEqual(NOTHING);
    expect((await session.post(PING)).status).toBe(404);
  });

  it.each(["ping", "tools/list"])(
    "is not one that was used by %s in the meantime, before or after an eviction",
    async (method) => {
      const session = await ClientSession.open(await Person.signUp());
      const opened = Date.now();
      vi.useFakeTimers({ toFake: ["Date"], now: opened + 20 * HOUR });
      const stub = session.object;
      await runInDurableObject(stub, (object) => object);
      await session.request(method);
      await evictDurableObject(stub);
      vi.setSystemTime(opened + 26 * HOUR);
      expect(await runDurableObjectAlarm(stub)).toBe(true);
      const { alarm } = await storedIn(session);

      expect(Number(alarm)).toBeGreaterThan(opened + 44 * HOUR);
    },
  );
});

it("makes one object for each session and no other", async () => {
  const person = await Person.signUp();
  const before = (await listDurableObjectIds(env.MCP_SESSIONS)).length;
  const session = await ClientSession.open(person);
  await session.call("create_task", { title: "Buy milk" });
  await session.call("list_tasks");

  expect(await listDurableObjectIds(env.MCP_SESSIONS)).toHaveLength(before + 1);
});
