import { expect } from "vitest";
import * as z from "zod";
import { nextOutput } from "../../local/demo-model/answer.ts";
import { type InputItem, responsesRequestSchema } from "../../local/responses-api.ts";
import { writeInstructions } from "../../src/chat/agent/instructions.ts";
import { showMoment } from "../../src/moment.ts";

/** When and where something is said, and by whom. */
export interface Scene {
  readonly now?: string;
  readonly timeZone?: string;
  readonly name?: string;
}

/** What was said, and what the tools that were called for it have answered; behind it what the demo model said. */
export type Exchange = readonly [said: string, outputs?: readonly string[], answered?: string];

const argumentsSchema = z.record(z.string(), z.unknown());
type Arguments = z.output<typeof argumentsSchema>;

/** What the demo model does next, in a conversation of which the last exchange is not ended. */
export function next(
  exchanges: readonly Exchange[],
  scene: Scene = {},
): { words: string; calls: ({ name: string } & Arguments)[] } {
  const { now = "2026-11-25T16:00:00+01:00", timeZone = "Europe/Berlin", name = "Ada" } = scene;
  const input: InputItem[] = [];
  for (const [said, outputs = [], answered] of exchanges) {
    const sentOn = `Sent on Someday, ${showMoment(new Date(now), timeZone)}`;
    input.push({ role: "user", content: [{ text: sentOn }, { text: said }] });
    let called = 0;
    while (called < outputs.length) {
      const calls = ask(input).filter((item) => item.type === "call");
      expect(calls.length, `“${said}” has no use for more outputs`).toBeGreaterThan(0);
      for (const call of calls) {
        const call_id = `${input.length}`;
        input.push({ type: "function_call", call_id, name: call.name, arguments: call.arguments });
        input.push({ type: "function_call_output", call_id, output: outputs[called++] ?? "" });
      }
    }
    if (answered !== undefined) input.push({ role: "assistant", content: answered });
  }
  function ask(items: readonly InputItem[]) {
    const instructions = writeInstructions({ name, timeZone, language: undefined });
    const request = { model: "demo", instructions, input: items, tools: [], stream: true };
    return nextOutput(responsesRequestSchema.parse(request));
  }
  const answer = ask(input);
  return {
    words: answer.flatMap((item) => (item.type === "text" ? [item.text] : [])).join("\n"),
    calls: answer.flatMap((item) =>
      item.type === "call" ? [{ name: item.name, ...argumentsSchema.parse(JSON.parse(item.arguments)) }] : [],
    ),
  };
}

/** What the demo model does next, in a conversation in the form of the Responses API. */
export function answerTo(input: readonly InputItem[]) {
  const instructions = writeInstructions({ name: "Ada", timeZone: "UTC", language: undefined });
  return nextOutput(responsesRequestSchema.parse({ model: "demo", instructions, input, tools: [], stream: true }));
}

/** What a sentence asks a tool for. */
export function inputOf(sentence: string, scene?: Scene) {
  const { calls, words } = next([[sentence]], scene);
  expect(calls, words).toHaveLength(1);
  return calls[0];
}
