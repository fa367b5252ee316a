import { describe, expect, test } from "vitest";
import {
  added,
  answered,
  events,
  failed,
  NOTHING,
  type Oddity,
  testOddities,
  UNREADABLE,
} from "../support/odd-answers.ts";
import {
  begun,
  completed,
  create,
  delta,
  done,
  type Event,
  hello,
  message,
  milk,
  pieces,
  text,
  titled,
} from "../support/response-events.ts";
import { says } from "../support/scripted-model.ts";
import { turnOver } from "../support/turn-over.ts";

const eggs = { ...create, id: "fc_2", call_id: "call_2" };
const wholeText: Event = { type: "response.output_text.done", item_id: "msg_1", text: "Hello." };
const piecesOfMilk = pieces(milk, { item_id: "another id", output_index: 0 });

const oddities: readonly Oddity[] = [
  // What it says
  ["its words only at the very end", [events(completed({ output: [message(text("Hello."))] }))], answered()],
  [
    "a call only at the very end",
    [events(completed({ output: [{ ...create, arguments: milk }] })), says("Added.")],
    added,
  ],
  ["its words only when their message ends", [events(done(message(text("Hello."))), completed())], answered()],
  [
    "its words only as a whole text",
    [events(wholeText, completed())],
    {
      ...answered(),
    },
  ],
  [
    "its words in pieces, and again at each end",
    [events(hello, wholeText, done(message(text("Hello."))), completed({ output: [message(text("Hello."))] }))],
    answered(),
  ],
  [
    "a refusal",
    [events(done(message({ type: "refusal", refusal: "I will not." })), completed())],
    {
      response: "I will not.",
      asked: 1,
    },
  ],
  ["a message with nothing in it", [events(done(message()), completed())], failed(NOTHING)],
  ["nothing", [{ output: [] }], failed(NOTHING)],
  ["white space only", [events(delta("\n \t"), completed())], failed(NOTHING)],
  ["white space, and no end", [events(delta(" "), delta("\u00a0\n")), says("Hello.")], answered(2)],
  [
    "white space before its words",
    [events(delta("\n"), delta(" "), hello, completed())],
    { response: "\n Hello.", asked: 1 },
  ],
  ["events of types that nobody knows", [events({ type: "response.voice.delta" }, hello, completed())], answered()],
  // Calls
  [
    "arguments only in pieces",
    [events(begun({ ...create, arguments: "" }), ...piecesOfMilk, done(create), completed()), says("Added.")],
    added,
  ],
  [
    "a call that ends in another place than it began in",
    [
      events(
        begun(create),
        { ...done({ ...create, arguments: milk }), output_index: 1 },
        completed({ output: [{ ...create, arguments: milk }] }),
      ),
      says("Added."),
    ],
    added,
  ],
  [
    "arguments only in pieces, of a call that never ends",
    [events(begun({ ...create, arguments: "" }), ...piecesOfMilk, completed()), says("Added.")],
    added,
  ],
  [
    "a call that never ends, and its arguments only at the very end",
    [events(begun(create), completed({ output: [{ ...create, arguments: milk }] })), says("Added.")],
    added,
  ],
  [
    "a call, and the same call under another id at the very end",
    [
      events(
        done({ ...create, arguments: milk }),
        completed({ output: [{ ...create, call_id: "2", arguments: milk }] }),
      ),
      says("Added."),
    ],
    added,
  ],
  [
    "a call that ends twice",
    [events(done({ ...create, arguments: milk }), done({ ...create, arguments: milk }), completed()), says("Added.")],
    added,
  ],
  [
    "two calls at once, in places without a number",
    [
      events(
        begun(create, {}),
        begun(eggs, {}),
        ...pieces(milk, { item_id: "fc_1" }),
        ...pieces(titled("Eggs"), { item_id: "fc_2" }),
        done(create, {}),
        done(eggs, {}),
        completed(),
      ),
      says("Added."),
    ],
    { ...added, titles: ["Milk", "Eggs"] },
  ],
  ["a call of which nobody says the arguments", [events(begun(create), completed())], failed(UNREADABLE)],
  ["a call without arguments", [events(done(create), completed())], failed(UNREADABLE)],
  [
    "a call without an id",
    [events(done({ ...create, call_id: null, arguments: "{}" }), completed())],
    failed(UNREADABLE),
  ],
  [
    "a call without a name",
    [events(done({ ...create, name: null, arguments: "{}" }), completed())],
    failed(UNREADABLE),
  ],
  ["an item that is none, behind words", [events(hello, done(null), completed())], failed(`Hello.\n\n${UNREADABLE}`)],
  ["a piece of text without text", [events(delta(undefined), completed())], failed(UNREADABLE)],
  ["an event that is no JSON", [{ pieces: ['data: {"type": \n\n'] }], failed(UNREADABLE)],
];

describe.concurrent("a server of the Responses API that answers with", () => {
  testOddities(oddities);

  test.each([
    ["none", undefined],
    ["null", null],
    ["empty", {}],
    ["of fractions", { input_tokens: 1.5, output_tokens: 2 }],
    ["negative", { input_tokens: -1, output_tokens: 2 }],
    ["more than a column holds", { input_tokens: 3e9, output_tokens: 2 }],
    ["of text", { input_tokens: "12", output_tokens: 2 }],
  ])("usage that is %s, which is estimated", async (_, usage) => {
    const { answer, stored } = await turnOver([events(hello, completed({ usage }))]);
    expect(answer).toMatchObject({ response: "Hello.", usage: { output_tokens: 2 } });
    expect(answer.error).toBeUndefined();
    expect(answer.usage.input_tokens).toBeGreaterThan(500);
    expect(stored).toMatchObject({ outcome: "completed" });
  });
});
