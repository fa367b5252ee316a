import { describe, expect, test } from "vitest";
import { type Answer, chat, questionOf, titlesOf } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person, problemOf } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";
import type { ScriptStep } from "../support/scripted-responses.ts";
import { turnOver } from "../support/turn-over.ts";

const tooBusy: ScriptStep = {
  status: 429,
  headers: { "retry-after-ms": "10" },
  body: { error: { message: "slow down sk-secret" } },
};
const broken: ScriptStep = { status: 500, headers: { "retry-after-ms": "10" }, body: { error: { message: "oh no" } } };

describe("a failure of the model ends in a clear message, and the conversation goes on", () => {
  test("no answer within AGENT_TIMEOUT, with what was done before", async () => {
    const { answer, person, stored, record } = await turnOver([
      calls(["create_task", { title: "Milk" }], ["create_task", { title: "Eggs" }]),
      { hang: true },
    ]);
    expect(answer.error?.kind).toBe("unavailable");
    expect(answer.response).toMatch(
      /^The model said nothing for 6 seconds\. Done before that: Created #\d+ "Milk" · pending · version 1 · change 1; Created #\d+ "Eggs" · pending · version 1 · change 2\.$/,
    );
    expect(answer.tool_calls).toMatchObject([{ status: "done" }, { status: "done" }]);
    expect(await titlesOf(person)).toEqual(["Milk", "Eggs"]);
    expect(stored).toMatchObject({ outcome: "failed" });
    expect(record.aborted).toBe(1);
  });

  test("429 and 500 that pass are tried again", async () => {
    const { answer, record } = await turnOver([tooBusy, broken, says("At last.")]);
    expect(answer).toMatchObject({ response: "At last." });
    expect(answer.error).toBeUndefined();
    expect(record.requests).toHaveLength(3);
  });

  test("a connection that breaks before the answer is tried again", async () => {
    const { answer, record } = await turnOver([{ breaks: true }, says("At last.")]);
    expect(answer).toMatchObject({ response: "At last." });
    expect(record.requests).toHaveLength(2);
  });

  test("the server says whether and when to try again", async () => {
    const fails = (status: number, headers: Record<string, string>) => ({ status, headers, body: {} });
    const never = await turnOver([fails(500, { "x-should-retry": "false" }), says("never")]);
    expect(never.answer.response).toBe("The model failed to answer; try again in a moment.");
    expect(never.record.requests).toHaveLength(1);

    const anyhow = await turnOver([fails(400, { "x-should-retry": "true", "retry-after": "0" }), says("At last.")]);
    expect(anyhow.answer).toMatchObject({ response: "At last." });

    const begun = performance.now();
    const late = await turnOver([fails(503, { "retry-after": "2" }), says("At last.")]);
    expect(late.answer).toMatchObject({ response: "At last." });
    expect(performance.now() - begun).toBeGreaterThan(2_000);
  });

  test("429 for good", async () => {
    const { answer, record } = await turnOver([tooBusy], { repeats: true });
    expect(answer.response).toBe("The model has too much to do; try again in a moment.");
    expect(record.requests).toHaveLength(5);
  });

  test("500 for good", async () => {
    const { answer, stored } = await turnOver([broken], { repeats: true });
    expect(answer.response).toBe("The model failed to answer; try again in a moment.");
    expect(stored).toMatchObject({ outcome: "failed", content: [{ type: "round" }, { type: "failure" }] });
  });

  test("a refused key, without the provider's words", async () => {
    const body = { error: { message: "Incorrect API key provided: sk-secret", code: "invalid_api_key" } };
    const { answer } = await turnOver([{ status: 401, body }]);
    expect(answer).toMatchObject({
      error: { kind: "misconfigured" },
      response: expect.stringContaining("OPENAI_API_KEY"),
    });
    expect(JSON.stringify(answer)).not.toContain("sk-secret");
  });

  test.each([
    [404, "model_not_found", "misconfigured", "OPENAI_MODEL"],
    [400, "context_length_exceeded", "unavailable", "too long"],
    [400, "invalid_prompt", "unavailable", "(400)"],
  ])("a refusal with %i %s names what is wrong with it", async (status, code, kind, words) => {
    const { answer } = await turnOver([{ status, body: { error: { message: "sk-secret", code } } }]);
    expect(answer).toMatchObject({ error: { kind }, response: expect.stringContaining(words) });
    expect(answer.response).not.toContain("OPENAI_API_KEY");
    expect(JSON.stringify(answer)).not.toContain("sk-secret");
  });

  test("broken JSON arguments go back as an error that the model can mend", async () => {
    const { answer, person, record } = await turnOver([
      { output: [{ type: "call", name: "create_task", arguments: '{"title": "Mil' }] },
      calls(["create_task", { title: "Milk" }]),
      says("Added."),
    ]);
    expect(answer.tool_calls.map(({ status }) => status)).toEqual(["failed", "done"]);
    expect(record.requests[1]?.input.at(-1)).toMatchObject({ output: "Error: The arguments must be valid JSON." });
    expect(await titlesOf(person)).toEqual(["Milk"]);
  });

  test("arguments that are no object, or do not fit", async () => {
    const { record } = await turnOver([
      calls(["create_task", [1]], ["create_task", { name: "Milk" }], ["complete_task", { task_id: "one" }]),
      says("Sorry."),
    ]);
    const outputs = record.requests[1]?.input.flatMap((item) => ("output" in item ? [item.output] : []));
    expect(outputs).toEqual([
      "Error: The input must be a JSON object",
      expect.stringContaining("title is required"),
      "Error: task_id must be a number",
    ]);
  });

  test("an unknown tool", async () => {
    const { answer, record } = await turnOver([calls(["drop_table", { name: "tasks" }]), says("I cannot.")]);
    expect(answer.tool_calls).toMatchObject([{ tool: "drop_table", status: "failed" }]);
    expect(record.requests[1]?.input.at(-1)).toMatchObject({
      output: expect.stringContaining("the tools are create_task"),
    });
  });

  test.each(["drop table; täsks", "", "x".repeat(100)])(
    "an unknown tool “%s” comes back as the API takes names",
    async (name) => {
      const { record } = await turnOver([calls([name, {}]), says("I cannot.")]);
      const names = record.requests[1]?.input.flatMap((item) => ("name" in item ? [item.name] : []));
      expect(names).toEqual([expect.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)]);
    },
  );

  test("endless calls stop after ten rounds", async () => {
    const { answer, record } = await turnOver([calls(["list_tasks", {}])], { repeats: true });
    expect(answer.response).toContain("stopped after 10 rounds");
    expect(record.requests).toHaveLength(10);
    expect(record.requests.map((request) => request.tool_choice)).toEqual([...Array(9).fill(undefined), "none"]);
    expect(answer.tool_calls).toHaveLength(9);
  });

  test("rounds count across approvals too", async () => {
    const person = await Person.signUp();
    const script = await Script.write([calls(["create_task", { title: "x" }], ["delete_task", { task_id: "{{1}}" }])], {
      repeats: true,
    });
    await person.run("create_task", { title: "old" });
    // The first round has no id yet, so its deletion fails; the next ones ask.
    let answer: Answer = await chat(person, { message: `Loop ${script.mark}` });
    let turns = 1;
    while (answer.approval_required !== undefined && turns < 30) {
      const approval = answer.approval_required.map(({ id }) => ({ id, approved: false }));
      answer = await chat(person, { conversation_id: answer.conversation_id, approval });
      turns += 1;
    }
    expect(answer.response).toContain("stopped after 10 rounds");
    expect((await script.record()).requests).toHaveLength(10);
  });
});

describe("the daily token budget", () => {
  const expensive: ScriptStep = { output: [{ type: "text", text: "Dear." }], tokens: { input: 99_000, output: 1_000 } };

  test("answers 429 with when it resets, changes nothing, and lets no approval through", async () => {
    const person = await Person.signUp();
    const { id } = await person.runForTask("create_task", { title: "Eggs" });
    const asking = await Script.write([
      {
        output: [{ type: "call", name: "delete_task", arguments: JSON.stringify({ task_id: id }) }],
        tokens: { input: 1, output: 1 },
      },
    ]);
    const asked = await chat(person, { message: `Delete ${asking.mark}` });
    const script = await Script.write([expensive]);
    const { conversation_id } = await chat(person, { message: `Think ${script.mark}` });

    const before = await ownerQuery("select id from messages where user_id = $1 order by id", [person.id]);
    for (const body of [
      { message: "More", conversation_id },
      { message: "More" },
      { conversation_id: asked.conversation_id, approval: { id: questionOf(asked).id, approved: true } },
    ]) {
      const response = await person.send("/chat", { method: "POST", body });
      expect(response.status).toBe(429);
      const midnight = new Date().setUTCHours(24, 0, 0, 0);
      expect((await problemOf(response)).detail).toContain(new Date(midnight).toISOString());
      const wait = Number(response.headers.get("Retry-After"));
      expect(Math.abs(wait - (midnight - Date.now()) / 1000)).toBeLessThan(PATIENCE / 1000);
    }
    expect(await ownerQuery("select id from messages where user_id = $1 order by id", [person.id])).toEqual(before);
    expect(await titlesOf(person)).toEqual(["Eggs"]);

    // Deleting conversations gives no tokens back; the next day does.
    await person.send(`/api/conversations/${conversation_id}`, { method: "DELETE" });
    expect((await person.send("/chat", { method: "POST", body: { message: "More" } })).status).toBe(429);
    await ownerQuery("update token_usage set day = day - 1 where user_id = $1", [person.id]);
    const next = await Script.write([says("Good morning.")]);
    expect((await chat(person, { message: `Hi ${next.mark}` })).response).toBe("Good morning.");
  });

  test("is not needed to say no; the model does not hear of it then", async () => {
    const person = await Person.signUp();
    const { id } = await person.runForTask("create_task", { title: "Eggs" });
    const script = await Script.write([calls(["delete_task", { task_id: id }]), says("never")]);
    const { conversation_id, ...asked } = await chat(person, { message: `Delete ${script.mark}` });
    await ownerQuery("update token_usage set tokens = 100000 where user_id = $1", [person.id]);
    const approval = { id: questionOf({ conversation_id, ...asked }).id, approved: false };
    const answer = await chat(person, { conversation_id, approval });
    expect(answer).toMatchObject({ tool_calls: [{ status: "refused" }], error: { kind: "rate_limited" } });
    expect(answer.response).toContain("used up");
    expect((await script.record()).requests).toHaveLength(1);
    expect((await person.send("/chat", { method: "POST", body: { conversation_id, approval } })).status).toBe(409);
  });

  test("counts in every round: a turn ends where it is used up, with what it has done", async () => {
    const person = await Person.signUp();
    const milk = { type: "call", name: "create_task", arguments: '{"title":"Milk"}' } as const;
    const script = await Script.write([
      { output: [milk], tokens: { input: 60_000, output: 100 } },
      { output: [milk], tokens: { input: 60_000, output: 100 } },
      says("Never."),
    ]);
    const answer = await chat(person, { message: `Add milk, often ${script.mark}` });
    expect((await script.record()).requests).toHaveLength(2);
    expect(answer.error?.kind).toBe("rate_limited");
    expect(answer.response).toMatch(
      /^You have used up today's 100,000 tokens for chat\. .* Done before that: Created #1 "Milk".*; Created #2 "Milk"/,
    );
    expect(await titlesOf(person)).toEqual(["Milk", "Milk"]);
    const [row] = await ownerQuery("select tokens::int from token_usage where user_id = $1", [person.id]);
    expect(row?.tokens).toBe(120_200);
  });

  test("counts an answer that broke off, of which nobody says what it cost", async () => {
    const person = await Person.signUp();
    const script = await Script.write([{ output: [{ type: "text", text: "one two three" }], cutAfter: 5 }]);
    const { usage } = await chat(person, { message: `Hi ${script.mark}` });
    expect(usage.input_tokens).toBeGreaterThan(500);
    const [row] = await ownerQuery("select tokens::int from token_usage where user_id = $1", [person.id]);
    expect(row?.tokens).toBe(usage.input_tokens + usage.output_tokens);
  });
});

test("chat is limited to 30 a minute, apart from the tools", async () => {
  const person = await Person.signUp();
  let sent = 0;
  while ((await person.send("/chat", { method: "POST", body: {} })).status === 400) sent += 1;
  // The minute may have turned in between.
  expect(sent).toBeGreaterThanOrEqual(30);
  expect(sent).toBeLessThanOrEqual(60);
  const ui = await person.send("/api/chat", { method: "POST", body: {} });
  expect(ui.status).toBe(429);
  expect(ui.headers.get("Retry-After")).toBe("60");
  expect((await person.call("list_tasks", {})).status).toBe(200);
});
