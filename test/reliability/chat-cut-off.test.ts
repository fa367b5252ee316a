import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { chat, makeTasks, questionOf, titlesOf } from "../support/chatting.ts";
import { failDatabase, giveUpRequests, holdAnswers, loseAnswers } from "../support/database-requests.ts";
import { chunksOf } from "../support/event-streams.ts";
import { holdRows, ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
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
  await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(2), PATIENCE);
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
    expect(JSON.stringify(answer)).toMatch(/Created #\d+ \\"Milk.*restarted in the middle/);
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

test("a turn that went on after a question takes the place of the question when it is cut off", async () => {
  const person = await Person.signUp();
  const [id] = await makeTasks(person, "Eggs");
  const script = await Script.write([
    calls(["delete_task", { task_id: id }]),
    { output: [{ type: "text", text: "one two three" }], holdAfter: 5 },
  ]);
  const asking = await chat(person, { message: `Delete eggs ${script.mark}` });
  const { conversation_id } = asking;
  const approval = { id: questionOf(asking).id, approved: true };
  const answering = person.send("/chat", { method: "POST", body: { conversation_id, approval } });
  await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(2), PATIENCE);
  const object = objectOf(person, conversation_id);
  await runInDurableObject(object, (_, state) => state.abort("restarted")).catch(() => undefined);
  await (await answering).text();
  await script.release();
  expect(await runDurableObjectAlarm(objectOf(person, conversation_id))).toBe(true);
  const [answer] = await answersOf(person);
  expect(answer).toMatchObject({ outcome: "failed" });
  expect(JSON.stringify(answer)).toMatch(/approval_answer.*tool_output.*restarted in the middle/);
});

describe("a yes that is given again because the object was restarted before it could keep what the call had done", () => {
  const titles = Array.from({ length: 6 }, (_, index) => `Task ${index}`);

  /** Someone whose first of six approved tasks is in the database, which nobody has heard. */
  async function cutOffAfterCommit(key: object) {
    const person = await Person.signUp();
    const script = await Script.write([
      calls(...titles.map((title, index) => ["create_task", { title, ...(index === 0 && key) }] as const)),
      says("Added."),
    ]);
    const asked = await chat(person, { message: `Add ${script.mark}` });
    const approval = asked.approval_required?.map(({ id }) => ({ id, approved: true }));
    const body = { conversation_id: asked.conversation_id, approval };
    using creating = holdAnswers(person, 'insert into "tasks"');
    const answering = person.send("/chat", { method: "POST", body });
    await vi.waitFor(async () => expect(await titlesOf(person)).toEqual(["Task 0"]), PATIENCE);
    const object = objectOf(person, body.conversation_id);
    await runInDurableObject(object, (_, state) => state.abort("restarted")).catch(() => undefined);
    await (await answering).text();
    expect(creating.count).toBe(1);
    return { person, body };
  }

  test.each([
    ["the approval's", {}],
    ["the model's", { idempotency_key: "of the model" }],
  ])("runs the call once, by %s key", async (_, key) => {
    const { person, body } = await cutOffAfterCommit(key);
    const done = await chat(person, body);
    expect(done).toMatchObject({
      response: "Added.",
      tool_calls: [{ status: "done", output: { replayed: true } }, {}, {}, {}, {}, {}],
    });
    expect(await titlesOf(person)).toEqual(titles);
  });

  test("counts no longer once the key may be forgotten", async () => {
    const { person, body } = await cutOffAfterCommit({});
    await ownerQuery("update approvals set answered_at = answered_at - interval '23 hours' where user_id = $1", [
      person.id,
    ]);
    expect((await person.send("/chat", { method: "POST", body })).status).toBe(409);
    expect(await titlesOf(person)).toEqual(["Task 0"]);
  });
});

test("a client that comes back for the stream finds what was done in the conversation", async () => {
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

const STORING = "count_chat_tokens";

describe("a turn that was stored, which the object could not know", () => {
  const usageOf = (person: Person) =>
    ownerQuery(
      `select sum(input_tokens + output_tokens)::int as used, (select tokens::int from token_usage where user_id = $1) as counted
      from messages where user_id = $1`,
      [person.id],
    );

  test("is stored again by the alarm, and its tokens count once", async () => {
    const person = await Person.signUp();
    const script = await Script.write([calls(["create_task", { title: "Milk" }]), says("Added.")]);
    using storing = loseAnswers(person, STORING);
    const { conversation_id, error } = await chat(person, { message: `Add ${script.mark}` });
    expect(error?.kind).toBe("unavailable");
    const [once] = await usageOf(person);
    storing.release();
    expect(await runDurableObjectAlarm(objectOf(person, conversation_id))).toBe(true);
    expect(storing.count).toBeGreaterThanOrEqual(2);
    expect(once?.used).toBeGreaterThan(0);
    expect(once?.counted).toBe(once?.used);
    expect(await usageOf(person)).toEqual([once]);
    expect(await answersOf(person)).toMatchObject([{ outcome: "completed" }]);
  });

  test("counts once where the database is still storing it when it is stored again", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("Hello."), says("Hello again.")]);
    const { conversation_id } = await chat(person, { message: `Hi ${script.mark}` });
    using storing = giveUpRequests(person, STORING);
    const { released } = await holdRows(`conversations where user_id = ${person.id} for no key update`);
    expect((await chat(person, { message: `Hi ${script.mark}`, conversation_id })).error?.kind).toBe("unavailable");
    storing.release();
    expect(await runDurableObjectAlarm(objectOf(person, conversation_id))).toBe(true);
    await released;
    expect(storing.count).toBeGreaterThanOrEqual(2);
    await vi.waitFor(async () => expect(await answersOf(person)).toHaveLength(2), PATIENCE);
    const [usage] = await usageOf(person);
    expect(usage?.counted).toBe(usage?.used);
  });

  test.each(["completed", "approval_required"])(
    "stays %s when the object was restarted before it heard of it",
    async (outcome) => {
      const person = await Person.signUp();
      const [id] = await makeTasks(person, "Eggs");
      const asked = [
        ["create_task", { title: "Milk" }],
        ["delete_task", { task_id: id }],
      ] as const;
      const script = await Script.write([calls(...asked.slice(0, outcome === "completed" ? 1 : 2)), says("Added.")]);
      const body = {
        id: "c",
        messages: [{ id: "1", role: "user", parts: [{ type: "text", text: `Add milk ${script.mark}` }] }],
      };
      using storing = holdAnswers(person, STORING);
      const answering = person.send("/api/chat", { method: "POST", body }).then(chunksOf);
      await vi.waitFor(async () => expect(await answersOf(person)).toMatchObject([{ outcome }]), PATIENCE);
      const [answers, [once]] = [await answersOf(person), await usageOf(person)];
      await runInDurableObject(objectOf(person, "c"), (_, state) => state.abort("restarted")).catch(() => undefined);
      await answering;
      storing.release();
      expect(await runDurableObjectAlarm(objectOf(person, "c"))).toBe(true);
      expect(storing.count).toBe(2);
      expect(await answersOf(person)).toEqual(answers);
      expect(await usageOf(person)).toEqual([once]);
    },
  );
});

describe("a turn that cannot be stored because the database is away", () => {
  const keysOf = (object: DurableObjectStub) =>
    runInDurableObject(object, async (_, { storage }) => [...(await storage.list()).keys()]);

  test("is stored by the alarm as it ended, however often that must try", async () => {
    const person = await Person.signUp();
    const script = await Script.write([calls(["create_task", { title: "Milk" }]), says("Added.")]);
    using storing = failDatabase(person, STORING);
    const answer = await chat(person, { message: `Add ${script.mark}` });
    expect(answer.error?.kind).toBe("unavailable");
    expect(answer.response).toContain("Added.\n\nThe answer is not saved yet");
    expect(answer.tool_calls).toMatchObject([{ status: "done" }]);
    const object = objectOf(person, answer.conversation_id);
    expect(await runDurableObjectAlarm(object)).toBe(true);
    expect(await answersOf(person)).toEqual([]);
    storing.release();
    expect(await runDurableObjectAlarm(object)).toBe(true);
    expect(await answersOf(person)).toMatchObject([{ outcome: "completed" }]);
    expect(JSON.stringify(await answersOf(person))).not.toContain("restarted");
    expect(await keysOf(object)).toEqual([]);
    expect(await runDurableObjectAlarm(object)).toBe(false);
  });

  test("is stored before the next message, and stays kept where that is refused as well", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("Hello.")]);
    using storing = failDatabase(person, STORING);
    const { conversation_id } = await chat(person, { message: `Hi ${script.mark}` });
    const next = await Script.write([says("Hello again.")]);
    const body = { message: `Hi ${next.mark}`, conversation_id };
    expect((await person.send("/chat", { method: "POST", body })).status).toBe(503);
    storing.release();
    expect((await chat(person, body)).response).toBe("Hello again.");
    const [request] = (await next.record()).requests;
    expect(request?.input[1]).toMatchObject({ content: "Hello." });
    expect(await keysOf(objectOf(person, conversation_id))).toEqual([]);
  });

  test("asks nothing that could not be answered, until it is stored", async () => {
    const person = await Person.signUp();
    const [id] = await makeTasks(person, "Eggs");
    const script = await Script.write([calls(["delete_task", { task_id: id }]), says("Deleted.")]);
    using storing = failDatabase(person, STORING);
    const response = await person.send("/chat", {
      method: "POST",
      body: { message: `Delete eggs ${script.mark}` },
      headers: { Accept: "text/event-stream" },
    });
    const events = await response.text();
    expect(events).toContain("is not saved yet");
    expect(events).not.toMatch(/approval_re/);
    storing.release();
    const [row] = await ownerQuery("select id from conversations where user_id = $1", [person.id]);
    const conversation_id = String(row?.id);
    await runDurableObjectAlarm(objectOf(person, conversation_id));
    const read = await (await person.send(`/api/conversations/${conversation_id}`)).json();
    expect(read).toMatchObject({ messages: [{}, { parts: [{}, { state: "approval-requested" }, {}] }] });
    const [question] = await ownerQuery("select id from approvals where user_id = $1", [person.id]);
    const done = await chat(person, { conversation_id, approval: { id: question?.id, approved: true } });
    expect(done.response).toBe("Deleted.");
    expect(await titlesOf(person)).toEqual([]);
  });
});
