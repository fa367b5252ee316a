import { describe, expect, test } from "vitest";
import {
  answered,
  BROKEN,
  cut,
  type End,
  events,
  failed,
  NO_QUOTA,
  type Oddity,
  testOddities,
  UNREADABLE,
} from "../support/odd-answers.ts";
import { Person } from "../support/person.ts";
import { completed, create, done, hello, line, message, milk, text, thought } from "../support/response-events.ts";
import { calls, Script, says } from "../support/scripted-model.ts";
import type { ScriptStep } from "../support/scripted-responses.ts";
import { turnOver } from "../support/turn-over.ts";

const BROKEN_TWICE = "The model's answer broke off before its first word, twice; try again in a moment.";

const misconfigured = (response: RegExp): End => ({ ...failed(response), kind: "misconfigured" });
const responseFailed = (code: unknown) =>
  events({ type: "response.failed", response: { error: { code, message: "sk-secret" } } });
const refuses = (status: number, headers: Record<string, string>, code = "rate_limit_exceeded"): ScriptStep => ({
  status,
  headers,
  body: { error: { message: "sk-secret", code } },
});
const page = (type: string, body: unknown): ScriptStep => ({ status: 200, headers: { "content-type": type }, body });

const oddities: readonly Oddity[] = [
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
  [
    "half an event in place of its first word",
    [{ pieces: ['data: {"type": "response.output_text.del'] }, says("Hello.")],
    answered(2),
  ],
  [
    "half an event behind a word",
    [{ pieces: [line(hello), 'data: {"type": "response.comp'] }, says("Never.")],
    failed(`Hello.\n\n${BROKEN}`),
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
  [
    "an error that only its type names",
    [
      { pieces: [line({ type: "error", error: { code: "rate_limit_exceeded", message: "sk-secret" } })] },
      says("Never."),
    ],
    failed("The model has too much to do; try again in a moment."),
  ],
  [
    "an error that only its type names, with nothing around it",
    [{ pieces: [line({ type: "error", code: "insufficient_quota", message: "sk-secret" })] }, says("Never.")],
    failed(NO_QUOTA),
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

describe.concurrent("a server of the Responses API that ends with", () => {
  testOddities(oddities);

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
