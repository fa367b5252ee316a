import { describe, expect, test } from "vitest";
import { titlesOf } from "../support/chatting.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";
import type { ScriptStep } from "../support/scripted-responses.ts";
import { turnOver } from "../support/turn-over.ts";

/** What the person and the server are left with. */
interface End {
  /** What the person reads. */
  readonly response: string | RegExp;
  /** How often the model was asked. */
  readonly asked: number;
  readonly outcome?: "failed";
  readonly kind?: "misconfigured";
  readonly titles?: readonly string[];
}

const UNREADABLE = "The model's answer cannot be read; try again in a moment.";
const BROKEN = "The model's answer broke off in the middle.";
const BROKEN_TWICE = "The model's answer broke off before its first word, twice; try again in a moment.";
const NO_QUOTA = "The model's account has no quota left; the operator must see to it.";
const NOTHING = "The model answered nothing; try again.";

const answered = (asked = 1): End => ({ response: "Hello.", asked });
const added = { response: "Added.", asked: 2, titles: ["Milk"] };
const failed = (response: string | RegExp, asked = 1): End => ({ response, asked, outcome: "failed" });
const misconfigured = (response: RegExp): End => ({ ...failed(response), kind: "misconfigured" });

const completed = (response: object = {}) => ({ type: "response.completed", response });
const message = (...content: object[]) => ({ id: "msg_1", type: "message", content });
const done = (item: unknown) => ({ type: "response.output_item.done", output_index: 0, item });
const begun = (item: object) => ({ type: "response.output_item.added", output_index: 0, item });
const text = (words: string) => ({ type: "output_text", text: words });
const delta = (words: unknown) => ({ type: "response.output_text.delta", item_id: "msg_1", delta: words });
const hello = delta("Hello.");
const wholeText = { type: "response.output_text.done", item_id: "msg_1", text: "Hello." };
const thought = { id: "rs_1", type: "reasoning", encrypted_content: "sealed" };
const create = { id: "fc_1", type: "function_call", call_id: "call_1", name: "create_task" };
const milk = '{"title": "Milk"}';
const piecesOfMilk = ['{"title": ', '"Milk"}'].map((piece) => ({
  type: "response.function_call_arguments.delta",
  item_id: "another id",
  output_index: 0,
  delta: piece,
}));
const events = (...list: { type: string }[]): ScriptStep => ({ events: list });
const cut = (...list: { type: string }[]): ScriptStep => ({ events: list, ending: "cut" });
const responseFailed = (code: string) =>
  events({ type: "response.failed", response: { error: { code, message: "sk-secret" } } } as { type: string });
const refuses = (status: number, headers: Record<string, string>, code = "rate_limit_exceeded"): ScriptStep => ({
  status,
  headers,
  body: { error: { message: "sk-secret", code } },
});
const page = (type: string, body: unknown): ScriptStep => ({ status: 200, headers: { "content-type": type }, body });
const line = (event: object) => `data: ${JSON.stringify(event)}\n\n`;

const oddities: readonly [what: string, steps: readonly ScriptStep[], end: End][] = [
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
        { ...done({ ...create, arguments: milk }), output_index: 1 } as { type: string },
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
  // Where it ends
  ["a stream cut before its first word", [cut({ type: "response.created" }), says("Hello.")], answered(2)],
  ["a stream ended before its first word", [events({ type: "response.created" }), says("Hello.")], answered(2)],
  ["a stream cut behind a thought", [cut(done(thought)), says("Hello.")], answered(2)],
  ["a stream cut before its first word, twice", [cut(), cut(), says("Too late.")], failed(BROKEN_TWICE, 2)],
  ["no event at all, twice", [events(), events(), says("Too late.")], failed(BROKEN_TWICE, 2)],
  ["a stream cut behind a word", [cut(hello), says("Never.")], failed(`Hello.\n\n${BROKEN}`)],
  ["a stream ended behind a word", [events(hello), says("Never.")], failed(`Hello.\n\n${BROKEN}`)],
  [
    "a stream cut behind a call, which does not run",
    [cut(done({ ...create, arguments: milk })), says("Never.")],
    {
      ...failed(BROKEN),
      titles: [],
    },
  ],
  ["[DONE] in place of an end", [{ pieces: [line(hello), "data: [DONE]\n\n"] }], failed(`Hello.\n\n${BROKEN}`)],
  [
    "an answer cut short",
    [
      events(hello, {
        ...completed({ incomplete_details: { reason: "max_output_tokens" } }),
        type: "response.incomplete",
      }),
    ],
    failed("Hello.\n\nThe model's answer was cut short (max_output_tokens)."),
  ],
  // What fails
  [
    "a failure of its own",
    [responseFailed("server_error")],
    failed("The model failed to answer; try again in a moment."),
  ],
  ["a conversation too long for it", [responseFailed("context_length_exceeded")], failed(/too long/)],
  ["an empty account, in the stream", [responseFailed("insufficient_quota")], failed(NO_QUOTA)],
  ["an empty account", [refuses(429, { "retry-after": "0" }, "insufficient_quota"), says("Never.")], failed(NO_QUOTA)],
  [
    "an empty account that is to be asked again",
    [refuses(429, { "x-should-retry": "true", "retry-after": "0" }, "insufficient_quota"), says("Never.")],
    failed(NO_QUOTA),
  ],
  [
    "an error in the stream",
    [{ pieces: [`event: error\n${line({ error: { code: "rate_limit_exceeded", message: "sk-secret" } })}`] }],
    failed("The model has too much to do; try again in a moment."),
  ],
  // What it wants us to wait
  [
    "a pause longer than the turn may take",
    [refuses(429, { "retry-after": "90" }), says("Never.")],
    failed("The model has too much to do: it can be asked again in 90 seconds."),
  ],
  [
    "a pause of an hour",
    [refuses(503, { "retry-after": "3600" }), says("Never.")],
    failed("The model has too much to do: it can be asked again in 60 minutes."),
  ],
  ["a pause longer than it may be silent", [refuses(429, { "retry-after": "7" }), says("Hello.")], answered(2)],
  [
    "a pause until yesterday",
    [refuses(429, { "retry-after": new Date(0).toUTCString() }), says("Hello.")],
    answered(2),
  ],
  ["a pause that is none", [refuses(429, { "retry-after": "soon" }), says("Hello.")], answered(2)],
  // How long it takes
  ["silence from the start", [{ hang: true }], failed("The model said nothing for 6 seconds.")],
  [
    "silence behind a word",
    [{ events: [hello], ending: "silence" }],
    failed("Hello.\n\nThe model said nothing for 6 seconds."),
  ],
  [
    "a word a second, for longer than it may be silent",
    [{ ...says("a b c d e"), every: 1000 }],
    {
      response: "a b c d e",
      asked: 1,
    },
  ],
  [
    "comments for longer than it may be silent, then words",
    [{ pieces: [...Array(8).fill(": wait\n\n"), line(hello), line(completed())], every: 1000 }],
    answered(),
  ],
  [
    "a word a second, without an end",
    [{ ...says(Array(40).fill("word").join(" ")), every: 1000 }],
    failed(/^(word )+\n\nThe agent did not finish within 20 seconds\.$/),
  ],
  // What is no stream
  [
    "a page",
    [page("text/html; charset=utf-8", "<h1>Sign in</h1>")],
    misconfigured(/^The model's server answered with "text\/html" where events were expected; .* OPENAI_BASE_URL\.$/),
  ],
  [
    "a whole response at once",
    [page("application/json", { status: "completed", output: [message(text("Hello."))] })],
    answered(),
  ],
  [
    "a whole response that failed",
    [page("application/json", { error: { code: "insufficient_quota", message: "sk-secret" } })],
    failed(NO_QUOTA),
  ],
  ["JSON that is no response", [page("application/json", ["Hello."])], failed(UNREADABLE)],
];

describe.concurrent("a server of the Responses API that answers with", () => {
  test("at least 40 oddities", () => {
    expect(new Set(oddities.map(([what]) => what)).size).toBe(oddities.length);
    expect(oddities.length).toBeGreaterThanOrEqual(40);
  });

  test.each(oddities)(
    "%s",
    async (_, steps, { response, asked, outcome = "completed", kind = "unavailable", titles }) => {
      const { answer, person, record, stored } = await turnOver(steps);
      if (typeof response === "string") expect(answer.response).toBe(response);
      else expect(answer.response).toMatch(response);
      expect(record.requests).toHaveLength(asked);
      expect(stored).toMatchObject({ outcome });
      expect(answer.error?.kind).toBe(outcome === "failed" ? kind : undefined);
      expect(JSON.stringify(answer)).not.toContain("sk-secret");
      if (titles !== undefined) expect(await titlesOf(person)).toEqual(titles);
    },
  );

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

  test("comments for a quarter of a minute: the person's stream says that it is there", async () => {
    const person = await Person.signUp();
    const script = await Script.write([
      { pieces: [...Array(10).fill(": wait\n\n"), line(hello), line(completed())], every: 1_600 },
    ]);
    const parts = [{ type: "text", text: `Hi ${script.mark}` }];
    const body = { id: "c", messages: [{ id: "1", role: "user", parts }] };
    const stream = await (await person.send("/api/chat", { method: "POST", body })).text();
    expect(stream).toMatch(/"type":"start-step"}\n\n: still here\n\ndata: .*"Hello\."/s);
  });

  test("a thought before a cut: it is not given back with another's call", async () => {
    const { record } = await turnOver([cut(done(thought)), calls(["list_tasks", {}]), says("None.")]);
    expect(record.requests).toHaveLength(3);
    expect(JSON.stringify(record.requests[2]?.input)).not.toContain("sealed");
  });
});
