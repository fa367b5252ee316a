import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { chat } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person } from "../support/person.ts";
import { Script, says } from "../support/scripted-model.ts";

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
