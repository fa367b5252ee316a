import { describe, expect, test } from "vitest";
import { chat, makeTasks, titlesOf } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf, send } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

async function talk(person: Person, text: string): Promise<string> {
  const script = await Script.write([says(`You said ${text}.`)]);
  return (await chat(person, { message: `${text} ${script.mark}` })).conversation_id;
}

describe("/api/conversations", () => {
  test("lists them, the last changed first, page by page", async () => {
    const person = await Person.signUp();
    const ids: string[] = [];
    for (const text of ["one", "two", "three"]) ids.unshift(await talk(person, text));
    const first = await (await person.send("/api/conversations?limit=2")).json();
    expect(first).toMatchObject({ conversations: [{ id: ids[0] }, { id: ids[1] }], next_cursor: expect.any(String) });
    const { next_cursor } = JSON.parse(JSON.stringify(first));
    const second = await (
      await person.send(`/api/conversations?limit=2&cursor=${encodeURIComponent(next_cursor)}`)
    ).json();
    expect(second).toEqual({
      conversations: [expect.objectContaining({ id: ids[2], title: expect.stringMatching(/^one/) })],
    });
    // As the release before has written it.
    const { conversations } = JSON.parse(JSON.stringify(first));
    const unsigned = encodeURIComponent(`${conversations[1].updated_at}_${ids[1]}`);
    expect(await (await person.send(`/api/conversations?limit=2&cursor=${unsigned}`)).json()).toEqual(second);
    const stranger = await Person.signUp();
    const refused = await stranger.send(`/api/conversations?cursor=${encodeURIComponent(next_cursor)}`);
    expect((await problemOf(refused)).errors).toMatchObject([{ field: "cursor" }]);
  });

  test.each([
    ["?limit=0", "limit"],
    ["?limit=x", "limit"],
    ["?limit=101", "limit"],
    ["?cursor=x", "cursor"],
    ["?cursor=0000-01-01T00:00:00Z_abc", "cursor"],
    ["?cursor=2026-02-30T00:00:00Z_abc", "cursor"],
    ["?cursor=2026-01-01T00:00:00Z_%00", "cursor"],
    ["?color=red", "color"],
  ])("%s is refused", async (query, field) => {
    const person = await Person.signUp();
    const response = await person.send(`/api/conversations${query}`);
    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors?.[0]?.field).toBe(field);
  });

  test("a title is the first message, shortened", async () => {
    const person = await Person.signUp();
    const script = await Script.write([says("Long.")]);
    await chat(person, { message: `  ${script.mark}\n${"🥛 milk ".repeat(40)}` });
    const [row] = await ownerQuery("select title, char_length(title) as length from conversations where user_id = $1", [
      person.id,
    ]);
    expect(row?.length).toBeLessThanOrEqual(80);
    expect(row?.title).toMatch(/🥛.*…$/u);
  });

  test.each([
    [80, 80],
    [81, 80],
    [101, 80],
    [5000, 80],
  ])("a title of %i characters outside the basic plane has %i", async (length, kept) => {
    const person = await Person.signUp();
    // Without a script the model refuses; what was said is stored all the same.
    await chat(person, { message: "🥛".repeat(length) });
    const [row] = await ownerQuery("select title from conversations where user_id = $1", [person.id]);
    expect(Array.from(String(row?.title))).toHaveLength(kept);
  });

  test("an id that none can have is not found, by any method", async () => {
    const person = await Person.signUp();
    for (const [method, id] of [
      ["GET", "%00"],
      ["DELETE", "%00"],
      ["PATCH", "a%00"],
      ["GET", "a%2Fb"],
      ["GET", "x".repeat(101)],
    ] as const) {
      const body = method === "PATCH" && { body: { title: "x" } };
      const response = await person.send(`/api/conversations/${id}`, { method, ...body });
      expect(response.status, `${method} ${id}`).toBe(404);
      expect((await problemOf(response)).detail).toBe("Conversation not found");
    }
  });

  test("reads one with its messages as useChat holds them", async () => {
    const person = await Person.signUp();
    const [id] = await makeTasks(person, "Eggs");
    const script = await Script.write([
      {
        output: [
          { type: "reasoning", text: "Hm." },
          { type: "call", name: "list_tasks", arguments: "{}" },
          { type: "call", name: "nothing", arguments: "{}" },
        ],
      },
      calls(["delete_task", { task_id: id }]),
    ]);
    const asked = await chat(person, { message: `Delete ${script.mark}` });
    const read = async () => (await person.send(`/api/conversations/${asked.conversation_id}`)).json();
    const waiting = {
      type: "tool-delete_task",
      state: "approval-requested",
      approval: { id: asked.approval_required?.[0]?.id },
    };
    expect(await read()).toMatchObject({
      id: asked.conversation_id,
      messages: [
        { role: "user", parts: [{ type: "text" }] },
        {
          id: asked.message_id,
          role: "assistant",
          metadata: { usage: { rounds: 2 } },
          parts: [
            { type: "step-start" },
            { type: "reasoning", text: "Hm." },
            { type: "tool-list_tasks", state: "output-available", output: { tasks: [{ title: "Eggs" }] } },
            { type: "tool-nothing", state: "output-error" },
            { type: "step-start" },
            waiting,
            { type: "data-approval" },
          ],
        },
      ],
    });
    // After another message the question cannot be answered any more.
    const next = await Script.write([{ output: [{ type: "text", text: "one two three" }], cutAfter: 5 }]);
    await chat(person, { message: `Never mind ${next.mark}`, conversation_id: asked.conversation_id });
    const { messages } = JSON.parse(JSON.stringify(await read()));
    expect(messages[1].parts[5]).toMatchObject({ state: "output-denied" });
    expect(messages[3].parts.at(-1)).toMatchObject({
      type: "text",
      text: "The model's answer broke off in the middle.",
    });
  });

  test("renames one", async () => {
    const person = await Person.signUp();
    const id = await talk(person, "Hi");
    const response = await person.send(`/api/conversations/${id}`, { method: "PATCH", body: { title: " Groceries " } });
    expect(await response.json()).toMatchObject({ id, title: "Groceries" });
    const bad = await person.send(`/api/conversations/${id}`, { method: "PATCH", body: { title: "" } });
    expect(bad.status).toBe(400);
    expect((await problemOf(bad)).errors?.[0]?.field).toBe("title");
  });

  test("deletes one with all that was said, and its tasks stay", async () => {
    const person = await Person.signUp();
    await makeTasks(person, "Milk");
    const id = await talk(person, "Hi");
    expect((await person.send(`/api/conversations/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await person.send(`/api/conversations/${id}`)).status).toBe(404);
    expect((await person.send(`/api/conversations/${id}`, { method: "DELETE" })).status).toBe(404);
    expect(await ownerQuery("select id from messages where user_id = $1", [person.id])).toEqual([]);
    expect(await titlesOf(person)).toEqual(["Milk"]);
  });

  test("deleting one while the agent answers stops it, and its tokens count", async () => {
    const person = await Person.signUp();
    const script = await Script.write([{ output: [{ type: "text", text: "one two three" }], holdAfter: 5 }]);
    const answering = person.send("/api/chat", {
      method: "POST",
      body: { id: "c", messages: [{ id: "1", role: "user", parts: [{ type: "text", text: `Hi ${script.mark}` }] }] },
    });
    await (await answering).body?.cancel();
    expect((await person.send("/api/conversations/c", { method: "DELETE" })).status).toBe(204);
    await expect
      .poll(async () => ownerQuery("select tokens > 0 as counted from token_usage where user_id = $1", [person.id]))
      .toEqual([{ counted: true }]);
    expect(await ownerQuery("select id from conversations where user_id = $1", [person.id])).toEqual([]);
  });

  test("deleting one refuses what waits in it, which would begin it anew", async () => {
    const person = await Person.signUp();
    const held = await Script.write([{ output: [{ type: "text", text: "one two three" }], holdAfter: 5 }]);
    const post = (text: string) =>
      person.send("/api/chat", {
        method: "POST",
        body: { id: "c", messages: [{ id: text, role: "user", parts: [{ type: "text", text }] }] },
      });
    await (await post(`One ${held.mark}`)).body?.cancel();
    const waiting = ["two", "three"].map(post);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await person.send("/api/conversations/c", { method: "DELETE" })).status).toBe(204);
    for (const refused of await Promise.all(waiting)) {
      expect(refused.status).toBe(404);
      expect((await problemOf(refused)).detail).toContain("deleted");
    }
    expect(await ownerQuery("select id from conversations where user_id = $1", [person.id])).toEqual([]);
    expect(await ownerQuery("select id from messages where user_id = $1", [person.id])).toEqual([]);
    // The same id may be used again.
    const script = await Script.write([says("Hello.")]);
    expect(await (await post(`Again ${script.mark}`)).text()).toContain("Hello.");
  });

  test("another's is not found, by any method", async () => {
    const [person, other] = await Promise.all([Person.signUp(), Person.signUp()]);
    const id = await talk(person, "Hi");
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const response = await other.send(`/api/conversations/${id}`, {
        method,
        ...(method === "PATCH" && { body: { title: "x" } }),
      });
      expect(response.status).toBe(404);
      expect((await problemOf(response)).detail).toBe("Conversation not found");
    }
    expect(await (await other.send("/api/conversations")).json()).toEqual({ conversations: [] });
    expect(await (await person.send("/api/conversations")).json()).toMatchObject({ conversations: [{ id }] });
  });

  test("nothing of chat answers without a token", async () => {
    for (const [method, path] of [
      ["POST", "/chat"],
      ["POST", "/api/chat"],
      ["GET", "/api/chat/c/stream"],
      ["DELETE", "/api/chat/c/stream"],
      ["GET", "/api/conversations"],
      ["GET", "/api/conversations/c"],
      ["PATCH", "/api/conversations/c"],
      ["DELETE", "/api/conversations/c"],
    ] as const) {
      const response = await send(path, { method, ...(method !== "GET" && { body: {} }) });
      expect(response.status, `${method} ${path}`).toBe(401);
    }
  });
});
