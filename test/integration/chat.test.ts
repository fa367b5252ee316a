import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { describeCatalog } from "../../src/tools/catalog.ts";
import { chat, makeTasks, titlesOf } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

describe("a turn", () => {
  test("shows the model the six tools with their schemas, whom it works for, when, and in which language", async () => {
    const person = await Person.signUp({ name: "Ada", time_zone: "Asia/Kathmandu" });
    const script = await Script.write([says("Hello, Ada.")]);
    const answer = await chat(person, { message: `Hi ${script.mark}` }, { "Accept-Language": "de-AT, en;q=0.5" });
    expect(answer).toMatchObject({ response: "Hello, Ada.", tool_calls: [], usage: { rounds: 1 } });

    const [request] = (await script.record()).requests;
    expect(request?.tools).toEqual(
      describeCatalog().map(({ name, description, inputSchema }) => ({
        type: "function",
        name,
        description,
        parameters: inputSchema,
        strict: false,
      })),
    );
    expect(request?.tools).toHaveLength(6);
    expect(request).toMatchObject({ store: false, stream: true, parallel_tool_calls: true });
    expect(request?.instructions).toContain('"Ada"');
    expect(request?.instructions).toContain("Austrian German");
    const now = new Date(Date.now() + (5 * 60 + 45) * 60_000).toISOString().slice(0, 13);
    expect(request?.instructions).toContain("Asia/Kathmandu");
    expect(request?.input).toEqual([
      {
        role: "user",
        content: [
          { type: "input_text", text: expect.stringMatching(new RegExp(`^Sent on \\w+, ${now}:\\d\\d:00\\+05:45$`)) },
          { type: "input_text", text: `Hi ${script.mark}` },
        ],
      },
    ]);
  });

  test("runs parallel calls in their order and gives every output back", async () => {
    const person = await Person.signUp();
    const script = await Script.write([
      calls(["create_task", { title: "Milk" }], ["create_task", { title: "Eggs" }], ["list_tasks", {}]),
      says("Added both."),
    ]);
    const answer = await chat(person, { message: `Add milk and eggs ${script.mark}` });
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    expect(answer.tool_calls.map(({ tool, status, input }) => [tool, status, input])).toEqual([
      ["create_task", "done", { title: "Milk" }],
      ["create_task", "done", { title: "Eggs" }],
      ["list_tasks", "done", {}],
    ]);
    const [, second] = (await script.record()).requests;
    const items = second?.input.slice(1) ?? [];
    expect(items.map((item) => ("type" in item ? item.type : item.role))).toEqual([
      ...Array.from({ length: 3 }, () => "function_call"),
      ...Array.from({ length: 3 }, () => "function_call_output"),
    ]);
    const outputs = items.flatMap((item) => ("output" in item ? [item] : []));
    expect(outputs.map(({ output }) => output.replaceAll(/#\d+/g, "#n"))).toEqual([
      'Created #n "Milk" · pending · version 1 · change 1',
      'Created #n "Eggs" · pending · version 1 · change 2',
      expect.stringMatching(
        /^#n "Milk" · pending · version 1\n#n "Eggs" · pending · version 1\nIt is \w+, \S+ in UTC\. Change 2\.$/,
      ),
    ]);
    const callIds = items.flatMap((item) => ("name" in item ? [item.call_id] : []));
    expect(outputs.map((output) => output.call_id)).toEqual(callIds);
  });

  test("takes several rounds, acting on ids that earlier outputs gave", async () => {
    const person = await Person.signUp();
    await makeTasks(person, "Milk", "Bread");
    const script = await Script.write([
      calls(["list_tasks", { search: "bread" }]),
      calls(["complete_task", { task_id: "{{1}}" }]),
      calls(["update_task", { task_id: "{{1}}", title: "Rye bread" }]),
      says("Done."),
    ]);
    const answer = await chat(person, { message: `Bread is bought ${script.mark}` });
    expect(answer.usage.rounds).toBe(4);
    expect(await ownerQuery("select title, status from tasks where user_id = $1 order by id", [person.id])).toEqual([
      { title: "Milk", status: "pending" },
      { title: "Rye bread", status: "completed" },
    ]);
  });

  test("makes one database request to load, one for each call, and one to store", async () => {
    const person = await Person.signUp();
    const script = await Script.write([calls(["create_task", { title: "Milk" }]), says("Added.")]);
    const fetched = vi.spyOn(globalThis, "fetch");
    const before = fetched.mock.calls.length;
    await chat(person, { message: `Add milk ${script.mark}` });
    const sql = fetched.mock.calls.slice(before).filter(([url]) => String(url).endsWith("/sql"));
    fetched.mockRestore();
    expect(sql).toHaveLength(3);
  });

  test("gives the model what it thought and called back in the order in which that came", async () => {
    const person = await Person.signUp();
    const think = (text: string) => ({ type: "reasoning" as const, text });
    const list = { type: "call" as const, name: "list_tasks", arguments: "{}" };
    const script = await Script.write([{ output: [think("One."), list, think("Two."), list] }, says("Done.")]);
    await chat(person, { message: `List twice ${script.mark}` });
    const items = (await script.record()).requests[1]?.input.slice(1) ?? [];
    expect(items.map((item) => ("type" in item ? item.type : item.role))).toEqual([
      ...["reasoning", "function_call", "reasoning", "function_call"],
      ...["function_call_output", "function_call_output"],
    ]);
  });

  test("gives the model its sealed reasoning back within the message, and not in the next", async () => {
    const person = await Person.signUp();
    const script = await Script.write([
      {
        output: [
          { type: "reasoning", text: "The person wants a list." },
          { type: "call", name: "list_tasks", arguments: "{}" },
        ],
      },
      says("Nothing there."),
    ]);
    const first = await chat(person, { message: `List ${script.mark}` });
    expect(first.response).toBe("Nothing there.");
    const [, second] = (await script.record()).requests;
    expect(second?.input.filter((item) => "type" in item && item.type === "reasoning")).toHaveLength(1);
    const next = await Script.write([says("Bye.")]);
    await chat(person, { message: `Bye ${next.mark}`, conversation_id: first.conversation_id });
    const [later] = (await next.record()).requests;
    expect(later?.input.map((item) => ("type" in item ? item.type : item.role))).toEqual([
      "user",
      "function_call",
      "function_call_output",
      "assistant",
      "user",
    ]);
  });
});

describe("a conversation", () => {
  test("goes on with what was said, its old tool outputs trimmed", async () => {
    const person = await Person.signUp();
    await makeTasks(person, ...Array.from({ length: 12 }, (_, index) => `${index} ${"long ".repeat(20)}title`));
    const first = await Script.write([calls(["list_tasks", {}]), says("Twelve tasks.")]);
    const { conversation_id } = await chat(person, { message: `List them ${first.mark}` });
    const second = await Script.write([says("You are welcome.")]);
    const answer = await chat(person, { message: `Thanks ${second.mark}`, conversation_id });
    expect(answer.conversation_id).toBe(conversation_id);
    const input = (await second.record()).requests[0]?.input ?? [];
    const output = input.find((item) => "output" in item);
    const trimmed = output !== undefined && "output" in output ? output.output : "";
    expect(trimmed).toMatch(/^#\d+ "0 long .* … \(trimmed; call the tool again/s);
    expect(trimmed.length).toBeLessThan(500);
    expect(input.at(-2)).toEqual({ role: "assistant", content: "Twelve tasks." });
    expect(input.at(-1)).toMatchObject({ role: "user" });
  });

  test("keeps the number of a change, by which it is undone, wherever the output is trimmed", async () => {
    const person = await Person.signUp();
    const tasks = Array.from({ length: 5 }, (_, index) => ({ title: `${index} ${"long ".repeat(20)}title` }));
    const first = await Script.write([calls(["create_task", { tasks }]), says("Added.")]);
    const { conversation_id } = await chat(person, { message: `Add them ${first.mark}` });
    const second = await Script.write([says("You are welcome.")]);
    await chat(person, { message: `Thanks ${second.mark}`, conversation_id });
    const [request] = (await second.record()).requests;
    expect(request?.input).toContainEqual(
      expect.objectContaining({
        output: expect.stringMatching(/^Created #1 "0 long .* … \(trimmed; this was change 1; list_tasks tells/s),
      }),
    );
  });

  test("is stored with its calls, tokens and rounds, and counted for the day", async () => {
    const person = await Person.signUp();
    const script = await Script.write([
      { output: [{ type: "call", name: "list_tasks", arguments: "{}" }], tokens: { input: 100, output: 10 } },
      { output: [{ type: "text", text: "None." }], tokens: { input: 120, output: 5 } },
    ]);
    const answer = await chat(person, { message: `List ${script.mark}` });
    expect(answer.usage).toEqual({ rounds: 2, input_tokens: 220, output_tokens: 15 });
    const rows = await ownerQuery(
      "select role, outcome, rounds, input_tokens, output_tokens, content from messages where user_id = $1 order by seq",
      [person.id],
    );
    expect(rows).toMatchObject([
      { role: "user", content: [{ type: "text" }] },
      { role: "assistant", outcome: "completed", rounds: 2, input_tokens: 220, output_tokens: 15 },
    ]);
    const content = z.array(z.looseObject({ type: z.string() })).parse(rows[1]?.content);
    expect(content.map(({ type }) => type)).toEqual(["round", "tool_input", "tool_output", "round", "text"]);
    expect(content[4]).toMatchObject({ text: "None." });
    expect(
      await ownerQuery(
        "select tokens::int, day = (now() at time zone 'UTC')::date as today from token_usage where user_id = $1",
        [person.id],
      ),
    ).toEqual([{ tokens: 235, today: true }]);
  });

  test("keeps what a model says that Postgres cannot: U+0000 and lone surrogates", async () => {
    const person = await Person.signUp();
    const script = await Script.write([
      calls(["create_task", { title: "a\u0000b", "\u0000": 1 }]),
      says("odd \u0000 \ud800 end"),
    ]);
    const answer = await chat(person, { message: `Odd ${script.mark}` });
    expect(answer.response).toBe("odd \uFFFD \uFFFD end");
    expect(answer.tool_calls).toMatchObject([{ status: "failed" }]);
    expect(
      await ownerQuery("select outcome from messages where user_id = $1 and role = 'assistant'", [person.id]),
    ).toEqual([{ outcome: "completed" }]);
  });
});

describe("what bad input to POST /chat gets", () => {
  test.each([
    ["no message", {}, "message", "is required"],
    ["an empty message", { message: "" }, "message", "must be 1 to 10000 characters long"],
    ["a blank message", { message: " \n " }, "message", "must say something"],
    ["a long message", { message: "x".repeat(10_001) }, "message", "must be 1 to 10000 characters long"],
    ["U+0000", { message: "a\0b" }, "message", "must not contain the character U+0000"],
    ["a number", { message: 3 }, "message", "must be a string"],
    ["an unknown field", { message: "x", mesage: "y" }, "mesage", "is not a known field"],
    ["an odd conversation", { message: "x", conversation_id: "../x" }, "conversation_id", "must be 1 to 100 letters"],
    ["an approval alone", { approval: { id: crypto.randomUUID(), approved: true } }, "conversation_id", "is required"],
    ["half an approval", { conversation_id: "x", approval: { id: "x" } }, "approval", 'must be {"id", "approved"'],
    [
      "a yes and a no to one question",
      {
        conversation_id: "x",
        approval: [
          { id: "6f1cdd09-1e7e-4c7f-a9d6-2b8d1c8f2c11", approved: true },
          { id: "6F1CDD09-1E7E-4C7F-A9D6-2B8D1C8F2C11", approved: false },
        ],
      },
      "approval",
      "must not answer one question with yes and no",
    ],
    [
      "an approval and a message",
      { conversation_id: "x", message: "y", approval: { id: crypto.randomUUID(), approved: true } },
      "approval",
      "cannot stand beside message",
    ],
  ])("%s", async (_, body, field, message) => {
    const person = await Person.signUp();
    const response = await person.send("/chat", { method: "POST", body });
    expect(response.status).toBe(400);
    const { errors } = await problemOf(response);
    expect(errors?.[0]).toMatchObject({ field, message: expect.stringContaining(message) });
    expect(await ownerQuery("select id from conversations where user_id = $1", [person.id])).toEqual([]);
  });

  test("another's user_id is forbidden, one's own is not", async () => {
    const person = await Person.signUp();
    const response = await person.send("/chat", { method: "POST", body: { user_id: person.id + 1, message: "Hi" } });
    expect(response.status).toBe(403);
    const script = await Script.write([says("Hi.")]);
    expect((await chat(person, { user_id: person.id, message: `Hi ${script.mark}` })).response).toBe("Hi.");
  });

  test("a conversation that is not there, or another's, is not found", async () => {
    const [one, other] = await Promise.all([Person.signUp(), Person.signUp()]);
    const script = await Script.write([says("Hi.")]);
    const { conversation_id } = await chat(one, { message: `Hi ${script.mark}` });
    for (const id of [conversation_id, "no-such"]) {
      const response = await other.send("/chat", { method: "POST", body: { message: "Hi", conversation_id: id } });
      expect(response.status).toBe(404);
      expect((await problemOf(response)).detail).toBe("Conversation not found");
    }
    expect(await ownerQuery("select id from messages where user_id = $1", [other.id])).toEqual([]);
  });
});
