import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { chat, makeTasks, questionOf, titlesOf } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

/** What a release to come may have written, and this one does not know. */
const FOREIGN = { type: "voice_note", seconds: 12, transcript: "…" };

const addForeignEvent = (person: Person) =>
  ownerQuery("update messages set content = content || $2::jsonb where user_id = $1 and role = 'assistant'", [
    person.id,
    JSON.stringify([FOREIGN]),
  ]);

describe("a conversation in which a newer release has written", () => {
  it("is read without what this release does not know", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("Hello.")]);
    const { conversation_id } = await chat(person, { message: `Hi ${script.mark}` });
    await addForeignEvent(person);
    const response = await person.send(`/api/conversations/${conversation_id}`);

    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toContain("Hello.");
    expect(text).not.toContain(FOREIGN.type);
  });

  it("goes on", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("Hello.")]);
    const { conversation_id } = await chat(person, { message: `Hi ${script.mark}` });
    await addForeignEvent(person);
    const next = await Script.write([says("Hello again.")]);

    expect((await chat(person, { message: `Hi ${next.mark}`, conversation_id })).response).toBe("Hello again.");
  });

  it("keeps what this release does not know where the message goes on", async () => {
    const person = await Person.signUp();
    const [id] = await makeTasks(person, "Eggs");
    const script = await Script.write([calls(["delete_task", { task_id: id }]), says("Deleted.")]);
    const asking = await chat(person, { message: `Delete eggs ${script.mark}` });
    await addForeignEvent(person);
    const { conversation_id } = asking;
    const approval = { id: questionOf(asking).id, approved: true };

    expect((await chat(person, { conversation_id, approval })).response).toBe("Deleted.");
    expect(await titlesOf(person)).toEqual([]);
    const [row] = await ownerQuery("select content from messages where user_id = $1 and role = 'assistant'", [
      person.id,
    ]);
    expect(JSON.stringify(row?.content)).toContain(FOREIGN.type);
  });
});

const NEWER_CALLER = {
  userId: 1,
  tokenId: "t",
  tokenIssuedAt: new Date(),
  tokenExpiresAt: new Date(),
  scopes: [],
  credential: { kind: "of a release to come", id: "t", issuedAt: new Date(), expiresAt: new Date() },
};

/** Puts a turn into the object of a person's conversation, as another release has kept it. */
async function keepInObject(person: Person, kept: object): Promise<DurableObjectStub> {
  const object = env.CHAT_CONVERSATIONS.getByName(`${person.id}/c`);
  await runInDurableObject(object, async (_, { storage }) => {
    await storage.put("unfinished_turn", kept);
    await storage.setAlarm(Date.now() + 60_000);
  });
  return object;
}

async function answerTo(person: Person): Promise<string> {
  const script = await Script.write([says("Hello.")]);
  const body = { id: "c", messages: [{ id: "1", role: "user", parts: [{ type: "text", text: `Hi ${script.mark}` }] }] };
  return (await person.send("/api/chat", { method: "POST", body })).text();
}

const keysIn = (object: DurableObjectStub) =>
  runInDurableObject(object, async (_, { storage }) => [...(await storage.list()).keys()]);

it("a kept turn that this release cannot read holds up nothing and is let go", async () => {
  const person = await Person.signUp();
  const object = await keepInObject(person, { form: "of a release to come" });
  expect(await runDurableObjectAlarm(object)).toBe(true);
  expect(await keysIn(object)).toEqual([]);
  expect(await answerTo(person)).toContain("Hello.");
});

it("a kept turn of a credential that this release cannot read waits for its person, and holds up nothing", async () => {
  const person = await Person.signUp();
  const usage = { rounds: 0, input_tokens: 0, output_tokens: 0 };
  const message = { id: "m", events: [], earlierUsage: usage, inputTokens: 0, outputTokens: 0 };
  const object = await keepInObject(person, { caller: NEWER_CALLER, conversationId: "c", requestId: "r", message });
  expect(await runDurableObjectAlarm(object)).toBe(true);
  expect(await keysIn(object)).toEqual(["unfinished_turn"]);
  expect(await answerTo(person)).toContain("Hello.");
  expect(await keysIn(object)).toEqual([]);
});
