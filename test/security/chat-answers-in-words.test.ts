import type { UIMessage } from "ai";
import { describe, expect, test, vi } from "vitest";
import { chat, makeTasks, questionOf, titlesOf } from "../support/chatting.ts";
import { holdDatabase, loseAnswers } from "../support/database-requests.ts";
import { chunksOf, messageOf } from "../support/event-streams.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";
import type { ScriptStep } from "../support/scripted-responses.ts";

// A message that is only a yes names no script, so the model is what the tests' server is without one: it refuses. What
// counts here is what became of the question, and what the model was asked.

/** Someone whom the agent has asked whether it may delete "Eggs"; what they say next is answered by the same script. */
async function askedToDelete(...then: ScriptStep[]) {
  const person = await Person.signUp();
  const [milk = 0, id = 0] = await makeTasks(person, "Milk", "Eggs");
  const script = await Script.write([calls(["delete_task", { task_id: id }]), ...then]);
  const answer = await chat(person, { message: `Delete eggs ${script.mark}` });
  return { person, milk, id, script, answer, question: questionOf(answer), conversation_id: answer.conversation_id };
}

const approvalsOf = (person: Person) =>
  ownerQuery("select approved from approvals where user_id = $1 order by created_at", [person.id]);

describe("a message that is only a yes or a no answers the one question that is open", () => {
  test.each(["yes", "Ja, bitte!", "はい"])("%s: the call runs, and the answer to it stands below", async (message) => {
    const { person, id, answer, conversation_id } = await askedToDelete();
    const done = await chat(person, { message, conversation_id });
    expect(done.tool_calls).toMatchObject([{ tool: "delete_task", input: { task_id: id }, status: "done" }]);
    expect(done.message_id).not.toBe(answer.message_id);
    expect(await titlesOf(person)).toEqual(["Milk"]);
    expect(await approvalsOf(person)).toEqual([{ approved: true }]);
    expect(await ownerQuery("select role from messages where user_id = $1 order by seq", [person.id])).toEqual(
      ["user", "assistant", "user", "assistant"].map((role) => ({ role })),
    );
  });

  test.each(["no", "Nein.", "取消"])("%s: nothing is deleted", async (message) => {
    const { person, conversation_id } = await askedToDelete();
    const done = await chat(person, { message, conversation_id });
    expect(done.tool_calls).toMatchObject([{ tool: "delete_task", status: "refused" }]);
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    expect(await approvalsOf(person)).toEqual([{ approved: false }]);
  });

  test("what the task has become since is asked about anew, and can be answered in words as well", async () => {
    const { person, id, conversation_id } = await askedToDelete();
    await person.run("update_task", { task_id: id, title: "Passport" });
    const again = await chat(person, { message: "yes", conversation_id });
    expect(questionOf(again).question).toContain(`#${id} "Passport"`);
    expect(await titlesOf(person)).toEqual(["Milk", "Passport"]);
    await chat(person, { message: "yes", conversation_id });
    expect(await titlesOf(person)).toEqual(["Milk"]);
  });

  test("sent twice it answers once, and no question that is asked later", async () => {
    const { person, id, conversation_id } = await askedToDelete();
    await person.run("update_task", { task_id: id, title: "Passport" });
    const body = { message: "yes", message_id: "the-yes", conversation_id };
    const again = await chat(person, body);
    expect(await chat(person, body)).toEqual(again);
    expect(await titlesOf(person)).toEqual(["Milk", "Passport"]);
  });

  test("without tokens left a yes is refused and a no is not; the question stays open until then", async () => {
    const { person, conversation_id } = await askedToDelete();
    await ownerQuery("update token_usage set tokens = 100000000 where user_id = $1", [person.id]);
    const refused = await person.send("/chat", { method: "POST", body: { message: "yes", conversation_id } });
    expect(refused.status).toBe(429);
    expect(await approvalsOf(person)).toEqual([{ approved: null }]);
    await chat(person, { message: "no", conversation_id });
    expect(await approvalsOf(person)).toEqual([{ approved: false }]);
  });
});

describe("where the answer to the request is lost that writes it down", () => {
  const TAKING = 'update "approvals"';

  test("it counts, and the call runs once", async () => {
    const { person, conversation_id } = await askedToDelete();
    using taking = loseAnswers(person, TAKING);
    const answering = chat(person, { message: "yes", conversation_id });
    await vi.waitFor(() => expect(taking.count).toBeGreaterThan(0), PATIENCE);
    taking.release();
    expect((await answering).tool_calls).toMatchObject([{ tool: "delete_task", status: "done" }]);
    expect(await titlesOf(person)).toEqual(["Milk"]);
  });

  test("and the question lapsed before that, it answers nothing", async () => {
    const { person, conversation_id } = await askedToDelete();
    using taking = loseAnswers(person, TAKING, {
      before: async () => {
        await ownerQuery("update approvals set expires_at = now() where user_id = $1", [person.id]);
      },
    });
    const answering = chat(person, { message: "yes", conversation_id });
    await vi.waitFor(() => expect(taking.count).toBeGreaterThan(0), PATIENCE);
    taking.release();
    expect((await answering).tool_calls).toEqual([]);
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    expect(await approvalsOf(person)).toEqual([{ approved: null }]);
  });
});

describe("it answers nothing", () => {
  const wroteInstead = "Not done: the person was asked, and wrote instead.";

  test("where it says more: the question is set aside, and the model is told so", async () => {
    const { person, conversation_id } = await askedToDelete();
    const script = await Script.write([says("Very well.")]);
    await chat(person, { message: `yes, but rename it first ${script.mark}`, conversation_id });
    const [request] = (await script.record()).requests;
    expect(request?.input).toContainEqual(expect.objectContaining({ output: wroteInstead }));
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    expect(await approvalsOf(person)).toEqual([{ approved: false }]);
  });

  test("where two questions of different kinds are open", async () => {
    const person = await Person.signUp();
    const [id = 0] = await makeTasks(person, "Eggs");
    const script = await Script.write([
      calls(["update_task", { task_id: id, priority: "low" }], ["delete_task", { task_id: id }]),
    ]);
    const { conversation_id } = await chat(person, { message: `Do it ${script.mark}` });
    await chat(person, { message: "yes", conversation_id });
    expect(await approvalsOf(person)).toEqual([{ approved: false }, { approved: false }]);
    expect(await ownerQuery("select title, version from tasks where user_id = $1", [person.id])).toEqual([
      { title: "Eggs", version: 1 },
    ]);
  });

  test("where the question has lapsed, or was asked in another conversation", async () => {
    const { person, conversation_id } = await askedToDelete();
    const other = await Script.write([says("Hello.")]);
    const elsewhere = await chat(person, { message: `Hi ${other.mark}` });
    await chat(person, { message: "yes", conversation_id: elsewhere.conversation_id });
    expect(await approvalsOf(person)).toEqual([{ approved: null }]);
    await ownerQuery("update approvals set expires_at = now() where user_id = $1", [person.id]);
    await chat(person, { message: "yes", conversation_id });
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
  });

  test("where it was sent before the question was told", async () => {
    const person = await Person.signUp();
    const [id = 0] = await makeTasks(person, "Eggs");
    const script = await Script.write([{ ...calls(["delete_task", { task_id: id }]), holdAfter: 0 }]);
    const parts = [{ type: "text", text: `Delete eggs ${script.mark}` }];
    const body = { id: "c", messages: [{ id: "1", role: "user", parts }] };
    const asking = person.send("/api/chat", { method: "POST", body }).then((response) => response.text());
    await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(1), PATIENCE);
    using requests = holdDatabase(person, "");
    requests.release();
    const waiting = chat(person, { message: "yes", conversation_id: "c" });
    // It waits behind the answer that is to ask.
    await vi.waitFor(() => expect(requests.count).toBeGreaterThan(0), PATIENCE);
    await script.release();
    expect(await asking).toContain("tool-approval-request");
    expect((await waiting).tool_calls).toEqual([]);
    expect(await titlesOf(person)).toEqual(["Eggs"]);
    expect(await approvalsOf(person)).toEqual([{ approved: false }]);
  });

  test("where the question could not be stored, and so was not told", async () => {
    const person = await Person.signUp();
    const [id = 0] = await makeTasks(person, "Eggs");
    const script = await Script.write([calls(["delete_task", { task_id: id }])]);
    using storing = holdDatabase(person, "count_chat_tokens");
    const asking = chat(person, { message: `Delete eggs ${script.mark}` });
    await vi.waitFor(() => expect(storing.count).toBe(1), PATIENCE);
    await person.send("/api/auth/signout", { method: "POST", body: { everywhere: true } });
    storing.release();
    const { conversation_id, approval_required } = await asking;
    expect(approval_required).toBeUndefined();
    const back = await person.signInAgain();
    expect((await chat(back, { message: "yes", conversation_id })).tool_calls).toEqual([]);
    expect(await titlesOf(back)).toEqual(["Eggs"]);
    expect(await approvalsOf(person)).toEqual([{ approved: false }]);
  });

  test("where the call was altered in the database", async () => {
    const { person, milk, id, conversation_id } = await askedToDelete();
    await ownerQuery(
      "update messages set content = replace(content::text, $2, $3)::jsonb where user_id = $1 and role = 'assistant'",
      [person.id, `"task_id": ${id}`, `"task_id": ${milk}`],
    );
    await chat(person, { message: "yes", conversation_id });
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
  });
});

test("the model is shown the question, the person's word and what came of it, in this order", async () => {
  const { person, id, conversation_id } = await askedToDelete();
  await chat(person, { message: "yes", conversation_id });
  const script = await Script.write([says("Bye.")]);
  await chat(person, { message: `Bye ${script.mark}`, conversation_id });
  const [request] = (await script.record()).requests;
  const shown = request?.input.map((item) =>
    "output" in item ? item.output : "role" in item ? item.role : "name" in item ? item.name : item.type,
  );
  expect(shown).toEqual([
    ...["user", "delete_task", "Not done: the person was asked, and wrote instead."],
    ...["user", "delete_task", `Deleted #${id} "Eggs" · pending · version 1 · change 3`],
    "user",
  ]);
});

test("useChat shows what the server has: the call and what came of it below the person's word, and nothing left open", async () => {
  const person = await Person.signUp();
  const [id = 0] = await makeTasks(person, "Eggs");
  const script = await Script.write([calls(["delete_task", { task_id: id }])]);
  const post = async (messageId: string, text: string) => {
    const message: UIMessage = { id: messageId, role: "user", parts: [{ type: "text", text }] };
    const body = { id: "c", messages: [message], trigger: "submit-message" };
    return chunksOf(await person.send("/api/chat", { method: "POST", body }));
  };
  await post("1", `Delete eggs ${script.mark}`);
  const chunks = await post("2", "Yes");
  const shown = await messageOf(chunks.filter(({ type }) => type !== "error"));
  expect(shown.parts[0]).toMatchObject({ type: "tool-delete_task", state: "output-available" });
  const response = await person.send("/api/conversations/c");
  const { messages } = (await response.json()) satisfies unknown as { messages: UIMessage[] };
  expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
  expect(messages[3]?.id).toBe(shown.id);
  expect(messages[3]?.parts[0]).toEqual(shown.parts[0]);
  expect(JSON.stringify(messages)).not.toContain("approval-requested");
});
