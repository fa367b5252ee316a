import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import { isObject } from "../json.ts";
import type { CompleteResponse } from "./answer-stream.ts";
import { type EventLog, readCursor } from "./event-log.ts";
import { type Exchange, runInExchange } from "./exchange.ts";
import { closeWhenIdle } from "./idle-stream.ts";
import { isRequestId, jsonRpcErrorResponse, messagesOf, type RequestId } from "./json-rpc.ts";
import { ENDPOINT, SessionTransport } from "./session-transport.ts";

/** The first protocol whose clients understand an event without data, which gives a stream its first id. */
const RESUMABLE_SINCE = "2025-11-25";
/** The only protocol that has JSON-RPC batches. */
const BATCH_VERSION = "2025-03-26";
/** After how long, in milliseconds, a client comes back for an answer when its connection broke. */
const ANSWER_RETRY = 1000;
/** How long the server's own stream stays open with nothing to say, and how long the client then stays away. */
const STREAM_IDLE = 5 * 60 * 1000;
const STREAM_RETRY = 5 * 60 * 1000;
/** The stream of messages that answer nothing, as the SDK names it. */
const STANDALONE_STREAM = "_GET_stream";

/** What a session is made of: with it, it can be opened again after its memory is gone. */
export interface SessionSettings {
  readonly sessionId: string;
  /** The client's initialize request, JSON. */
  readonly initialize: string;
  readonly events: EventLog;
  readonly server: Server;
}

/** The protocol of a session: the one the client asks for, or our newest where we do not speak that. */
export function negotiateProtocolVersion(requested: string): string {
  return SUPPORTED_PROTOCOL_VERSIONS.includes(requested) ? requested : LATEST_PROTOCOL_VERSION;
}

/** A session of the 2025 protocols while it is in memory (MCP 2025-11-25, Transports, Streamable HTTP). */
export class Session {
  readonly #settings: SessionSettings;
  readonly #transport: SessionTransport;
  readonly #protocolVersion: string;

  private constructor(settings: SessionSettings, protocolVersion: string) {
    this.#settings = settings;
    this.#protocolVersion = protocolVersion;
    this.#transport = new SessionTransport({
      sessionId: settings.sessionId,
      retryInterval: ANSWER_RETRY,
      events: this.#isResumable ? settings.events : undefined,
    });
  }

  /** Opens a session by its client's initialize request; its answer is the one to give to the client. */
  static async open(
    settings: SessionSettings,
    protocolVersion: string,
    headers: Readonly<Record<string, string>>,
    exchange: Exchange,
  ): Promise<{ session: Session; answer: Response }> {
    const session = new Session(settings, protocolVersion);
    await settings.server.connect(session.#transport);
    const parsedBody: unknown = JSON.parse(settings.initialize);
    const answer = await runInExchange(exchange, () =>
      session.#transport.handleRequest(new Request(ENDPOINT, { method: "POST", headers }), { parsedBody }),
    );
    return { session, answer };
  }

  get #isResumable(): boolean {
    return this.#protocolVersion >= RESUMABLE_SINCE;
  }

  /** Takes a message, or a batch of them. */
  async post(
    headers: Readonly<Record<string, string>>,
    body: unknown,
    exchange: Exchange,
  ): Promise<Response | CompleteResponse> {
    if (Array.isArray(body) && this.#protocolVersion !== BATCH_VERSION) {
      return jsonRpcErrorResponse(400, "invalidRequest", `JSON-RPC batches exist in protocol ${BATCH_VERSION} only.`);
    }
    const response = await runInExchange(exchange, () =>
      this.#transport.post(this.#withSession(headers), body, exchange.requestIds),
    );
    for (const id of cancelledIdsOf(body)) runInExchange(exchange, () => this.#transport.endCancelled(id));
    return response;
  }

  /** Opens the server's own stream, or goes on with the one that `Last-Event-ID` names. */
  async listen(headers: Readonly<Record<string, string>>): Promise<Response> {
    const request = new Request(ENDPOINT, { headers: this.#withSession(headers) });
    // The SDK refuses it; the stream that is there stays.
    if (!(headers.accept ?? "").includes("text/event-stream")) return this.#transport.handleRequest(request);
    const { events } = this.#settings;
    const lastEventId = headers["last-event-id"];
    if (this.#isResumable && lastEventId !== undefined) {
      const cursor = readCursor(lastEventId);
      if (cursor === undefined) {
        return jsonRpcErrorResponse(400, "badRequest", "Last-Event-ID is not an event id of this session.");
      }
      if (cursor.streamId !== STANDALONE_STREAM) {
        const rest = this.#transport.resume(cursor.streamId, () => events.textAfter(cursor));
        if (rest !== undefined) return rest;
        const remainder = events.remainderOf(cursor);
        // Which ends the coming back (WHATWG HTML section 9.2.3); clients take a stream without an answer for cut off.
        if (remainder === "") return new Response(null, { status: 204 });
        return new Response(remainder, {
          headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-cache, no-transform" },
        });
      }
    }
    // A client that comes again has lost the stream it had, even where we have not been told so. One that still reads
    // it is told to stay away, so that two of its streams do not displace each other once a second.
    this.#transport.closeStandaloneSSEStream();
    const response = await this.#transport.handleRequest(request);
    if (!response.ok || response.body === null) return response;
    const opening = `id: ${lastEventId ?? `${STANDALONE_STREAM}:0`}\nretry: ${ANSWER_RETRY}\ndata: \n\n`;
    const stream = closeWhenIdle(response.body, {
      opening: this.#isResumable ? opening : "",
      closing: `retry: ${STREAM_RETRY}\n\n`,
      idleMilliseconds: STREAM_IDLE,
    });
    return new Response(stream, response);
  }

  /** Ends every stream and forgets every request; whatever still comes of them is dropped. */
  async close(): Promise<void> {
    this.#settings.events.close();
    await this.#transport.close();
  }

  #withSession(headers: Readonly<Record<string, string>>): Record<string, string> {
    // Some clients send no version after initialize; the session knows it.
    return {
      "mcp-protocol-version": this.#protocolVersion,
      ...headers,
      "mcp-session-id": this.#settings.sessionId,
    };
  }
}

/** The ids in the notifications/cancelled of a body. */
function cancelledIdsOf(body: unknown): RequestId[] {
  return messagesOf(body).flatMap((message) => {
    if (!isObject(message) || message.method !== "notifications/cancelled" || !isObject(message.params)) return [];
    return isRequestId(message.params.requestId) ? [message.params.requestId] : [];
  });
}
