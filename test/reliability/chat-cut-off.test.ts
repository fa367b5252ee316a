import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { chat, titlesOf } from "../support/chatting.ts";
import { chunksOf } from "../support/event-streams.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

function objectOf(person: Person, conversationId: string) {
  return env.CHAT_CONVERSATIONS.getByName(`${person.id}/${conversationId}`);
}

/** Someone whose conversation's object was restarted while the model answered, after a task had been made. */
async function cutOff() {
  const person = await Person.signUp();
  const script = await Script.write([
    calls(["create_task", { title: "Milk" }]),
    { output: [{ type: "text", text: "one two three" }], holdAfter: 5 },
  ]);
  const body = {
    id: "c",
    messages: [{ id: "1", role: "user", parts: [{ type: "text", text: `Add milk ${script.mark}` }] }],
  };
  const answering = person.send("/api/chat", { method: "POST", body }).then(chunksOf);
  await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(2), 5_000);
  const object = objectOf(person, "c");
  // An eviction would wait for the turn; a deploy does not.
  await runInDurableObject(object, (_, state) => state.abort("restarted")).catch(() => undefined);
  const chunks = await answering;
  expect(chunks).toContainEqual({ type: "error", errorText: expect.stringContaining("restarted in the middle") });
  expect(chunks.at(-1)).toEqual({ type: "finish", finishReason: "error" });
  await script.release();
  return { person, object: objectOf(person, "c") };
}

async function answersOf(person: Person) {
  return ownerQuery("select outcome, content from messages where user_id = $1 and role = 'assistant' order by seq", [
    person.id,
  ]);
}

describe("a turn whose object is restarted in the middle", () => {
  test("is stored by the alarm with what it had done, and leaves nothing in the object", async () => {
    const { person, object } = await cutOff();
    expect(await answersOf(person)).toEqual([]);
    expect(await runDurableObjectAlarm(object)).toBe(true);
    expect(await titlesOf(person)).toEqual(["Milk"]);
    const [answer] = await answersOf(person);
    expect(answer).toMatchObject({ outcome: "failed" });
    expect(JSON.stringify(answer)).toMatch(/Created #\d+ Milk.*restarted in the middle/);
    expect(await runInDurableObject(object, async (_, { storage }) => [...(await storage.list()).keys()])).toEqual([]);
    expect(await runDurableObjectAlarm(object)).toBe(false);
    const [row] = await ownerQuery("select tokens > 0 as counted from token_usage where user_id = $1", [person.id]);
    expect(row).toEqual({ counted: true });
  });

  test("is stored before the next message is answered, so that the model knows what was done", async () => {
    const { person } = await cutOff();
    const next = await Script.write([says("Milk is on it already.")]);
    const answer = await chat(person, { message: `Add milk ${next.mark}`, conversation_id: "c" });
    expect(answer.response).toBe("Milk is on it already.");
    const input = (await next.record()).requests[0]?.input ?? [];
    expect(input.map((item) => ("role" in item ? item.role : item.type))).toEqual([
      "user",
      "function_call",
      "function_call_output",
      "user",
    ]);
  });
});

test("whoever comes back for the stream finds what was done in the conversation", async () => {
  const { person } = await cutOff();
  expect((await person.send("/api/chat/c/stream")).status).toBe(204);
  expect(await answersOf(person)).toMatchObject([{ outcome: "failed" }]);
});

test("a turn that ends leaves nothing in its object", async () => {
  const person = await Person.signUp();
  const script = await Script.write([calls(["create_task", { title: "Milk" }]), says("Added.")]);
  const { conversation_id } = await chat(person, { message: `Add ${script.mark}` });
  const object = objectOf(person, conversation_id);
  const left = await runInDurableObject(object, async (_, { storage }) => [
    (await storage.list()).size,
    await storage.getAlarm(),
  ]);
  expect(left).toEqual([0, null]);
});
