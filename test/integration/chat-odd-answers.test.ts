import { describe, expect, test } from "vitest";
import { turnOver } from "../support/turn-over.ts";

describe("an answer that is not what the Responses API says", () => {
  const completed = (usage?: unknown) => ({ type: "response.completed", response: { usage } });
  const message = (content: unknown) => ({
    type: "response.output_item.done",
    output_index: 0,
    item: { id: "msg_1", type: "message", content },
  });
  const said = message([{ type: "output_text", text: "Hello." }]);
  const delta = { type: "response.output_text.delta", item_id: "msg_1", delta: "Hello." };

  test.each([
    ["none", undefined],
    ["null", null],
    ["empty", {}],
    ["of fractions", { input_tokens: 1.5, output_tokens: 2 }],
    ["negative", { input_tokens: -1, output_tokens: 2 }],
    ["more than a column holds", { input_tokens: 3e9, output_tokens: 2 }],
    ["of text", { input_tokens: "12", output_tokens: 2 }],
  ])("usage that is %s is estimated", async (_, usage) => {
    const { answer, stored } = await turnOver([{ events: [delta, completed(usage)] }]);
    expect(answer).toMatchObject({ response: "Hello.", usage: { output_tokens: 2 } });
    expect(answer.error).toBeUndefined();
    expect(answer.usage.input_tokens).toBeGreaterThan(500);
    expect(stored).toMatchObject({ outcome: "completed" });
  });

  test.each([
    ["a call without an id", { type: "function_call", call_id: null, name: "list_tasks", arguments: "{}" }],
    ["a call without a name", { type: "function_call", call_id: "1", name: null, arguments: "{}" }],
    ["a call without arguments", { type: "function_call", call_id: "1", name: "list_tasks" }],
    ["an item that is none", null],
  ])("%s fails the turn", async (_, item) => {
    const { answer, stored } = await turnOver([
      { events: [delta, { type: "response.output_item.done", output_index: 1, item }, completed()] },
    ]);
    expect(answer.response).toBe("Hello.\n\nThe model's answer cannot be read; try again in a moment.");
    expect(answer.error?.kind).toBe("unavailable");
    expect(stored).toMatchObject({ outcome: "failed" });
  });

  test("a piece of text without text fails the turn", async () => {
    const { answer } = await turnOver([{ events: [{ ...delta, delta: undefined }, completed()] }]);
    expect(answer.response).toBe("The model's answer cannot be read; try again in a moment.");
  });

  test("text that comes in one piece at its end is taken, and only once where it came in pieces", async () => {
    const { answer, stored } = await turnOver([{ events: [said, completed()] }]);
    expect(answer.response).toBe("Hello.");
    expect(stored).toMatchObject({ outcome: "completed" });
    expect((await turnOver([{ events: [delta, said, completed()] }])).answer.response).toBe("Hello.");
    const refusal = message([{ type: "refusal", refusal: "I will not." }]);
    expect((await turnOver([{ events: [refusal, completed()] }])).answer.response).toBe("I will not.");
    expect((await turnOver([{ events: [message([]), completed()] }])).answer.error?.kind).toBe("unavailable");
  });

  test("an answer that the server itself says has failed", async () => {
    const failed = (error: object) => ({ events: [{ type: "response.failed", response: { error } }] });
    const { answer } = await turnOver([failed({ code: "server_error", message: "sk-secret" })]);
    expect(answer.response).toBe("The model failed to answer; try again in a moment.");
    const { answer: long } = await turnOver([failed({ code: "context_length_exceeded", message: "sk-secret" })]);
    expect(long.response).toContain("too long");
  });
});
