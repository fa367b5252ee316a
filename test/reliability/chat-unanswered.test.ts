import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { chat, titlesOf } from "../support/chatting.ts";
import { breakRequests, holdAnswers, holdDatabase } from "../support/database-requests.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person, problemOf } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

/** Someone whose conversation's object was restarted while the model answered, before anything had changed. */
async function cutOff() {
  const person = await Person.signUp();
  const script = await Script.write([{ output: [{ type: "text", text: "one two three" }], holdAfter: 3 }]);
  const parts = [{ type: "text", text: `What is due? ${script.mark}` }];
  const body = { id: "c", messages: [{ id: "1", role: "user", parts }] };
  const answering = person.send("/api/chat", { method: "POST", body }).then((response) => response.text());
  await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(1), PATIENCE);
  const object = () => env.CHAT_CONVERSATIONS.getByName(`${person.id}/c`);
  await runInDurableObject(object(), (_, state) => state.abort("restarted")).catch(() => undefined);
  await answering;
  await script.release();
  return { person, object: object() };
}

const restarted = {
  parts: [{ type: "text", text: expect.stringContaining("restarted in the middle of this answer") }],
};

async function messagesOf(person: Person): Promise<unknown> {
  return (await person.send("/api/conversations/c")).json();
}

test("a message that a restart has left unanswered says so, once the alarm has come", async () => {
  const { person, object } = await cutOff();
  expect(await messagesOf(person)).toMatchObject({ messages: [{ role: "user" }] });
  expect(await runDurableObjectAlarm(object)).toBe(true);
  expect(await messagesOf(person)).toMatchObject({ messages: [{ role: "user" }, restarted] });
  expect(await ownerQuery("select outcome from messages where user_id = $1 order by seq desc", [person.id])).toEqual([
    { outcome: "failed" },
    { outcome: "completed" },
  ]);
  expect(await runInDurableObject(object, async (_, { storage }) => (await storage.list()).size)).toBe(0);
  expect(await runDurableObjectAlarm(object)).toBe(false);
});

test("it says so to a client that comes back, and the conversation goes on", async () => {
  const { person } = await cutOff();
  expect((await person.send("/api/chat/c/stream")).status).toBe(204);
  const next = await Script.write([says("Nothing is due.")]);
  const parts = [{ type: "text", text: `And now? ${next.mark}` }];
  const body = { id: "c", messages: [{ id: "2", role: "user", parts }] };
  await (await person.send("/api/chat", { method: "POST", body })).text();
  expect(await messagesOf(person)).toMatchObject({
    messages: [{ role: "user" }, restarted, { role: "user" }, { role: "assistant" }],
  });
});

test("a message whose object is restarted before its answer begins is told so, and what to do", async () => {
  const person = await Person.signUp();
  using loading = holdDatabase(person, 'insert into "conversations"');
  const messages = [{ id: "1", role: "user", parts: [{ type: "text", text: "What is due?" }] }];
  const answering = person.send("/api/chat", { method: "POST", body: { id: "c", messages } });
  await vi.waitFor(() => expect(loading.count).toBe(1), PATIENCE);
  const object = env.CHAT_CONVERSATIONS.getByName(`${person.id}/c`);
  await runInDurableObject(object, (_, state) => state.abort("restarted")).catch(() => undefined);
  const refused = await answering;
  expect(refused.status).toBe(503);
  expect((await problemOf(refused)).detail).toBe(
    "The conversation cannot be reached; this may have been taken: read the conversation before you send it again.",
  );
});

test("a message that was not answered, and is sent again, is sent now: its days count from now", async () => {
  const person = await Person.signUp();
  const script = await Script.write([says("One."), says("Two.")]);
  const body = { message: `What is due today? ${script.mark}`, message_id: "m-1" };
  await chat(person, body);
  // As if its turn had never begun.
  await ownerQuery("delete from messages where user_id = $1 and role = 'assistant'", [person.id]);
  await ownerQuery("update messages set created_at = '2026-01-02T03:04:05Z' where user_id = $1", [person.id]);
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-01-05T06:07:08Z") });
  const again = await chat(person, body).finally(() => vi.useRealTimers());
  expect(again.response).toBe("Two.");
  expect(JSON.stringify((await script.record()).requests[1]?.input)).toContain("Monday, 2026-01-05T06:07:00");
});

const addTwo = calls(["create_task", { title: "Milk" }], ["create_task", { title: "Eggs" }]);

/** A message that is answered, and its person signed out everywhere before that answer is stored; they come back. */
async function signedOutWhileAnswered() {
  const person = await Person.signUp();
  const script = await Script.write([addTwo, { output: [{ type: "text", text: "Added both." }], holdAfter: 5 }]);
  const body = { message: `Add milk and eggs ${script.mark}`, message_id: "m-1" };
  const answering = chat(person, body);
  await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(2), PATIENCE);
  await person.send("/api/auth/signout", { method: "POST", body: { everywhere: true } });
  await script.release();
  const told = await answering;
  const { conversation_id } = told;
  const object = env.CHAT_CONVERSATIONS.getByName(`${person.id}/${conversation_id}`);
  return { person: await person.signInAgain(), script, body, told, conversation_id, object };
}

const keptIn = (object: DurableObjectStub) =>
  runInDurableObject(object, async (_, { storage }) => [...(await storage.list()).keys()]);

describe("an answer that could not be stored as its person was signed out everywhere meanwhile", () => {
  test("is what the same message gets once they are back, with what it did, and nothing is done twice", async () => {
    const { person, script, body, told, object } = await signedOutWhileAnswered();
    expect(told.response).toContain("Added both.\n\nThe answer is not saved yet, and will be when you come back");
    // What the alarm cannot store it leaves for them.
    expect(await runDurableObjectAlarm(object)).toBe(true);
    const again = await chat(person, body);
    expect(again).toMatchObject({ response: "Added both.", tool_calls: [{ status: "done" }, { status: "done" }] });
    expect(again.message_id).toBe(told.message_id);
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    expect((await script.record()).requests).toHaveLength(2);
    expect(await keptIn(object)).toEqual([]);
  });

  test("stands before the next message, which it does not hold up", async () => {
    const { person, conversation_id, object } = await signedOutWhileAnswered();
    const next = await Script.write([says("Bye.")]);
    expect((await chat(person, { message: `Bye ${next.mark}`, conversation_id })).response).toBe("Bye.");
    const [request] = (await next.record()).requests;
    expect(request?.input).toContainEqual(expect.objectContaining({ content: "Added both." }));
    expect(await keptIn(object)).toEqual([]);
  });

  test("is stored when they come back for the stream, and goes with its conversation", async () => {
    const one = await signedOutWhileAnswered();
    expect((await one.person.send(`/api/chat/${one.conversation_id}/stream`)).status).toBe(204);
    const read = await one.person.send(`/api/conversations/${one.conversation_id}`);
    expect(await read.json()).toMatchObject({ messages: [{ role: "user" }, { role: "assistant" }] });
    const other = await signedOutWhileAnswered();
    await other.person.send(`/api/conversations/${other.conversation_id}`, { method: "DELETE" });
    for (const { object } of [one, other]) expect(await keptIn(object)).toEqual([]);
  });

  test("waits for a week; after that the message is not taken for one that nothing was done for", async () => {
    const { person, body, object } = await signedOutWhileAnswered();
    await runDurableObjectAlarm(object);
    const until = await runInDurableObject(object, (_, { storage }) => storage.getAlarm());
    expect(until).toBeGreaterThan(Date.now() + 6.9 * 24 * 60 * 60 * 1000);
    await runInDurableObject(object, async (_, { storage }) => {
      await storage.put("unfinished_turn", { ...(await storage.get<object>("unfinished_turn")), until: Date.now() });
    });
    await runDurableObjectAlarm(object);
    expect(await keptIn(object)).toEqual([]);
    await ownerQuery("update messages set created_at = now() - interval '7 days 1 minute' where user_id = $1", [
      person.id,
    ]);
    const refused = await person.send("/chat", { method: "POST", body });
    expect(refused.status).toBe(409);
    expect((await problemOf(refused)).detail).toContain("nobody can tell any more");
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
  });
});

test("a call in the middle of which its person is signed out says that it may have been carried out", async () => {
  const person = await Person.signUp();
  const script = await Script.write([addTwo]);
  const body = { message: `Add ${script.mark}`, message_id: "m-1" };
  using creating = holdAnswers(person, 'insert into "tasks"');
  const answering = chat(person, body);
  await vi.waitFor(async () => expect(await titlesOf(person)).toEqual(["Milk"]), PATIENCE);
  await person.send("/api/auth/signout", { method: "POST", body: { everywhere: true } });
  creating.release();
  const told = await answering;
  const again = await chat(await person.signInAgain(), body);
  for (const { tool_calls } of [told, again]) {
    expect(tool_calls).toMatchObject([
      { status: "done" },
      { status: "failed", error: expect.stringContaining("token") },
    ]);
  }
  expect(await titlesOf(person)).toEqual(["Milk"]);
});

test("an answer that a fault of ours keeps from being stored leaves what its calls came to, and is not given twice", async () => {
  const person = await Person.signUp();
  const script = await Script.write([addTwo, says("Added both.")]);
  const body = { message: `Add ${script.mark}`, message_id: "m-1" };
  using storing = breakRequests(person, "Added both.");
  const told = await chat(person, body);
  expect(storing.count).toBe(1);
  expect(told.response).toContain("could not be saved; what was done in it stays");
  const again = await chat(person, body);
  expect(again.response).toMatch(/could not be saved.* Done before that: Created #\d+ "Milk".*Created #\d+ "Eggs"/s);
  expect(again.tool_calls).toMatchObject([{ status: "done" }, { status: "done" }]);
  expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
  expect((await script.record()).requests).toHaveLength(2);
});
