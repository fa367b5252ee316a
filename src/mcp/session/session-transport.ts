import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { eventStreamHeaders } from "../../http/event-stream.ts";
import { answeredIdOf, jsonRpcErrorResponse, messagesOf, type RequestId } from "../json-rpc.ts";
import type { Method } from "../methods.ts";
import type { AnswerLog, Cursor, Keeping } from "./answer-log.ts";
import { AnswerStream } from "./answer-stream.ts";
import type { Batch } from "./batch.ts";
import type { CompleteResponse } from "./complete-response.ts";
import type { MessageLog } from "./message-log.ts";
import { isPlainMessage, PlainRequests } from "./plain-requests.ts";
import { QuestionIds } from "./question-ids.ts";
import { ServerStream } from "./server-stream.ts";

type SendOptions = Parameters<Transport["send"]>[1];

/** How many milliseconds an answer has at least to be sent in one piece. One that takes twice that is streamed. */
const READY_WITHIN = 100;

interface SessionTransportOptions {
  readonly sessionId: string;
  /** Whether the client can come back by an event id. */
  readonly isResumable: boolean;
  readonly answers: AnswerLog;
  readonly messages: MessageLog;
  /** Told of a message from another release that this one cannot read. */
  readonly onUnreadable: (number: number) => void;
  /** What is answered past the server where a request wants no more than an answer. */
  readonly methods: ReadonlyMap<string, Method>;
}

/** What there is to know of a POST besides its body. */
interface Posting {
  /** Of the requests in the body, in order. */
  readonly requestIds: readonly RequestId[];
  readonly keeping: Keeping;
  /** Where the body is one. */
  readonly batch: Batch | undefined;
}

/** A client's GET of the server's own stream. */
export interface Listener {
  /** The number of the last message that the client says it has. */
  readonly position: number | undefined;
  /** Of the credential that it comes with. */
  readonly credentialId: string;
  /** @returns whether that credential still counts; throws where nobody can say now */
  readonly isStillAllowed: () => Promise<boolean>;
}

/**
 * Streamable HTTP for the SDK's server in a session (MCP 2025-11-25, Transports). This is all that joins the two: the
 * server gets the client's messages by `onmessage`, and sends its own by `send`. Requests that need nothing of the
 * server are answered here: `plain-requests.ts`.
 */
export class SessionTransport implements Transport {
  onmessage?: NonNullable<Transport["onmessage"]>;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly sessionId: string;
  readonly #options: SessionTransportOptions;
  readonly #questionIds = new QuestionIds();
  readonly #plainRequests: PlainRequests;
  /** The stream that each request in flight is answered on. */
  readonly #streams = new Map<RequestId, AnswerStream>();
  #own: { readonly stream: ServerStream; readonly credentialId: string } | undefined;
  #isWatching = false;

  constructor(options: SessionTransportOptions) {
    this.#options = options;
    this.sessionId = options.sessionId;
    this.#plainRequests = new PlainRequests(options.methods, (answer) => this.send(answer));
  }

  /** Begins nothing: messages come in by `post`. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Takes a message or a batch of them, whose headers and JSON-RPC have been checked. */
  async post(body: unknown, { requestIds, ...posting }: Posting): Promise<Response | CompleteResponse> {
    if (new Set(requestIds).size < requestIds.length || requestIds.some((id) => this.#streams.has(id))) {
      return jsonRpcErrorResponse(400, "invalidRequest", "A request with this id is in flight already.");
    }
    const messages = admitted(body);
    if (messages === undefined) {
      return jsonRpcErrorResponse(
        400,
        "invalidRequest",
        "The body is no JSON-RPC message of MCP.",
        requestIds[0] ?? null,
      );
    }
    if (requestIds.length === 0) {
      for (const message of messages) this.#receive(message);
      return { status: 202, headers: {}, body: "" };
    }
    const { isResumable, answers } = this.#options;
    const log = isResumable ? answers : undefined;
    const stream = new AnswerStream({ requestIds, headers: this.#headers, log, ...posting });
    for (const id of requestIds) this.#streams.set(id, stream);
    for (const message of messages) {
      // The requests of a batch wait for each other, in the server's handler.
      if (posting.batch !== undefined || !this.#plainRequests.take(message)) this.#receive(message);
    }
    if (!this.#isWatching) this.#watch(new Set());
    return stream.respond();
  }

  /** The rest of a stream that is still being written; undefined where it is over. */
  resume({ streamId, number }: Cursor): Response | undefined {
    return [...this.#streams.values()].find(({ id }) => id === streamId)?.resume(number);
  }

  /** Opens the server's own stream. */
  async listen({ position, credentialId, isStillAllowed }: Listener): Promise<Response> {
    // A client that comes again has lost the stream it had, even where we have not been told so. One that still reads
    // it is told to stay away, so that two of its streams do not displace each other once a second.
    this.#own?.stream.end();
    const { messages, isResumable, onUnreadable } = this.#options;
    const stream = new ServerStream({
      messages,
      position: Math.min(position ?? messages.delivered, messages.lastNumber),
      isResumable,
      headers: { ...eventStreamHeaders, ...this.#headers },
      isStillAllowed,
      onUnreadable,
      onEnd: () => {
        if (this.#own?.stream === stream) this.#own = undefined;
      },
    });
    this.#own = { stream, credentialId };
    await stream.flush();
    return stream.response;
  }

  /** Ends the server's own stream where it was opened with this credential, which no longer counts. */
  endStreamOf(credentialId: string): void {
    if (this.#own?.credentialId === credentialId) this.#own.stream.end();
  }

  /**
   * Sends what answers no request, JSON-RPC: now, or when the client comes for it.
   *
   * @throws RangeError for a message that is too long to be kept
   */
  async tell(json: string): Promise<void> {
    this.#options.messages.add(json);
    await this.#own?.stream.flush();
  }

  /**
   * Waits no longer for the answer to a request that its client has cancelled. It is not sent (MCP, Cancellation), but
   * a client that resumes the stream all the same must not wait for ever.
   */
  endCancelled(requestId: RequestId): void {
    const stream = this.#streams.get(requestId);
    this.#streams.delete(requestId);
    this.#plainRequests.cancel(requestId);
    stream?.cancel(requestId);
  }

  /**
   * Sends a message of the server's: on the stream of the request that it belongs to, or on the server's own.
   *
   * @throws Error for a question whose request is over; RangeError for a message that is too long to be kept
   */
  async send(message: JSONRPCMessage, options?: SendOptions): Promise<void> {
    const answered = answeredIdOf(message);
    const requestId = answered ?? options?.relatedRequestId;
    if (answered === undefined) {
      const json = JSON.stringify(this.#questionIds.outgoing(message));
      if (requestId === undefined) return this.tell(json);
      const stream = this.#streams.get(requestId);
      // Progress of a request must stop once it is answered or cancelled (MCP 2025-11-25, Progress).
      if (stream !== undefined) stream.send(json, undefined);
      else if ("id" in message) throw new Error("the client cannot be asked: its request is over");
      return;
    }
    const stream = this.#streams.get(answered);
    this.#streams.delete(answered);
    stream?.send(JSON.stringify(message), answered, "error" in message);
  }

  async close(): Promise<void> {
    this.#plainRequests.close();
    for (const stream of new Set(this.#streams.values())) stream.end();
    this.#streams.clear();
    this.#own?.stream.end();
    this.onclose?.();
  }

  get #headers(): Readonly<Record<string, string>> {
    return { "mcp-session-id": this.sessionId, "x-accel-buffering": "no" };
  }

  #receive(message: JSONRPCMessage): void {
    const known = this.#questionIds.incoming(message);
    if (known !== undefined) this.onmessage?.(known);
  }

  /** Lets those responses begin that were awaited the last time too. One timer for all of them costs far less. */
  #watch(waitedFor: ReadonlySet<AnswerStream>): void {
    this.#isWatching = true;
    setTimeout(() => {
      this.#isWatching = false;
      const awaited = new Set([...this.#streams.values()].filter(({ isAwaited }) => isAwaited));
      for (const stream of awaited) if (waitedFor.has(stream)) stream.beginNow();
      if (awaited.size > 0) this.#watch(awaited);
    }, READY_WITHIN);
  }
}

/** The messages of a body; undefined where one of them is none of MCP's. */
function admitted(body: unknown): readonly JSONRPCMessage[] | undefined {
  const messages: JSONRPCMessage[] = [];
  for (const message of messagesOf(body)) {
    const data = isPlainMessage(message) ? message : JSONRPCMessageSchema.safeParse(message).data;
    if (data === undefined) return undefined;
    messages.push(data);
  }
  return messages;
}
