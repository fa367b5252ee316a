import { toCallerRecord } from "../../caller.ts";
import { ApplicationError, toApplicationError } from "../../errors.ts";
import { asksForEvents } from "../../http/accept.ts";
import { addressKey } from "../../http/address.ts";
import type { ApplicationContext } from "../../http/application.ts";
import { eventStreamHeaders, serverSentEvent } from "../../http/event-stream.ts";
import { readIdempotencyKey } from "../../http/idempotency-key.ts";
import { readJsonBody } from "../../http/json-body.ts";
import type { JsonLimits } from "../../json.ts";
import { logFailure } from "../../observability/log-failure.ts";
import { fromRefusal } from "../../refusal.ts";
import { preferredLanguage } from "../agent/instructions.ts";
import { withHeartbeats } from "../stream/heartbeats.ts";
import { collectAnswer, toChatAnswer } from "../stream/json-answer.ts";
import type { TurnEvent } from "../stream/turn-event.ts";
import { encode, fromLines, type StreamFormat, toByteStream, type WatchedTurn } from "../stream/turn-lines.ts";
import { passOnUiEvents, toUiEvents } from "../stream/ui-stream.ts";
import type { TurnStream } from "./conversation-object.ts";
import { conversationStub, reached } from "./conversation-stub.ts";
import { countMessage } from "./count-message.ts";
import { LastMessageBody } from "./last-message-body.ts";
import { mebibytesOf } from "./message-images.ts";
import { type ChatRequest, conversationIdSchema, readChatRequest, readUiChatRequest } from "./message-request.ts";

/** https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol */
const UI_STREAM_HEADERS = { "X-Vercel-AI-UI-Message-Stream": "v1" };

/** All that tools have answered in the last message. */
const LAST_MESSAGE: JsonLimits = { mostValues: 100_000 };

/** Answers `POST /chat`: as JSON, or as server-sent events where those are accepted. */
export async function answerMessage(context: ApplicationContext): Promise<Response> {
  const key = readIdempotencyKey(context);
  const request = readChatRequest(await readJsonBody(context), context.var.caller.userId, key);
  const { stream } = await startTurn(context, request);
  const turn = await fromLines(stream, context.var.log);
  const wantsEvents = asksForEvents(context.req.header("Accept"));
  return wantsEvents ? serverSentBytes(context, encode(toNamedEvents(turn))) : context.json(await collectAnswer(turn));
}

/** Answers `POST /api/chat` with the AI SDK's UI message stream. */
export async function streamMessage(context: ApplicationContext): Promise<Response> {
  const body = await readJsonBody(context, { reader: new LastMessageBody(), limits: LAST_MESSAGE });
  return uiStream(context, await startTurn(context, readUiChatRequest(body), "ui"), false);
}

/** Answers with the running turn from its start; 204 while none runs. */
export async function resumeStream(context: ApplicationContext, id: string): Promise<Response> {
  const conversation = await openConversation(context, id);
  const reply = await reached(conversation?.watch("ui", toCallerRecord(context.var.caller)));
  if (reply === undefined) return context.body(null, 204);
  return uiStream(context, reply instanceof ReadableStream ? { stream: reply } : reply, true);
}

/** Stops the agent of a conversation. */
export async function stopAgent(context: ApplicationContext, id: string): Promise<Response> {
  const conversation = await openConversation(context, id);
  await reached(conversation?.stop());
  return context.body(null, 204);
}

/** Has the conversation's object run a turn; it checks in the database that the conversation is the caller's. */
async function startTurn(
  context: ApplicationContext,
  { conversationId, what }: ChatRequest,
  format?: StreamFormat,
): Promise<TurnStream> {
  const { caller, configuration, requestId } = context.var;
  if (configuration.OPENAI_API_KEY === undefined) {
    throw new ApplicationError("unavailable", "Chat is not set up on this server: OPENAI_API_KEY is missing.");
  }
  if (what.type === "message") {
    // An image is held in memory for as long as its turn.
    const mebibytes = Math.ceil(mebibytesOf(what.images ?? []));
    for (let counted = 0; counted < mebibytes; counted += 1) await countMessage(context);
  }
  const language = preferredLanguage(context.req.header("Accept-Language"));
  const answering = conversationStub(context, conversationId).run({
    caller: toCallerRecord(caller),
    conversationId,
    requestId,
    addressKey: addressKey(context),
    language,
    format,
    what,
  });
  const reply = await reached(answering, "this may have been taken: read the conversation before you send it again");
  if ("refusal" in reply) throw fromRefusal(reply.refusal);
  return reply;
}

/**
 * The object of a conversation of the caller, undefined for an id that none can have. The database says no more than
 * whether the caller is still signed in: it does not know a conversation yet whose first message is being loaded.
 */
async function openConversation(context: ApplicationContext, id: string) {
  if (!conversationIdSchema.safeParse(id).success) return undefined;
  await context.var.userDatabase.checkCredential("now");
  return conversationStub(context, id);
}

async function* toNamedEvents({ start, events }: WatchedTurn): AsyncGenerator<string> {
  // What only the model can read goes to nobody else.
  yield namedEvent({ ...start, earlier: start.earlier.filter(isReadable) });
  const seen: TurnEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (isReadable(event)) yield namedEvent(event);
  }
  yield namedEvent({ type: "answer", ...toChatAnswer(start.conversation_id, start.message_id, start.earlier, seen) });
}

function isReadable({ type }: TurnEvent): boolean {
  return type !== "sealed_reasoning" && type !== "foreign";
}

function namedEvent({ type, ...data }: { readonly type: string } & Record<string, unknown>): string {
  return serverSentEvent({ event: type, data: JSON.stringify(data) });
}

/** The UI message stream of an object's stream: as it is, or made of the lines of an object of the release before. */
async function uiStream(context: ApplicationContext, reply: TurnStream, isReplay: boolean): Promise<Response> {
  const { log } = context.var;
  if (reply.format === "ui") return serverSentBytes(context, passOnUiEvents(reply.stream, log), UI_STREAM_HEADERS);
  const { start, events } = await fromLines(reply.stream, log);
  const parts = (async function* () {
    yield start;
    yield* events;
  })();
  return serverSentBytes(context, encode(toUiEvents(parts, isReplay)), UI_STREAM_HEADERS);
}

function serverSentBytes(
  context: ApplicationContext,
  events: AsyncGenerator<Uint8Array>,
  headers: Record<string, string> = {},
): Response {
  const { log } = context.var;
  const bytes = (async function* () {
    try {
      yield* events;
    } catch (error) {
      // The answer has begun: nobody further out will see this.
      logFailure(log, toApplicationError(error));
      throw error;
    }
  })();
  return new Response(toByteStream(withHeartbeats(bytes)), { headers: { ...eventStreamHeaders, ...headers } });
}
