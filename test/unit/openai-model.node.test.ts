import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoopbackServer, listenOnLoopback } from "../../local/loopback-server.ts";
import { beginEvents, type ResponsesRequest, readResponsesRequest, sendEvent } from "../../local/responses-api.ts";
import type { ModelEvent } from "../../src/chat/model/model.ts";
import { openModel } from "../../src/chat/model/openai-model.ts";
import { readConfiguration } from "../../src/config.ts";

const usage = { input_tokens: 100, input_tokens_details: { cached_tokens: 80 }, output_tokens: 5 };
const requests: ResponsesRequest[] = [];
let server: LoopbackServer;

beforeAll(async () => {
  server = await listenOnLoopback(
    createServer((request, response) => {
      void readResponsesRequest(request).then((read) => {
        requests.push(read);
        beginEvents(response);
        sendEvent(response, { type: "response.output_text.delta", item_id: "1", delta: "Hello." });
        sendEvent(response, { type: "response.completed", response: { usage } });
        response.end();
      });
    }),
  );
});

afterAll(() => server.close());

/** What comes of one request to a model with these variables, and the request. */
async function ask(variables: Record<string, string>): Promise<{ request: unknown; events: ModelEvent[] }> {
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
  const request = { instructions: "Be brief.", items: [], functions: [], mayCall: true, signal, deadline };
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
