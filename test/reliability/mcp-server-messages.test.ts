import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { McpSession } from "../../src/durable-objects.ts";
import { failDatabase } from "../support/database-requests.ts";
import { ClientSession, EventReader, eventsOf } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

const MINUTE = 60 * 1000;
/** What the event that begins a stream says of coming back, and the one that ends it. */
const BEGINNING = "1000";
const STAY_AWAY = { id: undefined, data: "", retry: "300000" };

afterEach(() => {
  vi.useRealTimers();
});

/** A notification that says which one it is. */
function logMessage(number: number) {
  return { method: "notifications/message", params: { level: "info", data: `message ${number}` } };
}

async function notify(session: ClientSession, ...numbers: number[]): Promise<void> {
  for (const number of numbers) expect(await session.object.notify(logMessage(number))).toBe(true);
}

/** The messages of events that have data, with the ids of the events. */
function said(events: readonly { readonly id: string | undefined; readonly data: string }[]) {
  return events
    .filter(({ data }) => data !== "")
    .map(({ id, data }) => ({ id, text: JSON.parse(data).params.data as unknown }));
}

const expected = (...numbers: number[]) =>
  numbers.map((number) => ({ id: `_GET_stream:${number}`, text: `message ${number}` }));

/** Reads a new stream up to so many messages, and drops the connection. */
async function hear(session: ClientSession, count: number, lastEventId?: string) {
  const stream = await EventReader.open(session, lastEventId);
  const events = await stream.read(count);
  await stream.cancel();
  return said(events);
}

function stored(session: ClientSession): Promise<string[]> {
  return runInDurableObject(session.object, (_: McpSession, { storage }) =>
    Array.from(storage.kv.list(), ([key]) => key),
  );
}

describe("a message from the server to a client", () => {
  it("comes at once on the server's own stream, and is numbered", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const stream = await EventReader.open(session);
    await notify(session, 1, 2);
    expect(said(await stream.read(2))).toEqual(expected(1, 2));
    await notify(session, 3);

    expect(said(await stream.read(1))).toEqual(expected(3));
    await stream.cancel();
  });

  it("waits for a client that does not listen, and outlives evictions without a gap or a repeat", async () => {
    const session = await ClientSession.open(await Person.signUp());
    for (const number of [1, 2, 3, 4]) {
      await notify(session, number);
      await evictDurableObject(session.object);
    }
    const heard = await hear(session, 4);
    await evictDurableObject(session.object);
    await notify(session, 5, 6);

    expect(heard).toEqual(expected(1, 2, 3, 4));
    expect(await hear(session, 4, "_GET_stream:2")).toEqual(expected(3, 4, 5, 6));
    expect(await hear(session, 1, "_GET_stream:5")).toEqual(expected(6));
  });

  it("is not said again to a client that comes without an event id", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await notify(session, 1);
    expect(await hear(session, 1)).toEqual(expected(1));
    await evictDurableObject(session.object);
    await notify(session, 2);

    expect(await hear(session, 1)).toEqual(expected(2));
  });

  it("comes to clients of older protocols without an event id", async () => {
    const session = await ClientSession.open(await Person.signUp(), "2025-06-18");
    await notify(session, 1);
    const stream = await EventReader.open(session);
    await notify(session, 2);
    const events = await stream.read(2);
    await stream.cancel();

    expect(events.map(({ id }) => id)).toEqual([undefined, undefined]);
    expect(said(events).map(({ text }) => text)).toEqual(["message 1", "message 2"]);
  });

  it("takes the place of the oldest message, and of no answer", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const body = {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "create_task", arguments: { title: "x" } },
    };
    const [begun, told] = eventsOf(await (await session.post(body)).text());
    await notify(session, ...Array.from({ length: 140 }, (_, index) => index + 1));

    expect((await stored(session)).filter((key) => key.startsWith("message/"))).toHaveLength(128);
    expect(await hear(session, 128, "_GET_stream:0")).toEqual(
      expected(...Array.from({ length: 128 }, (_, index) => index + 13)),
    );
    expect(eventsOf(await (await session.get({ "Last-Event-ID": begun?.id ?? "" })).text())).toEqual([told]);
  });

  it("that another release wrote in a form of its own is skipped, and the next one comes", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await notify(session, 1);
    await runInDurableObject(session.object, (_: McpSession, { storage }) =>
      storage.kv.put("message/000000000000002", { version: 2, parts: [] }),
    );
    await evictDurableObject(session.object);
    await notify(session, 3);

    expect(await hear(session, 2)).toEqual(expected(1, 3));
  });

  it("is for nobody once the session is over", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await notify(session, 1);
    await session.delete();

    expect(await session.object.notify(logMessage(2))).toBe(false);
    expect(await stored(session)).toEqual([]);
  });
});

/** Ends a person's token in the database alone: no isolate has seen it happen. */
function signOutElsewhere({ person }: ClientSession): Promise<unknown> {
  return ownerQuery("update users set signed_out_at = now() where id = $1", [person.id]);
}

function letPass(milliseconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + milliseconds });
}

describe("the credential of the server's own stream", () => {
  it("is looked at when the stream is opened", async () => {
    const session = await ClientSession.open(await Person.signUp());
    await signOutElsewhere(session);

    expect((await problemOf(await session.get())).status).toBe(401);
  });

  it("is looked at again before a message, a minute later: the stream ends, and the message waits", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const stream = await EventReader.open(session);
    await notify(session, 1);
    expect(said(await stream.read(1))).toEqual(expected(1));
    await signOutElsewhere(session);
    letPass(2 * MINUTE);
    await notify(session, 2);

    expect((await stream.rest()).filter(({ retry }) => retry !== BEGINNING)).toEqual([STAY_AWAY]);
    expect((await stored(session)).filter((key) => key.startsWith("message/"))).toHaveLength(2);
  });

  it("still counts: the stream goes on", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const stream = await EventReader.open(session);
    letPass(2 * MINUTE);
    await notify(session, 1, 2);

    expect(said(await stream.read(2))).toEqual(expected(1, 2));
    await stream.cancel();
  });

  it("has expired: the stream ends at the next message", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const stream = await EventReader.open(session);
    letPass(25 * 60 * MINUTE);
    await notify(session, 1);

    expect((await stream.rest()).filter(({ retry }) => retry !== BEGINNING)).toEqual([STAY_AWAY]);
  });

  it.each([
    ["list_tasks", {}],
    ["create_task", { title: "Buy milk" }],
  ])("is found signed out by a tool, %s: the stream ends at once", async (name, input) => {
    const session = await ClientSession.open(await Person.signUp());
    const stream = await EventReader.open(session);
    await signOutElsewhere(session);
    const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: input } };

    expect((await problemOf(await session.post(call))).status).toBe(401);
    expect((await stream.rest()).filter(({ retry }) => retry !== BEGINNING)).toEqual([STAY_AWAY]);
  });

  it("cannot be looked at while the database is away: the message comes later, by its number", async () => {
    const session = await ClientSession.open(await Person.signUp());
    const stream = await EventReader.open(session);
    letPass(2 * MINUTE);
    {
      using away = failDatabase(session.person, "set_caller");
      await notify(session, 1);
      expect(away.count).toBeGreaterThan(0);
    }
    await notify(session, 2);

    expect(said(await stream.read(2))).toEqual(expected(1, 2));
    await stream.cancel();
  });
});
