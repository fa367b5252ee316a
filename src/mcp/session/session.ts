import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import { quoteName } from "../../excerpt.ts";
import { eventStreamHeaders } from "../../http/event-stream.ts";
import { isObject } from "../../json.ts";
import { type Exchange, runInExchange } from "../exchange.ts";
import { isRequestId, jsonRpcErrorResponse, messagesOf, type RequestId } from "../json-rpc.ts";
import { sessionMethods } from "../methods.ts";
import { type AnswerLog, type Cursor, type Keeping, readCursor } from "./answer-log.ts";
import type { CompleteResponse } from "./complete-response.ts";
import type { MessageLog } from "./message-log.ts";
import { OWN_STREAM } from "./server-stream.ts";
import { type Listener, SessionTransport } from "./session-transport.ts";

/** The first protocol whose clients understand an event without data, which gives a stream its first id. */
const RESUMABLE_SINCE = "2025-11-25";
/** The only protocol that has JSON-RPC batches. */
const BATCH_VERSION = "2025-03-26";

/** What a session is made of: with it, it can be opened again after its memory is gone. */
export interface SessionSettings {
  readonly sessionId: string;
  /** The client's initialize request, JSON. */
  readonly initialize: string;
  readonly protocolVersion: string;
  readonly answers: AnswerLog;
  readonly messages: MessageLog;
  /** Told of a message from another release that this one cannot read. */
  readonly onUnreadable: (number: number) => void;
  readonly server: Server;
}

/** A POST to a session: what its messages run with, and what it takes to answer them. */
export interface SessionExchange extends Exchange {
  /** Of the requests it carries. */
  readonly requestIds: readonly RequestId[];
  /** How its answers are kept. */
  readonly keeping: Keeping;
}

/** The headers of a request, by their names in small letters. */
type Headers = Readonly<Record<string, string>>;

/** The protocol of a session: the one the client asks for, or our newest where we do not speak that. */
export function negotiateProtocolVersion(requested: string): string {
  return SUPPORTED_PROTOCOL_VERSIONS.includes(requested) ? requested : LATEST_PROTOCOL_VERSION;
}

/** Whether a protocol version is one that a session speaks. */
export function isSpoken(version: string): boolean {
  return SUPPORTED_PROTOCOL_VERSIONS.includes(version);
}

/** A session of the 2025 protocols while it is in memory (MCP 2025-11-25, Transports, Streamable HTTP). */
export class Session {
  readonly #settings: SessionSettings;
  readonly #transport: SessionTransport;

  private constructor(settings: SessionSettings) {
    this.#settings = settings;
    this.#transport = new SessionTransport({ ...settings, isResumable: this.#isResumable, methods: sessionMethods });
  }

  /** Opens a session by its client's initialize request; its answer is the one to give to the client. */
  static async open(
    settings: SessionSettings,
    exchange: SessionExchange,
  ): Promise<{ session: Session; answer: Response | CompleteResponse }> {
    const session = new Session(settings);
    await settings.server.connect(session.#transport);
    const answer = await session.#post(JSON.parse(settings.initialize), exchange);
    return { session, answer };
  }

  get #isResumable(): boolean {
    return this.#settings.protocolVersion >= RESUMABLE_SINCE;
  }

  /** Takes a message, or a batch of them. */
  async post(headers: Headers, body: unknown, exchange: SessionExchange): Promise<Response | CompleteResponse> {
    const refusal = refuseVersion(headers) ?? this.#refuseBody(body);
    if (refusal !== undefined) return refusal;
    const response = await this.#post(body, exchange);
    for (const id of cancelledIdsOf(body)) this.#transport.endCancelled(id);
    return response;
  }

  /** Opens the server's own stream, or goes on with the one that `Last-Event-ID` names. */
  async listen(headers: Headers, listener: Omit<Listener, "position">): Promise<Response> {
    const refusal = refuseVersion(headers);
    if (refusal !== undefined) return refusal;
    const lastEventId = this.#isResumable ? headers["last-event-id"] : undefined;
    if (lastEventId === undefined) return this.#transport.listen({ ...listener, position: undefined });
    const cursor = readCursor(lastEventId);
    if (cursor === undefined) {
      return jsonRpcErrorResponse(400, "badRequest", "Last-Event-ID is not an event id of this session.");
    }
    if (cursor.streamId === OWN_STREAM) return this.#transport.listen({ ...listener, position: cursor.number });
    return this.#transport.resume(cursor) ?? this.#remainder(cursor);
  }

  /**
   * Sends what answers no request, JSON-RPC: now, or when the client comes for it.
   *
   * @throws RangeError for a message that is too long to be kept
   */
  tell(json: string): Promise<void> {
    return this.#transport.tell(json);
  }

  /** Ends the server's own stream where it was opened with this credential, which no longer counts. */
  endStreamOf(credentialId: string): void {
    this.#transport.endStreamOf(credentialId);
  }

  /** Ends every stream and forgets every request; whatever still comes of them is dropped. */
  async close(): Promise<void> {
    this.#settings.answers.close();
    await this.#transport.close();
  }

  #post(body: unknown, exchange: SessionExchange): Promise<Response | CompleteResponse> {
    const { requestIds, keeping, batch } = exchange;
    return runInExchange(exchange, () => this.#transport.post(body, { requestIds, keeping, batch }));
  }

  #refuseBody(body: unknown): Response | undefined {
    if (Array.isArray(body) && this.#settings.protocolVersion !== BATCH_VERSION) {
      return jsonRpcErrorResponse(400, "invalidRequest", `JSON-RPC batches exist in protocol ${BATCH_VERSION} only.`);
    }
    if (messagesOf(body).some((message) => isObject(message) && message.method === "initialize")) {
      return jsonRpcErrorResponse(400, "invalidRequest", "initialize opens a session of its own; send it alone.");
    }
    return undefined;
  }

  #remainder(cursor: Cursor): Response {
    const remainder = this.#settings.answers.remainderOf(cursor);
    // Which ends the coming back (WHATWG HTML section 9.2); clients take a stream without an answer for cut off.
    if (remainder === "") return new Response(null, { status: 204 });
    return new Response(remainder, { headers: eventStreamHeaders });
  }
}

/** Refuses a protocol version that nobody speaks. Some clients send none after initialize; the session knows it. */
function refuseVersion(headers: Headers): Response | undefined {
  const version = headers["mcp-protocol-version"];
  if (version === undefined || isSpoken(version)) return undefined;
  const spoken = SUPPORTED_PROTOCOL_VERSIONS.join(", ");
  return jsonRpcErrorResponse(
    400,
    "badRequest",
    `Unknown protocol version ${quoteName(version)}; a session has ${spoken}.`,
  );
}

/** The ids in the notifications/cancelled of a body. */
function cancelledIdsOf(body: unknown): RequestId[] {
  return messagesOf(body).flatMap((message) => {
    if (!isObject(message) || message.method !== "notifications/cancelled" || !isObject(message.params)) return [];
    return isRequestId(message.params.requestId) ? [message.params.requestId] : [];
  });
}
