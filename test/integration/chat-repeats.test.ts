import { env, runInDurableObject } from "cloudflare:test";
import type { UIMessage } from "ai";
import { describe, expect, test, vi } from "vitest";
import { type Answer, chat, makeTasks, questionOf, titlesOf } from "../support/chatting.ts";
import { holdAnswers } from "../support/database-requests.ts";
import { chunksOf, messageOf } from "../support/event-streams.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person, problemOf } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

const addTwo = calls(["create_task", { title: "Milk" }], ["create_task", { title: "Eggs" }]);

function userMessage(text: string, id: string): UIMessage {
  return { id, role: "user", parts: [{ type: "text", text }] };
}

/** Posts as `useChat` does. */
function post(person: Person, message: UIMessage, more: Record<string, unknown> = {}): Promise<Response> {
  const body = { id: "c", messages: [message], trigger: "submit-message", ...more };
  return person.send("/api/chat", { method: "POST", body });
}

const regenerate = (messageId?: string) => ({ trigger: "regenerate-message", ...(messageId && { messageId }) });

/** What the model was shown at its last request, a word for each item and the text of what came of calls. */
async function inputOf(script: Script): Promise<string[]> {
  const { requests } = await script.record();
  return (requests.at(-1)?.input ?? []).map((item) => {
    if ("output" in item) return item.output;
    return "role" in item ? item.role : "name" in item ? item.name : item.type;
  });
}

async function evict(person: Person, conversationId: string): Promise<void> {
  const object = env.CHAT_CONVERSATIONS.getByName(`${person.id}/${conversationId}`);
  await runInDurableObject(object, (_, state) => state.abort("evicted")).catch(() => undefined);
}

describe("POST /chat with a message_id, or an Idempotency-Key", () => {
  test.each([
    ["message_id", { message_id: "m-1" }, {}],
    ["Idempotency-Key", {}, { "Idempotency-Key": '"m-1"' }],
    ["both, which are the same", { message_id: "m-1" }, { "Idempotency-Key": "m-1" }],
  ])("sent again does nothing and answers the same: %s", async (_, id, headers) => {
    const person = await Person.signUp();
    const script = await Script.write([addTwo, says("Added both.")]);
    const body = { message: `Add milk and eggs ${script.mark}`, ...id };
    const first = await chat(person, body, headers);
    const again = await chat(person, body, headers);
    await evict(person, first.conversation_id);
    const later = await chat(person, { ...body, conversation_id: first.conversation_id }, headers);
    expect(first.response).toBe("Added both.");
    expect([again, later]).toEqual([first, first]);
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    expect((await script.record()).requests).toHaveLength(2);
  });

  test("sent again while it is being answered gets that answer", async () => {
    const person = await Person.signUp();
    const script = await Script.write([addTwo, { output: [{ type: "text", text: "Added both." }], holdAfter: 5 }]);
    const body = { message: `Add milk and eggs ${script.mark}`, message_id: "m-1" };
    const sent = [chat(person, body), chat(person, body)];
    await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(2), PATIENCE);
    sent.push(chat(person, body));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await script.release();
    const [first, ...others] = await Promise.all(sent);
    expect(others).toEqual([first, first]);
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    expect((await script.record()).requests).toHaveLength(2);
  });

  test("is not answered again where a restart came between what a call did and the word of it", async () => {
    const person = await Person.signUp();
    const script = await Script.write([addTwo, says("never")], { repeats: true });
    const body = { message: `Add milk and eggs ${script.mark}`, message_id: "m-1" };
    using creating = holdAnswers(person, 'insert into "tasks"');
    const sending = person.send("/chat", { method: "POST", body });
    await vi.waitFor(async () => expect(await titlesOf(person)).toEqual(["Milk"]), PATIENCE);
    const [row] = await ownerQuery("select id from conversations where user_id = $1", [person.id]);
    await evict(person, String(row?.id));
    await (await sending).text();
    creating.release();
    const again = await chat(person, body);
    expect(again.error?.message).toMatch(/restarted.* Perhaps done: Create task "Milk"; Create task "Eggs"\.$/);
    const perhaps = { status: "failed", error: expect.stringContaining("may have been carried out") };
    expect(again.tool_calls).toMatchObject([perhaps, perhaps]);
    expect(await titlesOf(person)).toEqual(["Milk"]);
  });

  test("asks the same question again, which can be answered", async () => {
    const person = await Person.signUp();
    const [id] = await makeTasks(person, "Eggs");
    const script = await Script.write([calls(["delete_task", { task_id: id }]), says("Deleted.")]);
    const body = { message: `Delete eggs ${script.mark}`, message_id: "m-1" };
    const asked = await chat(person, body);
    const again = await chat(person, body);
    expect(again).toEqual(asked);
    const approval = { id: questionOf(again).id, approved: true };
    const { conversation_id } = asked;
    expect((await chat(person, { conversation_id, approval })).response).toBe("Deleted.");
    // What was asked and done is told once more, and not asked.
    const done = await chat(person, body);
    expect(done).toMatchObject({ response: "Deleted.", tool_calls: [{ tool: "delete_task", status: "done" }] });
    expect(done.approval_required).toBeUndefined();
  });

  test("a question that was set aside since is told as such", async () => {
    const person = await Person.signUp();
    const [id] = await makeTasks(person, "Eggs");
    const script = await Script.write([calls(["delete_task", { task_id: id }])]);
    const body = { message: `Delete eggs ${script.mark}`, message_id: "m-1" };
    const { conversation_id } = await chat(person, body);
    const next = await Script.write([says("Very well.")]);
    await chat(person, { message: `Wait ${next.mark}`, conversation_id });
    const again = await chat(person, body);
    expect(again.approval_required).toBeUndefined();
    expect(again.tool_calls).toMatchObject([{ status: "refused" }]);
    expect(await ownerQuery("select from messages where user_id = $1", [person.id])).toHaveLength(4);
  });

  test("is tried again where it failed before it had done anything", async () => {
    const person = await Person.signUp();
    const script = await Script.write([{ status: 400, body: {} }, addTwo, says("Added both.")]);
    const body = { message: `Add ${script.mark}`, message_id: "m-1" };
    expect((await chat(person, body)).error?.kind).toBe("unavailable");
    expect((await chat(person, body)).response).toBe("Added both.");
    expect(await ownerQuery("select from messages where user_id = $1", [person.id])).toHaveLength(2);
  });

  test("is not tried again where it failed after that", async () => {
    const person = await Person.signUp();
    const script = await Script.write([addTwo, { status: 400, body: {} }, says("never")]);
    const body = { message: `Add ${script.mark}`, message_id: "m-1" };
    const failed = await chat(person, body);
    expect(failed.error?.kind).toBe("unavailable");
    expect(await chat(person, body)).toEqual(failed);
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
  });

  test.each([
    ["in the conversation that it began", (_: Answer) => ({})],
    ["in one that is named", ({ conversation_id }: Answer) => ({ conversation_id })],
  ])("is refused for another message, %s", async (_, where) => {
    const person = await Person.signUp();
    const script = await Script.write([says("Hello.")], { repeats: true });
    const first = await chat(person, { message: `Hi ${script.mark}`, message_id: "m-1" });
    const body = { message: `Hello ${script.mark}`, message_id: "m-1", ...where(first) };
    const refused = await person.send("/chat", { method: "POST", body });
    expect(refused.status).toBe(409);
    expect((await problemOf(refused)).detail).toMatch(/^message_id, or Idempotency-Key, was used for another message/);
    expect(await ownerQuery("select from messages where user_id = $1", [person.id])).toHaveLength(2);
  });

  test.each([
    ["two ids", { message: "Hi", message_id: "a" }, { "Idempotency-Key": "b" }, "message_id"],
    ["an empty id", { message: "Hi", message_id: " " }, {}, "message_id"],
    ["too long an id", { message: "Hi", message_id: "x".repeat(101) }, {}, "message_id"],
    ["too long a key", { message: "Hi" }, { "Idempotency-Key": "x".repeat(101) }, "Idempotency-Key"],
    [
      "an id beside an approval",
      { message_id: "a", conversation_id: "c", approval: { id: crypto.randomUUID(), approved: true } },
      {},
      "message_id",
    ],
  ])("%s is refused", async (_, body, headers, field) => {
    const person = await Person.signUp();
    const response = await person.send("/chat", { method: "POST", body, headers });
    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors?.[0]?.field).toBe(field);
  });

  test("belongs to its person: the same id begins another's own conversation", async () => {
    const [one, other] = await Promise.all([Person.signUp(), Person.signUp()]);
    for (const person of [one, other]) {
      const script = await Script.write([says(`Hello, ${person.id}.`)]);
      const answer = await chat(person, { message: `Hi ${script.mark}`, message_id: "m-1" });
      expect(answer.response).toBe(`Hello, ${person.id}.`);
    }
  });
});

describe("a message that useChat sends twice", () => {
  test("gets the answer that it has, also from an object that was evicted, and what came later stays", async () => {
    const person = await Person.signUp();
    const script = await Script.write([addTwo, says("Added both.")]);
    const message = userMessage(`Add ${script.mark}`, "m-1");
    const first = await messageOf(await chunksOf(await post(person, message)));
    const next = await Script.write([says("You are welcome.")]);
    await chunksOf(await post(person, userMessage(`Thanks ${next.mark}`, "m-2")));
    await evict(person, "c");
    expect(await messageOf(await chunksOf(await post(person, message)))).toEqual(first);
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    expect(await ownerQuery("select from messages where user_id = $1", [person.id])).toHaveLength(4);
  });

  test("while it is being answered gets the stream of that answer", async () => {
    const person = await Person.signUp();
    const script = await Script.write([addTwo, { output: [{ type: "text", text: "Added both." }], holdAfter: 5 }]);
    const message = userMessage(`Add ${script.mark}`, "m-1");
    const one = await post(person, message);
    await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(2), PATIENCE);
    const other = await post(person, message);
    await script.release();
    expect(await chunksOf(other)).toEqual(await chunksOf(one));
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
  });
});

describe("an answer that is replaced", () => {
  /** Someone who had two tasks added by the message `m-1`. */
  async function added() {
    const person = await Person.signUp();
    const script = await Script.write(
      [calls(["list_tasks", {}]), addTwo, says("Added both."), says("They are there.")],
      {
        repeats: true,
      },
    );
    const message = userMessage(`Add ${script.mark}`, "m-1");
    const first = await messageOf(await chunksOf(await post(person, message)));
    const rows = await ownerQuery("select id from tasks where user_id = $1 order by id", [person.id]);
    const done = rows.map(
      ({ id }, index) => `Created #${id} "${["Milk", "Eggs"][index]}" · pending · version 1 · change ${index + 1}`,
    );
    const replaced = ["create_task", done[0], "create_task", done[1], "developer"];
    return { person, script, message, first, replaced };
  }

  test("by regenerate: the model is told what it did, also in later turns and in an answer after that", async () => {
    const { person, script, message, first, replaced } = await added();
    const second = await messageOf(await chunksOf(await post(person, message, regenerate(first.id))));
    expect(second.parts.at(-1)).toMatchObject({ text: "They are there." });
    expect(second.id).not.toBe(first.id);
    expect(await inputOf(script)).toEqual(["user", ...replaced]);
    const note = (await script.record()).requests.at(-1)?.input.at(-1);
    expect(JSON.stringify(note)).toContain("do not do it again");

    await chunksOf(await post(person, message, regenerate()));
    expect(await inputOf(script)).toEqual(["user", ...replaced]);
    const next = await Script.write([says("Bye.")]);
    await chunksOf(await post(person, userMessage(`Bye ${next.mark}`, "m-2")));
    expect(await inputOf(next)).toEqual(["user", ...replaced, "assistant", "user"]);
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    expect(await ownerQuery("select from messages where user_id = $1", [person.id])).toHaveLength(4);
  });

  test("by regenerate: the model is told the number of a change, by which it is undone, however much that did", async () => {
    const person = await Person.signUp();
    const tasks = Array.from({ length: 5 }, (_, index) => ({ title: `${index} ${"long ".repeat(20)}title` }));
    const script = await Script.write([calls(["create_task", { tasks }]), says("Added."), says("There.")], {
      repeats: true,
    });
    const message = userMessage(`Add ${script.mark}`, "m-1");
    const first = await messageOf(await chunksOf(await post(person, message)));
    await chunksOf(await post(person, message, regenerate(first.id)));
    const told = expect.stringMatching(/^Created #1 "0 long .* … \(trimmed; this was change 1; /s);
    expect(await inputOf(script)).toEqual(["user", "create_task", told, "developer"]);
  });

  test("by the same regenerate sent twice is replaced once", async () => {
    const { person, script, message, first } = await added();
    const second = await messageOf(await chunksOf(await post(person, message, regenerate(first.id))));
    const asked = (await script.record()).requests.length;
    expect(await messageOf(await chunksOf(await post(person, message, regenerate(first.id))))).toEqual(second);
    expect((await script.record()).requests).toHaveLength(asked);
  });

  test("by an edit: what followed is gone, and the model is told what all of it did", async () => {
    const { person, replaced } = await added();
    const next = await Script.write([calls(["create_task", { title: "Bread" }]), says("Added.")]);
    await chunksOf(await post(person, userMessage(`And bread ${next.mark}`, "m-2")));
    const edited = await Script.write([says("Only milk is wanted? Then eggs go.")]);
    const answer = await messageOf(
      await chunksOf(await post(person, userMessage(`Add milk only ${edited.mark}`, "m-1"), { messageId: "m-1" })),
    );
    expect(answer.parts.at(-1)).toMatchObject({ text: "Only milk is wanted? Then eggs go." });
    const input = await inputOf(edited);
    expect(input.slice(0, 5)).toEqual(["user", ...replaced.slice(0, 4)]);
    expect(input.slice(5)).toEqual(["create_task", expect.stringMatching(/^Created #\d+ "Bread"/), "developer"]);
    expect(await ownerQuery("select from messages where user_id = $1", [person.id])).toHaveLength(2);
  });

  test("by an edit far up: the model is told of the newest calls, however much lies between", async () => {
    const { person, replaced } = await added();
    const edited = await Script.write([says("Very well.")]);
    await ownerQuery(
      `insert into messages (user_id, conversation_id, id, role, content)
      select $1, 'c', 'n' || number, 'assistant', '[{"type": "text", "id": "0", "text": "…"}]'
      from generate_series(1, 210) as numbers (number)`,
      [person.id],
    );
    const next = await Script.write([calls(["create_task", { title: "Bread" }]), says("Added.")]);
    await chunksOf(await post(person, userMessage(`And bread ${next.mark}`, "m-2")));
    await chunksOf(await post(person, userMessage(`Add milk ${edited.mark}`, "m-1"), { messageId: "m-1" }));
    const bread = ["create_task", expect.stringMatching(/^Created #\d+ "Bread"/)];
    expect(await inputOf(edited)).toEqual(["user", ...replaced.slice(0, 4), ...bread, "developer"]);
  });

  test("is told of also by a release that reads what another has kept otherwise", async () => {
    const { person, script, message } = await added();
    await chunksOf(await post(person, message, regenerate()));
    await ownerQuery(
      `update messages set replaced = replaced || '[{"kind": "of a release to come"}]' where user_id = $1 and role = 'user'`,
      [person.id],
    );
    await chunksOf(await post(person, message, regenerate()));
    expect((await inputOf(script)).filter((item) => item === "create_task")).toHaveLength(2);
  });
});
