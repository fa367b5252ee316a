import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import {
  type JSONRPCMessage,
  JSONRPCMessageSchema,
  type JSONRPCRequest,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/sdk/types.js";
import { isObject } from "../json.ts";
import { AnswerStream, type CompleteResponse, completely } from "./answer-stream.ts";
import type { EventLog } from "./event-log.ts";
import { currentExchange } from "./exchange.ts";
import {
  answeredIdOf,
  jsonRpcErrorCodes,
  jsonRpcErrorResponse,
  LARGEST_BATCH,
  messagesOf,
  type RequestId,
} from "./json-rpc.ts";

type SendOptions = Parameters<WebStandardStreamableHTTPServerTransport["send"]>[1];

/** Of no meaning but to the SDK. */
export const ENDPOINT = "https://session.invalid/mcp";

/** How long, in milliseconds, answers have for sure to be given in one piece; twice that, and they are streamed. */
const READY_WITHIN = 100;

interface SessionTransportOptions {
  readonly sessionId: string;
  /** After how long, in milliseconds, a client comes back for an answer when its connection broke. */
  readonly retryInterval: number;
  /** Where the answers are kept; undefined for clients that cannot come back for them. */
  readonly events: EventLog | undefined;
}

/**
 * The SDK's transport, which answers POSTs of requests by itself: in one piece where it can, without a stream for each.
 * What such a POST must be to be let in, initialize, notifications and the server's own stream are the SDK's.
 */
export class SessionTransport extends WebStandardStreamableHTTPServerTransport {
  readonly #events: EventLog | undefined;
  readonly #retryInterval: number;
  /** The stream that each request in flight is answered on. */
  readonly #streams = new Map<RequestId, AnswerStream>();
  #isWatching = false;

  constructor({ sessionId, retryInterval, events }: SessionTransportOptions) {
    super({ sessionIdGenerator: () => sessionId, retryInterval, ...(events !== undefined && { eventStore: events }) });
    this.#events = events;
    this.#retryInterval = retryInterval;
  }

  /**
   * Takes a message or a batch of them.
   *
   * @param headers of the POST, by their names in small letters
   * @param requestIds of the requests in the body
   */
  async post(
    headers: Readonly<Record<string, string>>,
    body: unknown,
    requestIds: readonly RequestId[],
  ): Promise<Response | CompleteResponse> {
    if (new Set(requestIds).size < requestIds.length || requestIds.some((id) => this.#streams.has(id))) {
      return jsonRpcErrorResponse(400, "invalidRequest", "A request with this id is in flight already.");
    }
    const messages = requestIds.length === 0 ? undefined : admitted(headers, body);
    if (messages === undefined) {
      const request = new Request(ENDPOINT, { method: "POST", headers });
      return completely(await this.handleRequest(request, { parsedBody: body }));
    }

    const stream = new AnswerStream(requestIds, { "mcp-session-id": this.sessionId ?? "" }, (streamId) =>
      this.#events === undefined
        ? ""
        : `id: ${this.#events.begin(streamId, requestIds)}\nretry: ${this.#retryInterval}\ndata: \n\n`,
    );
    for (const id of requestIds) this.#streams.set(id, stream);
    for (const message of messages) this.onmessage?.(message);
    if (!this.#isWatching) this.#watch(new Set());
    return stream.respond();
  }

  /** Has the responses begin that were waited for the last time as well: one timer for all of them costs far less. */
  #watch(waitedFor: ReadonlySet<AnswerStream>): void {
    this.#isWatching = true;
    setTimeout(() => {
      this.#isWatching = false;
      const awaited = new Set([...this.#streams.values()].filter(({ isAwaited }) => isAwaited));
      for (const stream of awaited) if (waitedFor.has(stream)) stream.beginNow();
      if (awaited.size > 0) this.#watch(awaited);
    }, READY_WITHIN);
  }

  /** The rest of a stream that is still being written; undefined where it is over. */
  resume(streamId: string, missed: () => string): Response | undefined {
    return [...this.#streams.values()].find(({ id }) => id === streamId)?.resume(missed());
  }

  /**
   * Waits no longer for the answer to a request that its client has cancelled. It is not sent (MCP, Cancellation), but
   * a client that resumes the stream all the same must not wait for ever.
   */
  endCancelled(requestId: RequestId): void {
    const stream = this.#streams.get(requestId);
    if (stream === undefined) return;
    this.#streams.delete(requestId);
    const error = { code: jsonRpcErrorCodes.badRequest, message: "The request was cancelled." };
    this.#events?.keep(stream.id, JSON.stringify({ jsonrpc: "2.0", id: requestId, error }));
    stream.waitNoLongerFor(requestId);
  }

  override async send(message: JSONRPCMessage, options?: SendOptions): Promise<void> {
    const answered = answeredIdOf(message);
    const requestId = answered ?? options?.relatedRequestId;
    const stream = requestId === undefined ? undefined : this.#streams.get(requestId);
    if (stream === undefined) {
      await super.send(message, options);
      return;
    }
    if (answered !== undefined) this.#streams.delete(answered);
    const json = JSON.stringify(message);
    currentExchange().batch?.count(json.length);
    if (answered !== undefined && "error" in message && stream.isRefusable) {
      stream.refuse(json, answered);
      return;
    }
    const id = this.#events === undefined ? "" : `id: ${this.#events.keep(stream.id, json)}\n`;
    stream.write(`event: message\n${id}data: ${json}\n\n`, answered);
  }

  override async close(): Promise<void> {
    for (const stream of new Set(this.#streams.values())) stream.hangUp();
    this.#streams.clear();
    await super.close();
  }
}

/** The messages of a POST that is as it must be; undefined for one that the SDK will refuse, and say why. */
function admitted(headers: Readonly<Record<string, string>>, body: unknown): readonly JSONRPCMessage[] | undefined {
  const accept = headers.accept ?? "";
  if (!accept.includes("application/json") || !accept.includes("text/event-stream")) return undefined;
  if (!SUPPORTED_PROTOCOL_VERSIONS.includes(headers["mcp-protocol-version"] ?? "")) return undefined;
  if (messagesOf(body).length > LARGEST_BATCH) return undefined;
  const messages: JSONRPCMessage[] = [];
  for (const message of messagesOf(body)) {
    const data = isPlainRequest(message) ? message : JSONRPCMessageSchema.safeParse(message).data;
    if (data === undefined || ("method" in data && data.method === "initialize")) return undefined;
    messages.push(data);
  }
  return messages;
}

/** A request that the SDK's schema lets in for sure. The schema, which costs far more, decides of the others. */
function isPlainRequest(message: unknown): message is JSONRPCRequest {
  if (!isObject(message)) return false;
  const { jsonrpc, id, method, params = {}, ...others } = message;
  if (jsonrpc !== "2.0" || typeof method !== "string") return false;
  if (typeof id !== "string" && !Number.isSafeInteger(id)) return false;
  return isObject(params) && !("_meta" in params) && Object.keys(others).length === 0;
}
