import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { McpSession } from "../../src/durable-objects.ts";
import { ACCEPT, answerOf, ClientSession, callBody, EVENTS, storedIn } from "../support/mcp.ts";
import { Person } from "../support/person.ts";

const HOUR = 60 * 60 * 1000;
const LIST = callBody(1, "list_tasks", {});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const typeOf = (response: Response) => response.headers.get("Content-Type")?.split(";")[0];

describe("a request of a session that only reads", () => {
  it("is answered in JSON, with the session's id, and leaves nothing of the answer in the session", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await session.person.run("create_task", { title: "Buy milk" });
    const before = await storedIn(session);
    const response = await session.post(LIST);

    expect([response.status, typeOf(response), response.headers.get("Mcp-Session-Id")]).toEqual([
      200,
      "application/json",
      session.id,
    ]);
    expect((await answerOf(response)).result?.structuredContent).toMatchObject({ tasks: [{ title: "Buy milk" }] });
    await evictDurableObject(session.object);
    expect(await storedIn(session)).toEqual(before);
  });

  it.each([
    ["a call that changes something", ACCEPT, callBody(1, "create_task", { title: "Buy milk" })],
    ["a client that takes events alone", EVENTS.Accept, LIST],
    ["one that may want progress", ACCEPT, { ...LIST, params: { ...LIST.params, _meta: { progressToken: 1 } } }],
  ])("is not %s: that is answered with an event to come back for", async (_, accept, body) => {
    const session = await ClientSession.open(await Person.signUp());
    const response = await session.post(body, { Accept: accept });

    expect([response.status, typeOf(response)]).toEqual([200, "text/event-stream"]);
    expect(await response.text()).toMatch(/^id: .+:0:/m);
  });

  it("is answered by an object of the release before, which cannot say whether the session goes on", async () => {
    const session = await ClientSession.open(await Person.signUp());
    vi.spyOn(McpSession.prototype, "use").mockImplementation(() => {
      throw new TypeError('The RPC receiver does not implement the method "use".');
    });
    const response = await session.post(LIST);

    expect([response.status, typeOf(response)]).toEqual([200, "text/event-stream"]);
    expect((await answerOf(response)).result?.structuredContent).toMatchObject({ tasks: [] });
  });

  it("is refused with an unknown version, as any other", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const response = await session.post(LIST, { "Mcp-Protocol-Version": "2020-01-01" });

    expect([response.status, (await answerOf(response)).error?.message]).toEqual([
      400,
      expect.stringContaining("Unknown protocol version"),
    ]);
  });

  it("sees what a call before it has changed", async () => {
    const session = await ClientSession.open(await Person.signUp());
    for (const title of ["one", "two", "three"]) {
      await session.call("create_task", { title });
      const { result } = await session.call("list_tasks", { limit: 1, order: "created" });
      expect(result?.structuredContent).toMatchObject({ tasks: [{ title }] });
    }
  });

  it("is answered 404 once the session is over: at once where it was ended here, else within ten seconds", async () => {
    const person = await Person.signUp();
    const [ended, expired] = [await ClientSession.open(person), await ClientSession.open(person)];
    for (const session of [ended, expired]) await session.call("list_tasks");
    await ended.delete();
    expect((await ended.post(LIST)).status).toBe(404);

    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: now + 26 * HOUR });
    expect(await runDurableObjectAlarm(expired.object)).toBe(true);
    vi.setSystemTime(now + 9_000);
    expect((await expired.post(LIST)).status).toBe(200);
    vi.setSystemTime(now + 11_000);
    expect((await expired.post(LIST)).status).toBe(404);
  });

  it("asks the object once in ten seconds, and not at all once it has said that the session is over", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const use = vi.spyOn(McpSession.prototype, "use");
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now });
    for (const seconds of [0, 9, 11, 20]) {
      vi.setSystemTime(now + seconds * 1_000);
      expect((await session.post(LIST)).status).toBe(200);
    }
    expect(use).toHaveBeenCalledTimes(2);
    vi.setSystemTime(now + 26 * HOUR);
    expect(await runDurableObjectAlarm(session.object)).toBe(true);
    vi.setSystemTime(now + 31_000);
    for (const _ of [1, 2, 3]) expect((await session.post(LIST)).status).toBe(404);
    expect(use).toHaveBeenCalledTimes(3);
  });

  it("is answered by the object's next life where the object was reset before it was asked", async () => {
    const session = await ClientSession.open(await Person.signUp());
    vi.spyOn(McpSession.prototype, "use").mockImplementationOnce(function (this: McpSession) {
      this.ctx.abort("reset");
      throw new Error("reset");
    });
    expect((await session.post(LIST)).status).toBe(200);
  });
});
