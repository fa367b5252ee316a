import type { UIMessage } from "ai";
import { describe, expect, test, vi } from "vitest";
import { chat, makeTasks, titlesOf } from "../support/chatting.ts";
import { holdDatabase } from "../support/database-requests.ts";
import { chunksOf, eventsOf, messageOf } from "../support/event-streams.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

function userMessage(text: string, id: string = crypto.randomUUID()): UIMessage {
  return { id, role: "user", parts: [{ type: "text", text }] };
}

/** Posts as the AI SDK's `useChat` does. */
function post(person: Person, id: string, ...messages: UIMessage[]): Promise<Response> {
  return person.send("/api/chat", { method: "POST", body: { id, messages, trigger: "submit-message" } });
}

function watch(person: Person, id: string): Promise<Response> {
  return person.send(`/api/chat/${id}/stream`);
}

async function answersStored(person: Person): Promise<Record<string, unknown>[]> {
  return ownerQuery("select outcome, content from messages where user_id = $1 and role = 'assistant' order by seq", [
    person.id,
  ]);
}

/** Posts a message, reads until something was said, and closes the connection. */
async function postAndLeave(person: Person, id: string, message: UIMessage): Promise<void> {
  const response = await post(person, id, message);
  for await (const { data } of eventsOf(response)) if (data.includes("text-delta")) return;
}

const held = (text: string, holdAfter = 5) => ({ output: [{ type: "text" as const, text }], holdAfter });

describe("a closed connection", () => {
  test("does not end the turn, and the stream resumes from the message's start without asking the model again", async () => {
    const person = await Person.signUp();
    const script = await Script.write([
      calls(["create_task", { title: "Milk" }]),
      held("Added milk for you."),
      says("never"),
    ]);
    await postAndLeave(person, "c", userMessage(`Add milk ${script.mark}`));

    const [one, two] = await Promise.all([watch(person, "c"), watch(person, "c")]);
    expect(one.status).toBe(200);
    expect(one.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    await script.release();
    const chunks = await chunksOf(one);
    expect(await chunksOf(two)).toEqual(chunks);
    expect((await messageOf(chunks)).parts).toMatchObject([
      { type: "step-start" },
      { type: "tool-create_task", state: "output-available" },
      { type: "step-start" },
      { type: "text", text: "Added milk for you." },
    ]);
    expect((await script.record()).requests).toHaveLength(2);
    expect(await answersStored(person)).toMatchObject([{ outcome: "completed" }]);
    expect((await watch(person, "c")).status).toBe(204);
  });

  test("nobody comes back: the turn is done and stored all the same", async () => {
    const person = await Person.signUp();
    const script = await Script.write([held("Let me see"), says("never")]);
    const response = await person.send("/chat", {
      method: "POST",
      body: { message: `Hi ${script.mark}` },
      headers: { Accept: "text/event-stream" },
    });
    for await (const { event } of eventsOf(response)) if (event === "text") break;
    await script.release();
    await vi.waitFor(
      async () => expect(await answersStored(person)).toMatchObject([{ outcome: "completed" }]),
      PATIENCE,
    );
  });

  test("a message that goes on after an approval is replayed whole", async () => {
    const person = await Person.signUp();
    const [eggs] = await makeTasks(person, "Eggs");
    const script = await Script.write([calls(["delete_task", { task_id: eggs }]), held("They are gone for good.")]);
    const asked = await chat(person, { message: `Delete ${script.mark}` });
    const id = asked.conversation_id;
    const going = chat(person, {
      conversation_id: id,
      approval: { id: asked.approval_required?.[0]?.id, approved: true },
    });
    await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(2), PATIENCE);
    const replay = await watch(person, id);
    await script.release();
    const message = await messageOf(await chunksOf(replay));
    expect(message).toMatchObject({
      id: asked.message_id,
      parts: [
        { type: "step-start" },
        { type: "tool-delete_task", state: "output-available" },
        { type: "data-approval" },
        { type: "step-start" },
        { type: "text", text: "They are gone for good." },
      ],
    });
    expect((await going).response).toBe("They are gone for good.");
  });

  test("there is nothing to resume of what is not there, is not one's own, or of somebody signed out", async () => {
    const [person, other] = await Promise.all([Person.signUp(), Person.signUp()]);
    const script = await Script.write([held("Secret answer here")]);
    await postAndLeave(person, "mine", userMessage(`Hi ${script.mark}`));
    expect((await watch(other, "mine")).status).toBe(204);
    expect((await watch(person, "none")).status).toBe(204);
    expect((await watch(person, "a%2Fb")).status).toBe(204);
    expect((await other.send("/api/chat/mine/stream", { method: "DELETE" })).status).toBe(204);
    expect((await watch(person, "mine")).status).toBe(200);
    await person.send("/api/auth/signout", { method: "POST", body: {} });
    expect((await watch(person, "mine")).status).toBe(401);
    await script.release();
  });
});

describe("DELETE /api/chat/{id}/stream", () => {
  test("stops the model, and keeps what was done and said", async () => {
    const person = await Person.signUp();
    const script = await Script.write([
      calls(["create_task", { title: "Milk" }]),
      held("Added milk and"),
      says("never"),
    ]);
    const response = await post(person, "c", userMessage(`Add milk ${script.mark}`));
    const reading = chunksOf(response);
    await vi.waitFor(async () => expect((await script.record()).requests).toHaveLength(2), PATIENCE);
    const other = await watch(person, "c");
    for await (const { data } of eventsOf(other)) if (data.includes("text-delta")) break;

    expect((await person.send("/api/chat/c/stream", { method: "DELETE" })).status).toBe(204);
    const chunks = await reading;
    expect(chunks.slice(-3).map(({ type }) => type)).toEqual(["finish-step", "abort", "finish"]);
    await vi.waitFor(async () => expect((await script.record()).aborted).toBe(1), PATIENCE);
    expect(await titlesOf(person)).toEqual(["Milk"]);
    expect(await answersStored(person)).toMatchObject([{ outcome: "stopped" }]);
    expect(JSON.stringify(await answersStored(person))).toContain("Added milk");

    const next = await Script.write([says("Yes?")]);
    await chunksOf(await post(person, "c", userMessage(`Go on ${next.mark}`)));
    const input = (await next.record()).requests[0]?.input;
    expect(input?.at(-2)).toMatchObject({ role: "assistant", content: expect.stringContaining("Added milk") });
  });

  test("with nothing to stop does nothing", async () => {
    const person = await Person.signUp();
    expect((await person.send("/api/chat/c/stream", { method: "DELETE" })).status).toBe(204);
  });
});

describe("a turn that has not begun yet", () => {
  const LOADING = "check_chat_tokens";
  const stop = async (person: Person) =>
    expect((await person.send("/api/chat/c/stream", { method: "DELETE" })).status).toBe(204);

  test("is stopped while it loads: the model is not asked, and what was said stays", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("never")]);
    using loading = holdDatabase(person, LOADING);
    const posted = post(person, "c", userMessage(`Hi ${script.mark}`));
    await vi.waitFor(() => expect(loading.count).toBe(1), PATIENCE);
    await stop(person);
    loading.release();
    const chunks = await chunksOf(await posted);
    expect(chunks.map(({ type }) => type)).toEqual(["start", "message-metadata", "abort", "finish"]);
    expect((await script.record()).requests).toHaveLength(0);
    expect(await ownerQuery("select role, outcome from messages where user_id = $1 order by seq", [person.id])).toEqual(
      [
        { role: "user", outcome: "completed" },
        { role: "assistant", outcome: "stopped" },
      ],
    );
  });

  test("is stopped while it waits behind another", async () => {
    const person = await Person.signUp();
    const [first, second] = await Promise.all([Script.write([held("one two three")]), Script.write([says("never")])]);
    await postAndLeave(person, "c", userMessage(`One ${first.mark}`));
    using loading = holdDatabase(person, LOADING);
    const waiting = post(person, "c", userMessage(`Two ${second.mark}`));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await stop(person);
    loading.release();
    expect((await chunksOf(await waiting)).at(-2)).toEqual({ type: "abort" });
    expect((await second.record()).requests).toHaveLength(0);
    expect(await answersStored(person)).toMatchObject([{ outcome: "stopped" }, { outcome: "stopped" }]);
  });

  test("is waited for by a client that comes for its stream", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("Hello.")]);
    using loading = holdDatabase(person, LOADING);
    const posted = post(person, "c", userMessage(`Hi ${script.mark}`));
    await vi.waitFor(() => expect(loading.count).toBe(1), PATIENCE);
    const watched = watch(person, "c");
    loading.release();
    expect((await messageOf(await chunksOf(await watched))).parts.at(-1)).toMatchObject({ text: "Hello." });
    await chunksOf(await posted);
  });

  test("is not waited for any longer where it is refused", async () => {
    const person = await Person.signUp();
    using loading = holdDatabase(person, LOADING);
    const body = { conversation_id: "c", message: "Hi" };
    const posted = person.send("/chat", { method: "POST", body });
    await vi.waitFor(() => expect(loading.count).toBe(1), PATIENCE);
    const watched = watch(person, "c");
    loading.release();
    expect((await posted).status).toBe(404);
    expect((await watched).status).toBe(204);
  });
});

test("a stop holds between calls that were approved, and keeps what was done", async () => {
  const person = await Person.signUp();
  const ids = await makeTasks(person, "Milk", "Eggs", "Bread");
  const script = await Script.write([calls(...ids.map((id) => ["delete_task", { task_id: id }] as const))]);
  const asked = await chat(person, { message: `Delete all ${script.mark}` });
  const { conversation_id } = asked;
  using deleting = holdDatabase(person, '"deleted_at" = now()');
  const approval = asked.approval_required?.map(({ id }) => ({ id, approved: true }));
  const going = chat(person, { conversation_id, approval });
  await vi.waitFor(() => expect(deleting.count).toBe(1), PATIENCE);
  await person.send(`/api/chat/${conversation_id}/stream`, { method: "DELETE" });
  deleting.release();
  const stopped = await going;
  expect(stopped.tool_calls.map(({ status }) => status)).toEqual(["done", "not_run", "not_run"]);
  expect(stopped.stopped).toBe(true);
  expect(await titlesOf(person)).toEqual(["Eggs", "Bread"]);
  expect((await script.record()).requests).toHaveLength(1);
  // Those that did not run are no questions any more.
  const read = await (await person.send(`/api/conversations/${conversation_id}`)).text();
  expect(read.match(/"state":"output-error"/g)).toHaveLength(2);
  expect(read).not.toContain("approval-requested");
});

describe("two messages at once in one conversation", () => {
  test("queue, and neither is lost", async () => {
    const person = await Person.signUp();
    const first = await Script.write([held("Answer one.")]);
    const second = await Script.write([says("Answer two.")]);
    await postAndLeave(person, "c", userMessage(`One ${first.mark}`));
    const waiting = post(person, "c", userMessage(`Two ${second.mark}`));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await second.record()).requests).toHaveLength(0);
    await first.release();
    await chunksOf(await waiting);
    const input = (await second.record()).requests[0]?.input ?? [];
    expect(input.map((item) => ("role" in item ? item.role : item.type))).toEqual(["user", "assistant", "user"]);
    expect(input[1]).toMatchObject({ content: "Answer one." });
    expect(await answersStored(person)).toHaveLength(2);
  });

  test("more than five that wait are refused", async () => {
    const person = await Person.signUp();
    const first = await Script.write([held("Answer one.")]);
    await postAndLeave(person, "c", userMessage(`One ${first.mark}`));
    const later = await Script.write([says("Later.")], { repeats: true });
    const waiting = Array.from({ length: 6 }, () => post(person, "c", userMessage(`Later ${later.mark}`)));
    const refused = await Promise.race(waiting);
    expect(refused.status).toBe(429);
    await first.release();
    const statuses = (await Promise.all(waiting)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    await vi.waitFor(async () => expect(await answersStored(person)).toHaveLength(6), PATIENCE);
  });
});
