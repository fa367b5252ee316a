import type { EventStore } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { currentExchange } from "./exchange.ts";
import { answeredIdOf, jsonRpcErrorCodes, type RequestId } from "./json-rpc.ts";

/** How many events a session keeps; a new one takes the place of the oldest. */
const KEPT_EVENTS = 64;
/** A longer message is not kept: a value in storage may have 2 MB. */
const LARGEST_KEPT_MESSAGE = 500_000;
const LONGEST_IDS = 500;
const PREFIX = "event/";

const requestIdsSchema = z.array(z.union([z.string(), z.number()]));
const eventSchema = z.object({ number: z.int(), streamId: z.string(), message: z.string() });

type KeptEvent = z.output<typeof eventSchema>;

/** A place in a stream of server-sent events, as `Last-Event-ID` names it. */
interface Cursor {
  readonly streamId: string;
  readonly number: number;
  /** Of the requests that the stream answers; known at its beginning only. */
  readonly requestIds: readonly RequestId[];
}

/**
 * A session's events, so that an answer whose connection broke is still there when the client comes back
 * (MCP 2025-11-25, Transports, Resumability and Redelivery).
 */
export class EventLog implements EventStore {
  readonly #storage: DurableObjectStorage;
  /** The requests of each stream that are still to be answered. */
  readonly #pending = new Map<string, Set<RequestId>>();
  #lastNumber: number | undefined;
  #isClosed = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Keeps nothing from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /** The SDK calls it with an empty message for the event that only gives a stream its first id. */
  async storeEvent(streamId: string, message: JSONRPCMessage | Record<string, never>): Promise<string> {
    const { keepsAnswers, requestIds } = currentExchange();
    if (!("jsonrpc" in message)) {
      if (keepsAnswers) this.#pending.set(streamId, new Set(requestIds));
      return beginningOf(streamId, requestIds);
    }
    const number = this.#nextNumber();
    const text = JSON.stringify(message);
    if (keepsAnswers && text.length <= LARGEST_KEPT_MESSAGE) this.#keep({ number, streamId, message: text });
    const answered = answeredIdOf(message);
    if (answered !== undefined) this.#settle(streamId, answered);
    return `${streamId}:${number}`;
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const cursor = readCursor(lastEventId);
    if (cursor === undefined) throw new Error("not an event id");
    for (const { id, message } of this.#after(cursor)) await send(id, JSON.parse(message));
    return cursor.streamId;
  }

  /** Whether a stream has answers to come. */
  isPending(streamId: string): boolean {
    return this.#pending.has(streamId);
  }

  /** What is left to say of a stream that is over, as server-sent events; an answer that is lost is said to be. */
  remainderOf(cursor: Cursor): string {
    const events = this.#after(cursor);
    const answered = new Set(events.map(({ message }) => answeredIdOf(JSON.parse(message))));
    const lost = cursor.requestIds.filter((id) => !answered.has(id)).map((id) => JSON.stringify(lostAnswer(id)));
    return [
      ...events.map(({ id, message }) => `event: message\nid: ${id}\ndata: ${message}\n\n`),
      ...lost.map((message) => `event: message\ndata: ${message}\n\n`),
    ].join("");
  }

  #keep(event: KeptEvent): void {
    if (this.#isClosed) return;
    // The answer does not wait until this is confirmed.
    void this.#storage.put(`${PREFIX}${event.number % KEPT_EVENTS}`, event, { allowUnconfirmed: true });
  }

  #kept(): KeptEvent[] {
    return z
      .array(eventSchema)
      .parse([...this.#storage.kv.list({ prefix: PREFIX })].map(([, event]) => event))
      .toSorted((a, b) => a.number - b.number);
  }

  #after({ streamId, number }: Cursor): { id: string; message: string }[] {
    return this.#kept()
      .filter((event) => event.streamId === streamId && event.number > number)
      .map((event) => ({ id: `${streamId}:${event.number}`, message: event.message }));
  }

  #settle(streamId: string, requestId: RequestId): void {
    const pending = this.#pending.get(streamId);
    pending?.delete(requestId);
    if (pending?.size === 0) this.#pending.delete(streamId);
  }

  #nextNumber(): number {
    this.#lastNumber = (this.#lastNumber ?? this.#kept().at(-1)?.number ?? 0) + 1;
    return this.#lastNumber;
  }
}

/** @returns undefined for what is not one of our event ids */
export function readCursor(eventId: string): Cursor | undefined {
  const [, streamId, number, ids] = /^([\w-]{1,64}):(\d{1,15})(?::([\w-]{0,2000}))?$/.exec(eventId) ?? [];
  if (streamId === undefined) return undefined;
  return { streamId, number: Number(number), requestIds: ids === undefined ? [] : decodeIds(ids) };
}

/** The id of an event that is not kept: it carries all that is needed to find its answers, or to miss them. */
function beginningOf(streamId: string, requestIds: readonly RequestId[]): string {
  const ids = JSON.stringify(requestIds);
  return ids.length > LONGEST_IDS ? `${streamId}:0` : `${streamId}:0:${Buffer.from(ids).toString("base64url")}`;
}

function decodeIds(encoded: string): RequestId[] {
  try {
    return requestIdsSchema.parse(JSON.parse(Buffer.from(encoded, "base64url").toString()));
  } catch {
    // Somebody made the id up; he misses nobody's answer but his own.
    return [];
  }
}

function lostAnswer(id: RequestId) {
  const message = "The answer is no longer there. The call may have been carried out: look before you repeat it.";
  return { jsonrpc: "2.0", id, error: { code: jsonRpcErrorCodes.badRequest, message } };
}
