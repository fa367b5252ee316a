import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type LoopbackServer, listenOnLoopback } from "../../local/loopback-server.ts";
import { beginEvents, type ResponsesRequest, readResponsesRequest, sendEvent } from "../../local/responses-api.ts";
import { BrokenAnswer, type ModelEvent, type ModelItem } from "../../src/chat/model/model.ts";
import { openModel } from "../../src/chat/model/openai-model.ts";
import { readConfiguration } from "../../src/config.ts";

const usage = { input_tokens: 100, input_tokens_details: { cached_tokens: 80 }, output_tokens: 5 };
const requests: ResponsesRequest[] = [];
let server: LoopbackServer;
/** In place of a plain answer. */
let answer: ((response: ServerResponse) => void) | undefined;

beforeAll(async () => {
  server = await listenOnLoopback(
    createServer((request, response) => {
      void readResponsesRequest(request).then((read) => {
        requests.push(read);
        if (answer !== undefined) return answer(response);
        beginEvents(response);
        sendEvent(response, { type: "response.output_text.delta", item_id: "1", delta: "Hello." });
        sendEvent(response, { type: "response.completed", response: { usage } });
        response.end();
      });
    }),
  );
});

afterAll(() => server.close());
afterEach(() => {
  answer = undefined;
});

/** What comes of one request to a model with these variables, and the request. */
async function ask(
  variables: Record<string, string>,
  items: readonly ModelItem[] = [],
): Promise<{ request: unknown; events: ModelEvent[] }> {
  const configuration = readConfiguration({
    BASE_URL: "http://127.0.0.1:8787",
    DATABASE_URL: "postgresql://task_worker@127.0.0.1/tasks",
    JWT_SECRET: "the secret of the tests, 32 characters and more",
    OPENAI_API_KEY: "the key of the tests",
    OPENAI_BASE_URL: server.url,
    ...variables,
  });
  const model = openModel(configuration, 7);
  const events: ModelEvent[] = [];
  const deadline = performance.now() + 60_000;
  const { signal } = new AbortController();
  const request = { instructions: "Be brief.", items, functions: [], mayCall: true, signal, deadline };
  for await (const event of model.respond(request)) events.push(event);
  return { request: requests.at(-1), events };
}

describe("a request to the model", () => {
  it("says how much to think and to say, and how long an answer may be, where an operator has", async () => {
    const { request } = await ask({
      OPENAI_MODEL: "gpt-6.1-terra",
      OPENAI_REASONING_EFFORT: "low",
      OPENAI_VERBOSITY: "high",
      OPENAI_MAX_OUTPUT_TOKENS: "2000",
    });
    expect(request).toMatchObject({
      model: "gpt-6.1-terra",
      reasoning: { effort: "low" },
      text: { verbosity: "high" },
      max_output_tokens: 2000,
    });
  });

  it("leaves to the model what no operator has said", async () => {
    const { request } = await ask({});
    expect(request).toMatchObject({ model: "gpt-6-luna", max_output_tokens: 16_384 });
    expect(request).not.toHaveProperty("reasoning");
    expect(request).not.toHaveProperty("text");
  });

  it("names its person by a hash that another secret makes another", async () => {
    const { request } = await ask({});
    const { request: other } = await ask({ JWT_SECRET: "another secret of the tests, 32 characters" });
    expect(request).toHaveProperty("safety_identifier", expect.stringMatching(/^[0-9a-f]{64}$/));
    expect(request).not.toHaveProperty("safety_identifier", Reflect.get(Object(other), "safety_identifier"));
  });

  it("tells how many of its tokens were in the provider's cache", async () => {
    const { events } = await ask({});
    expect(events.at(-1)).toEqual({ type: "usage", inputTokens: 100, cachedTokens: 80, outputTokens: 5 });
  });
});

const HELLO = { type: "response.output_text.delta", item_id: "1", delta: "Hello." };
const COMPLETED = { type: "response.completed", response: {} };

/** What is said of an answer with this body. */
async function failureOf(body: string, type = "text/event-stream"): Promise<unknown> {
  answer = (response) => void response.writeHead(200, { "content-type": type }).end(body);
  return ask({}).catch((error: unknown) => error);
}

describe("an event", () => {
  const named = ({ type, ...data }: { type: string }) => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

  it("may have its type beside it, and one that is empty is none", async () => {
    answer = (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`data: \n\n${named(HELLO)}event: ping\ndata: {}\n\n${named(COMPLETED)}data:  [DONE]\n\n`);
    };
    expect((await ask({})).events).toEqual([{ type: "text", id: "1", text: "Hello." }]);
  });

  it.each([
    ["in words", 'data: {"error": "sk-secret"}', "The model failed to answer; try again in a moment."],
    ["that is no JSON", "event: error\ndata: sk-secret", "The model failed to answer; try again in a moment."],
    [
      "with a status",
      'data: {"type": "error", "error": {"code": 429}}',
      "The model has too much to do; try again in a moment.",
    ],
    [
      "with a status in words",
      'data: {"type": "error", "status": "401"}',
      "The model's server refused the key (401); the operator must check OPENAI_API_KEY.",
    ],
  ])("may be an error %s", async (_, event, message) => {
    expect(await failureOf(`${event}\n\n`)).toMatchObject({ message });
  });

  it("that is no JSON is none, but for half of one at the end", async () => {
    expect(await failureOf('data: {"type": \n\n')).toMatchObject({
      message: expect.stringContaining("cannot be read"),
    });
    expect(await failureOf('data: {"type": ')).toBeInstanceOf(BrokenAnswer);
  });
});

describe("of a body that does not end", () => {
  /** For a test that would otherwise never fail. */
  const MOST_PIECES = 1_024;

  /** Sends until nobody takes it any more; how many MiB that were. */
  function flood(status: number, type: string, piece = "x".repeat(65_536)): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    answer = async (response) => {
      let sent = 0;
      const gone = once(response, "close").then(() => resolve(sent / 16));
      response.writeHead(status, { "content-type": type });
      for (; !response.closed && sent < MOST_PIECES; sent += 1) {
        if (!response.write(piece)) await Promise.race([once(response, "drain"), gone]);
      }
      response.end();
    };
    return promise;
  }

  it.each([
    ["an error", 400, "text/html", "The model refused the request (400); say it otherwise, or begin anew.", 8],
    ["a response", 200, "application/json", "The model's answer cannot be read; try again in a moment.", 16],
    ["a stream of comments", 200, "text/event-stream", "The model's answer cannot be read; try again in a moment.", 48],
  ])("%s no more is read than it may have", async (_, status, type, message, most) => {
    const sent = flood(status, type, type === "text/event-stream" ? `: ${"x".repeat(65_532)}\n\n` : undefined);
    expect(await ask({}).catch((error: unknown) => error)).toMatchObject({ message });
    expect(await sent).toBeLessThan(most);
  });

  it("that breaks off the status counts", async () => {
    answer = (response) => {
      response.writeHead(404, { "content-length": 100 });
      response.write("{", () => response.destroy());
    };
    expect(await ask({}).catch((error: unknown) => error)).toMatchObject({ kind: "misconfigured" });
  });
});

describe("a response that was not streamed", () => {
  const said = [{ type: "message", content: [{ type: "output_text", text: "Hello." }] }];

  it.each([undefined, null, "completed", "success"])("is whole, with the status %j", async (status) => {
    answer = (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ status, output: said }));
    };
    expect((await ask({})).events).toEqual([{ type: "text", id: "message 0", text: "Hello." }]);
  });

  it.each([
    [
      "an error by its type",
      { type: "error", code: "rate_limit_exceeded" },
      "The model has too much to do; try again in a moment.",
    ],
    ["an error in words", { error: "sk-secret" }, "The model failed to answer; try again in a moment."],
    ["cut short", { status: "incomplete", output: said }, "The model's answer was cut short (no reason given)."],
    ["failed", { status: "failed" }, "The model failed to answer; try again in a moment."],
    ["a list", [said], "The model's answer cannot be read; try again in a moment."],
  ])("may be %s", async (_, body, message) => {
    expect(await failureOf(JSON.stringify(body), "application/json")).toMatchObject({ message });
  });

  it("that is half of one is broken", async () => {
    expect(await failureOf('{"output": [', "application/json")).toBeInstanceOf(BrokenAnswer);
  });
});

it("takes no failure for one of its images where only the model's name speaks of such", async () => {
  const said = {
    type: "said",
    role: "user",
    text: "Look",
    sentAt: "now",
    images: ["data:image/png;base64,AAAA"],
  } as const;
  const failureOfVision = (message: string) => {
    answer = (response) => {
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message } }));
    };
    return ask({ OPENAI_MODEL: "llama-3.2-vision" }, [said]).catch((error: unknown) => error);
  };
  expect(await failureOfVision("The model llama-3.2-vision does not exist")).toMatchObject({ kind: "misconfigured" });
  expect(await failureOfVision("llama-3.2-vision cannot look at an image")).toHaveProperty(
    "message",
    expect.stringContaining("did not take the image"),
  );
});
