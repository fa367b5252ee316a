import { createHmac } from "node:crypto";
import { APIConnectionError, APIError, OpenAIError } from "openai/core/error";
import type {
  ResponseCreateParamsStreaming,
  ResponseInputItem,
  ResponseInputText,
} from "openai/resources/responses/responses";
import type { Configuration } from "../../config.ts";
import { deriveKey } from "../../derive-key.ts";
import { ApplicationError } from "../../errors.ts";
import {
  BrokenAnswer,
  imagesOf,
  type Model,
  type ModelEvent,
  type ModelItem,
  type ModelRequest,
  misconfiguredModel,
  modelFailure,
  unreadableAnswer,
} from "./model.ts";
import { isOutOfQuota } from "./response-error.ts";
import { ResponseEvents } from "./response-events.ts";
import { type ResponsesServer, requestResponse } from "./responses-request.ts";
import { Silence } from "./silence.ts";

const LONGEST_FUNCTION_NAME = 64;

const CONTEXT_TOO_LONG = "context_length_exceeded";

/** What a request says beside the conversation: the same in all requests for one person. */
type Settings = Pick<
  ResponseCreateParamsStreaming,
  "model" | "max_output_tokens" | "reasoning" | "text" | "prompt_cache_key" | "safety_identifier"
>;

/**
 * A model behind OpenAI's Responses API, or a server that speaks it.
 *
 * @param userId whom it answers; the provider is told a keyed hash of that, to find what it has cached of their prompts, and to
 * tell who misuses it
 * @throws ApplicationError `unavailable` without an OPENAI_API_KEY
 */
export function openModel(configuration: Configuration, userId: number): Model {
  const { OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL } = configuration;
  if (OPENAI_API_KEY === undefined) {
    throw new ApplicationError("unavailable", "Chat is not set up on this server: OPENAI_API_KEY is missing.");
  }
  const server = { apiKey: OPENAI_API_KEY, baseUrl: OPENAI_BASE_URL };
  const settings = settingsOf(configuration, userId);
  const { AGENT_TIMEOUT } = configuration;
  return {
    name: OPENAI_MODEL,
    async *respond(request) {
      const silence = new Silence(AGENT_TIMEOUT);
      const signal = AbortSignal.any([request.signal, silence.signal]);
      try {
        yield* streamResponse(server, settings, { ...request, signal }, silence);
      } catch (error) {
        signal.throwIfAborted();
        const hasImages = request.items.some((item) => imagesOf(item).length > 0);
        throw toModelFailure(error, OPENAI_MODEL, hasImages);
      } finally {
        silence.end();
      }
    },
  };
}

function settingsOf(configuration: Configuration, userId: number): Settings {
  const { OPENAI_MODEL, OPENAI_MAX_OUTPUT_TOKENS, OPENAI_REASONING_EFFORT, OPENAI_VERBOSITY, JWT_SECRET } =
    configuration;
  const person = createHmac("sha256", deriveKey(JWT_SECRET, "model provider")).update(String(userId)).digest("hex");
  return {
    model: OPENAI_MODEL,
    max_output_tokens: OPENAI_MAX_OUTPUT_TOKENS,
    // Models that do not reason refuse to be told how much.
    ...(OPENAI_REASONING_EFFORT !== undefined && { reasoning: { effort: OPENAI_REASONING_EFFORT } }),
    ...(OPENAI_VERBOSITY !== undefined && { text: { verbosity: OPENAI_VERBOSITY } }),
    prompt_cache_key: person,
    safety_identifier: person,
  };
}

async function* streamResponse(
  server: ResponsesServer,
  settings: Settings,
  { instructions, items, functions, mayCall, signal, deadline }: ModelRequest,
  silence: Silence,
): AsyncGenerator<ModelEvent> {
  const stream = await requestResponse(
    server,
    {
      ...settings,
      instructions,
      input: items.map(toInputItem),
      tools: functions.map(({ name, description, inputSchema }) => ({
        type: "function",
        name,
        description,
        parameters: { ...inputSchema },
        // Strict mode knows no optional fields.
        strict: false,
      })),
      ...(!mayCall && { tool_choice: "none" }),
      parallel_tool_calls: true,
      store: false,
      stream: true,
    },
    { signal, deadline, silence },
  );
  const events = new ResponseEvents();
  for await (const event of stream) {
    yield* events.read(event);
    if (events.isComplete) return;
  }
  throw new BrokenAnswer();
}

function toInputItem(item: ModelItem): ResponseInputItem {
  switch (item.type) {
    case "said":
      return item.role === "user"
        ? {
            role: "user",
            content: [
              toInputText(`Sent on ${item.sentAt}`),
              toInputText(item.text),
              ...imagesOf(item).map((url) => ({ type: "input_image", image_url: url, detail: "auto" }) as const),
            ],
          }
        : { role: "assistant", content: item.text, ...(item.phase !== undefined && { phase: item.phase }) };
    case "note":
      return { role: "developer", content: item.text };
    case "call":
      return {
        type: "function_call",
        call_id: item.callId,
        name: toFunctionName(item.tool),
        arguments: item.arguments ?? JSON.stringify(item.input),
      };
    case "call_output":
      return { type: "function_call_output", call_id: item.callId, output: item.text };
    case "sealed_reasoning":
      return { type: "reasoning", id: item.id, summary: [], encrypted_content: item.encrypted };
  }
}

function toInputText(text: string): ResponseInputText {
  return { type: "input_text", text };
}

/** A name that the model has made up comes back to it as the API takes names, or it would refuse the conversation. */
function toFunctionName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, LONGEST_FUNCTION_NAME) || "_";
}

/** openai leaves `Error` as the name of its errors, and what their classes are called does not outlive the bundling. */
function giveName(error: OpenAIError): void {
  if (error instanceof APIConnectionError) error.name = "APIConnectionError";
  else error.name = error instanceof APIError ? "APIError" : "OpenAIError";
}

/** What a server says of an image that it does not take. */
const ABOUT_IMAGES = /image|vision|multi-?modal|mmproj/i;

/** How servers refuse a request in which something is of a kind that they do not take. */
const KIND_REFUSED = [400, 413, 415, 422, 501];

/**
 * Whether a request with images was refused for them; many a server says no more than that it was. Errors repeat the
 * model's name, which may itself speak of vision.
 */
function isForImages({ status, code, message }: APIError, model: string): boolean {
  if (status !== undefined && KIND_REFUSED.includes(status)) return true;
  return ABOUT_IMAGES.test(`${code} ${message.replaceAll(model, "")}`);
}

/**
 * Says what went wrong without the provider's own words, which can quote keys and organizations.
 *
 * @param model what it is called
 * @param hasImages whether it was shown any
 */
function toModelFailure(thrown: unknown, model: string, hasImages: boolean): ApplicationError {
  if (thrown instanceof ApplicationError) return thrown;
  if (thrown instanceof OpenAIError) giveName(thrown);
  if (thrown instanceof APIConnectionError) {
    return modelFailure("The model cannot be reached; try again in a moment.", thrown);
  }
  if (!(thrown instanceof APIError)) {
    if (thrown instanceof SyntaxError) return unreadableAnswer(thrown);
    return thrown instanceof OpenAIError
      ? modelFailure("The model failed to answer; try again in a moment.", thrown)
      : new BrokenAnswer(thrown);
  }
  const { status, code } = thrown;
  if (isOutOfQuota(thrown)) {
    return modelFailure("The model's account has no quota left; the operator must see to it.", thrown);
  }
  if (status === 429 || code === "rate_limit_exceeded") {
    return modelFailure("The model has too much to do; try again in a moment.", thrown);
  }
  if (hasImages && code !== CONTEXT_TOO_LONG && isForImages(thrown, model)) {
    return modelFailure(
      "The model did not take the image: it cannot look at any, or not at this one. Say it in words, or send another.",
      thrown,
    );
  }
  if (code === CONTEXT_TOO_LONG || status === 413) {
    return modelFailure("The conversation is too long for the model; begin a new one.", thrown);
  }
  if (status === 401 || status === 403) {
    return misconfiguredModel(`The model's server refused the key (${status})`, "OPENAI_API_KEY", thrown);
  }
  if (status === 404) {
    return misconfiguredModel("The model is not there (404)", "OPENAI_MODEL and OPENAI_BASE_URL", thrown);
  }
  if (status !== undefined && status < 500) {
    return modelFailure(`The model refused the request (${status}); say it otherwise, or begin anew.`, thrown);
  }
  return modelFailure("The model failed to answer; try again in a moment.", thrown);
}
