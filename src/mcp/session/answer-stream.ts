import { eventStreamHeaders } from "../../http/event-stream.ts";
import { jsonRpcErrorCodes, type RequestId } from "../json-rpc.ts";
import { type AnswerLog, eventId, type Keeping, messageEvent, openingEvent } from "./answer-log.ts";
import type { Batch } from "./batch.ts";
import type { CompleteResponse } from "./complete-response.ts";

/** How many messages that are no answers a client is sent again when it comes back. */
const MOST_REPEATED = 64;

const encoder = new TextEncoder();

/** What there is to know of a POST to answer it. */
interface AnswerStreamOptions {
  readonly requestIds: readonly RequestId[];
  readonly headers: Readonly<Record<string, string>>;
  /** Where answers are kept; undefined for a client that cannot come back for them. */
  readonly log: AnswerLog | undefined;
  readonly keeping: Keeping;
  /** Where it is one. */
  readonly batch: Batch | undefined;
}

/**
 * The server-sent events that answer the requests of one POST. Most calls are answered at once, and a stream costs
 * more than they do: there is one only for those that take longer, and for the client that comes back for its answers.
 */
export class AnswerStream {
  readonly id = crypto.randomUUID();
  readonly #options: AnswerStreamOptions;
  readonly #unanswered: Set<RequestId>;
  readonly #settled = Promise.withResolvers<void>();
  /** The error that is the whole response. */
  #refusal: string | undefined;
  /** The last messages that were no answers: in memory alone, as the call that sends them is. */
  readonly #repeatable: { readonly number: number; readonly event: string }[] = [];
  /** The events from before somebody reads. */
  #text = "";
  #isEnded = false;
  #reader: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** False once the client is gone: whatever is answered then is in the log alone. */
  #isHeard = true;

  constructor(options: AnswerStreamOptions) {
    this.#options = options;
    this.#unanswered = new Set(options.requestIds);
  }

  /**
   * Sends a message, JSON-RPC, and ends the stream with the answer to the last of the requests.
   *
   * @param answered the request that it answers
   * @param isError whether it does so with an error
   */
  send(json: string, answered: RequestId | undefined, isError = false): void {
    const { batch } = this.#options;
    batch?.count(json.length);
    // Clients built on version 1 of the SDK come back for more after an error that came as an event.
    if (isError && this.isAwaited && this.#text === "" && batch === undefined) this.#refusal = json;
    else this.#sendEvent(json, answered);
    if (answered !== undefined) this.#settle(answered);
  }

  /** Has a request that its client has cancelled answered by nothing but an error, for a client that comes back. */
  cancel(requestId: RequestId): void {
    const { log, keeping } = this.#options;
    const error = { code: jsonRpcErrorCodes.badRequest, message: "The request was cancelled." };
    log?.keep(this.id, log.nextNumber(), JSON.stringify({ jsonrpc: "2.0", id: requestId, error }), keeping);
    this.#settle(requestId);
  }

  /** Ends the stream when this was the last of the requests. */
  #settle(requestId: RequestId): void {
    this.#unanswered.delete(requestId);
    if (this.#unanswered.size === 0) this.end();
  }

  /** Ends the response, whatever is still to be answered. */
  end(): void {
    this.#isEnded = true;
    this.#isHeard = false;
    this.#reader?.close();
    this.#reader = undefined;
    this.#settled.resolve();
  }

  /** Whether the response has yet to begin. */
  get isAwaited(): boolean {
    return this.#isHeard && this.#reader === undefined;
  }

  /** Lets the response begin with what there is. */
  beginNow(): void {
    this.#settled.resolve();
  }

  /** The answers, once they are all there, or a stream of them where it has to begin before that. */
  async respond(): Promise<Response | CompleteResponse> {
    await this.#settled.promise;
    if (this.#refusal !== undefined) {
      const headers = { ...this.#headers, "content-type": "application/json" };
      return { status: 200, headers, body: this.#refusal };
    }
    const text = this.#opening + this.#text;
    if (!this.#isEnded) return this.#stream(text);
    return { status: 200, headers: this.#headers, body: text };
  }

  /** The response for a client that comes back while it is still being written: it takes over. */
  resume(number: number): Response {
    this.#reader?.close();
    this.#isHeard = true;
    const missed = this.#repeatable.filter((sent) => sent.number > number);
    return this.#stream(missed.map(({ event }) => event).join(""));
  }

  /** The event that gives the stream its first id. */
  get #opening(): string {
    const { log, requestIds } = this.#options;
    return log === undefined ? "" : openingEvent(eventId(this.id, 0, requestIds));
  }

  get #headers(): Readonly<Record<string, string>> {
    return { ...eventStreamHeaders, ...this.#options.headers };
  }

  #sendEvent(json: string, answered: RequestId | undefined): void {
    const { log, keeping } = this.#options;
    const number = log?.nextNumber() ?? 0;
    const waiting = [...this.#unanswered].filter((id) => id !== answered);
    const event = messageEvent(json, log === undefined ? undefined : eventId(this.id, number, waiting));
    if (answered !== undefined) log?.keep(this.id, number, json, keeping);
    else if (log !== undefined) {
      this.#repeatable.push({ number, event });
      if (this.#repeatable.length > MOST_REPEATED) this.#repeatable.shift();
    }
    if (this.#reader !== undefined) this.#reader.enqueue(encoder.encode(event));
    else if (this.#isHeard) this.#text += event;
  }

  #stream(beginning: string): Response {
    let own: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = controller;
        this.#reader = controller;
        if (beginning !== "") controller.enqueue(encoder.encode(beginning));
      },
      cancel: () => {
        if (this.#reader !== own) return;
        this.#reader = undefined;
        this.#isHeard = false;
      },
    });
    return new Response(body, { status: 200, headers: this.#headers });
  }
}
