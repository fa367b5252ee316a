import type { RequestId } from "./json-rpc.ts";

/** A response that is complete: it crosses from a Durable Object to the worker in one message. */
export interface CompleteResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const encoder = new TextEncoder();

/**
 * The server-sent events that answer the requests of one POST. Most calls are answered at once, and a stream costs
 * more than they do: there is one only for those that take longer, and for the client that comes back for its answers.
 */
export class AnswerStream {
  readonly id = crypto.randomUUID();
  readonly #headers: Readonly<Record<string, string>>;
  readonly #unanswered: Set<RequestId>;
  readonly #settled = Promise.withResolvers<void>();
  readonly #isAlone: boolean;
  #isEnded = false;
  /** The event that gives the stream its first id; empty for a client that cannot come back. */
  readonly #opening: string;
  #refusal: string | undefined;
  /** What was written before somebody reads. */
  #text = "";
  #reader: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** False once the client is gone: whatever comes then is in the event log alone. */
  #isHeard = true;

  /** @param open makes the event that gives the stream, by its id, its first event id; "" without one */
  constructor(
    requestIds: readonly RequestId[],
    headers: Readonly<Record<string, string>>,
    open: (streamId: string) => string,
  ) {
    this.#opening = open(this.id);
    this.#isAlone = requestIds.length === 1;
    this.#unanswered = new Set(requestIds);
    this.#headers = {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      ...headers,
    };
  }

  /** Writes an event, and ends the stream when it answers the last of the requests. */
  write(event: string, answered: RequestId | undefined): void {
    if (this.#reader !== undefined) this.#reader.enqueue(encoder.encode(event));
    else if (this.#isHeard) this.#text += event;
    if (answered !== undefined) this.waitNoLongerFor(answered);
  }

  /**
   * Answers the only request, by an error, in JSON and without any event: there is nothing to come back for. Clients
   * built on version 1 of the SDK come back after an error that came on a stream.
   */
  refuse(json: string, answered: RequestId): void {
    this.#refusal = json;
    this.waitNoLongerFor(answered);
  }

  /** Ends the stream when this was the last of the requests. */
  waitNoLongerFor(requestId: RequestId): void {
    this.#unanswered.delete(requestId);
    if (this.#unanswered.size === 0) this.hangUp();
  }

  /** Ends the response, whatever is still to be answered. */
  hangUp(): void {
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

  /** Whether the only request may still be answered without a stream. */
  get isRefusable(): boolean {
    return this.isAwaited && this.#isAlone && this.#text === "";
  }

  /** Lets the response begin with what there is. */
  beginNow(): void {
    this.#settled.resolve();
  }

  /** The answers, once they are all there, or a stream of them where it has to begin before that. */
  async respond(): Promise<Response | CompleteResponse> {
    await this.#settled.promise;
    if (this.#refusal !== undefined) {
      return { status: 200, headers: { ...this.#headers, "content-type": "application/json" }, body: this.#refusal };
    }
    const text = this.#opening + this.#text;
    if (!this.#isEnded) return this.#stream(text);
    return { status: 200, headers: this.#headers, body: text };
  }

  /** The response for a client that comes back: it begins with what the client has missed, and takes over. */
  resume(missed: string): Response {
    this.#reader?.close();
    this.#isHeard = true;
    return this.#stream(missed);
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

/** Reads a response to its end. */
export async function completely(response: Response): Promise<CompleteResponse> {
  const { status, headers } = response;
  return { status, headers: Object.fromEntries(headers), body: await response.text() };
}
