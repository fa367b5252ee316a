import { describe, expect, test } from "vitest";
import { chat, makeTasks } from "../support/chatting.ts";
import { eventsOf } from "../support/event-streams.ts";
import { Person, problemOf } from "../support/person.ts";
import { Script, says } from "../support/scripted-model.ts";

describe("POST /chat with Accept: text/event-stream", () => {
  test("tells what happens as it happens, and last the answer that JSON clients get", async () => {
    const person = await Person.signUp();
    const script = await Script.write([
      {
        output: [
          { type: "reasoning", text: "Milk it is." },
          { type: "call", name: "create_task", arguments: '{"title":"Milk"}' },
        ],
      },
      says("Added milk."),
    ]);
    const response = await person.send("/chat", {
      method: "POST",
      body: { message: `Add milk ${script.mark}` },
      headers: { Accept: "text/event-stream" },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/event-stream");
    const events: { event: string | undefined; data: unknown }[] = [];
    for await (const { event, data } of eventsOf(response)) events.push({ event, data: JSON.parse(data) });
    expect(events.map(({ event }) => event)).toEqual([
      "start",
      "round",
      "reasoning",
      "reasoning",
      "reasoning",
      "tool_input",
      "tool_output",
      "round",
      "text",
      "text",
      "usage",
      "finish",
      "answer",
    ]);
    expect(JSON.stringify(events)).not.toContain("sealed:");
    const { data: answer } = events.at(-1) ?? {};
    expect(answer).toMatchObject({ response: "Added milk.", tool_calls: [{ tool: "create_task", status: "done" }] });
  });

  test("shows nobody what only the model can read, also where a message goes on", async () => {
    const person = await Person.signUp();
    const [id] = await makeTasks(person, "Eggs");
    const call = { type: "call" as const, name: "delete_task", arguments: JSON.stringify({ task_id: id }) };
    const script = await Script.write([{ output: [{ type: "reasoning", text: "Hm." }, call] }, says("Deleted.")]);
    const asked = await chat(person, { message: `Delete ${script.mark}` });
    const response = await person.send("/chat", {
      method: "POST",
      body: {
        conversation_id: asked.conversation_id,
        approval: { id: asked.approval_required?.[0]?.id, approved: true },
      },
      headers: { Accept: "text/event-stream" },
    });
    const events = await response.text();
    expect(events).toMatch(/^event: start\ndata: .*"tool_input"/);
    expect(events).not.toContain("sealed");
  });

  test("a refusal is a problem document all the same", async () => {
    const person = await Person.signUp();
    const response = await person.send("/chat", {
      method: "POST",
      body: { message: "Hi", conversation_id: "none" },
      headers: { Accept: "text/event-stream" },
    });
    expect(response.status).toBe(404);
    await problemOf(response);
  });

  test.each([
    ["TEXT/Event-Stream, application/json;q=0.5", "text/event-stream"],
    ["application/json, text/event-stream;q=0", "application/json"],
    ["*/*", "application/json"],
  ])("a client that accepts %s is answered by %s", async (accept, type) => {
    const person = await Person.signUp();
    const { mark } = await Script.write([says("Hello.")]);
    const response = await person.send("/chat", {
      method: "POST",
      body: { message: mark },
      headers: { Accept: accept },
    });
    await response.text();
    expect(response.headers.get("Content-Type")).toBe(type);
  });
});
