import { createParser, type EventSourceMessage } from "eventsource-parser";
import { quoteName } from "../../excerpt.ts";
import { isObject } from "../../json.ts";
import { BrokenAnswer, misconfiguredModel, unreadableAnswer } from "./model.ts";
import { toApiError } from "./response-error.ts";
import type { Silence } from "./silence.ts";

/** In characters; the last event holds all that the answer says. */
const LONGEST_EVENT = 4 * 1024 * 1024;
/** In characters; an answer of the most tokens has less. */
const LONGEST_STREAM = 32 * 1024 * 1024;
/** An event that a server does not end counts where the stream ends. */
const LAST_LINE = "\n\n";

/** Not every server says what it sends. */
const EVENT_TYPES = ["text/event-stream", "text/plain", "application/octet-stream", ""];

/**
 * The events of a response as they come, unparsed: also of one that was not streamed.
 *
 * @param silence hears all that the server sends
 * @throws ApplicationError for what is neither events nor a whole response; reading them, APIError for an error that the
 * server says, BrokenAnswer for the half of an event, SyntaxError for one that is no JSON
 */
export async function readEvents(response: Response, silence: Silence): Promise<AsyncIterable<unknown>> {
  const type = response.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (type === "application/json") return readWhole(await readText(response, LONGEST_EVENT, silence));
  if (EVENT_TYPES.includes(type)) return readStream(response, silence);
  await response.body?.cancel();
  const what = `The model's server answered with ${quoteName(type)} where events were expected`;
  throw misconfiguredModel(what, "OPENAI_BASE_URL");
}

/** The server-sent events of a response; "[DONE]" ends them, which not every server says. */
async function* readStream({ body }: Response, silence: Silence): AsyncGenerator<unknown> {
  const events: EventSourceMessage[] = [];
  const parser = createParser({
    maxBufferSize: LONGEST_EVENT,
    onEvent: (event) => events.push(event),
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") throw unreadableAnswer(error);
    },
  });
  let length = 0;
  let hasEnded = false;
  for await (const text of chain(body?.pipeThrough(new TextDecoderStream()) ?? [], () => {
    hasEnded = true;
    return LAST_LINE;
  })) {
    // Also what is no event: a comment keeps a connection.
    silence.hear();
    length += text.length;
    if (length > LONGEST_STREAM) throw unreadableAnswer(undefined);
    parser.feed(text);
    for (const { event, data } of events.splice(0)) {
      if (data.trim() === "[DONE]") return;
      // Some servers keep a connection by events without anything in them.
      if (data.trim() !== "") yield readEvent(event, data, hasEnded);
    }
  }
}

/**
 * @param hasEnded whether the stream has ended before its event did
 * @throws APIError for an event that says an error, BrokenAnswer for the half of one
 */
function readEvent(name: string | undefined, text: string, hasEnded: boolean): unknown {
  const value = parseEvent(name, text, hasEnded);
  if (!isObject(value)) return value;
  const { error, type = name } = value;
  if (isObject(error)) throw toApiError(error);
  if (typeof error === "string" && error !== "") throw toApiError({ message: error });
  if (name === "error" || type === "error") throw toApiError(value);
  return { ...value, type };
}

function parseEvent(name: string | undefined, text: string, hasEnded: boolean): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (hasEnded) throw new BrokenAnswer(error);
    if (name === "error") throw toApiError({ message: text });
    throw error;
  }
}

async function* chain(texts: AsyncIterable<string> | Iterable<string>, last: () => string): AsyncGenerator<string> {
  yield* texts;
  yield last();
}

/** Reads no more than `longest` characters: of a longer text its beginning. */
export async function readText({ body }: Response, longest: number, silence?: Silence): Promise<string> {
  let text = "";
  for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    silence?.hear();
    text += piece;
    if (text.length > longest) break;
  }
  return text.slice(0, longest);
}

/**
 * A response that was not streamed, as one event. Its own status says how it ended.
 *
 * @throws APIError for an error, BrokenAnswer for the half of a response
 */
async function* readWhole(text: string): AsyncGenerator<unknown> {
  if (text.length === LONGEST_EVENT) throw unreadableAnswer(undefined);
  const response = readEvent(undefined, text, true);
  if (!isObject(response)) throw unreadableAnswer(undefined);
  yield { type: "response.completed", response };
}
