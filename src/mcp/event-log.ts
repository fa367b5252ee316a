import type { EventStore } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { parseJson } from "../json.ts";
import { currentExchange } from "./exchange.ts";
import { answeredIdOf, jsonRpcErrorCodes, type RequestId } from "./json-rpc.ts";

/** How many events a session keeps; a new one takes the place of the oldest. */
const KEPT_EVENTS = 64;
/** A longer message is not kept: a value in storage may have 2 MB. */
const LARGEST_KEPT_MESSAGE = 500_000;
const LONGEST_IDS = 500;
/** For how long, in milliseconds, answers that can be had again by asking again are held in memory alone. */
const HELD_FOR = 1000;
const PREFIX = "event/";
/** No event has it: it stands for the end of a stream. */
const LAST_NUMBER = 999_999_999_999_999;

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
  /** By their keys in storage, where they will be in a moment. */
  readonly #held = new Map<string, KeptEvent>();
  #lastNumber: number | undefined;
  #isClosed = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Keeps nothing from now on. */
  close(): void {
    this.#isClosed = true;
    this.#held.clear();
  }

  /** The SDK calls it with an empty message for the event that only gives a stream its first id. */
  async storeEvent(streamId: string, message: JSONRPCMessage | Record<string, never>): Promise<string> {
    if (!("jsonrpc" in message)) return this.begin(streamId, currentExchange().requestIds);
    return this.keep(streamId, JSON.stringify(message));
  }

  /** @returns the id of the event that only gives a stream its first id: it carries all that is needed to find its answers */
  begin(streamId: string, requestIds: readonly RequestId[]): string {
    const ids = JSON.stringify(requestIds);
    return ids.length > LONGEST_IDS ? `${streamId}:0` : `${streamId}:0:${encodeURIComponent(ids)}`;
  }

  /** Keeps a message, JSON, as the exchange wants it kept; @returns the id of its event. */
  keep(streamId: string, text: string): string {
    const { keepsAnswers } = currentExchange();
    const number = this.#nextNumber();
    if (keepsAnswers !== "never" && text.length <= LARGEST_KEPT_MESSAGE) {
      this.#held.set(`${PREFIX}${number % KEPT_EVENTS}`, { number, streamId, message: text });
      if (keepsAnswers === "at once") this.#write();
      else if (this.#held.size === 1) setTimeout(() => this.#write(), HELD_FOR);
    }
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

  /** What was said on a stream since, as server-sent events. */
  textAfter(cursor: Cursor): string {
    return this.#after(cursor)
      .map(({ id, message }) => `event: message\nid: ${id}\ndata: ${message}\n\n`)
      .join("");
  }

  /**
   * The same of a stream that is over; an answer that is lost is said to be. It has an event id as well, after which
   * there is nothing: without one, clients built on version 1 of the SDK would open the server's own stream once more.
   */
  remainderOf(cursor: Cursor): string {
    const answered = new Set(this.#after(cursor).map(({ message }) => answeredIdOf(JSON.parse(message))));
    const lost = cursor.requestIds.filter((id) => !answered.has(id)).map((id) => JSON.stringify(lostAnswer(id)));
    const end = `${cursor.streamId}:${LAST_NUMBER}`;
    return [this.textAfter(cursor), ...lost.map((message) => `event: message\nid: ${end}\ndata: ${message}\n\n`)].join(
      "",
    );
  }

  #write(): void {
    if (this.#isClosed || this.#held.size === 0) return;
    // The answer does not wait until this is confirmed.
    void this.#storage.put(Object.fromEntries(this.#held), { allowUnconfirmed: true });
    this.#held.clear();
  }

  #kept(): KeptEvent[] {
    const kept = new Map([...this.#storage.kv.list({ prefix: PREFIX }), ...this.#held]);
    return z
      .array(eventSchema)
      .parse([...kept.values()])
      .toSorted((a, b) => a.number - b.number);
  }

  #after({ streamId, number }: Cursor): { id: string; message: string }[] {
    return this.#kept()
      .filter((event) => event.streamId === streamId && event.number > number)
      .map((event) => ({ id: `${streamId}:${event.number}`, message: event.message }));
  }

  #nextNumber(): number {
    this.#lastNumber = (this.#lastNumber ?? this.#kept().at(-1)?.number ?? 0) + 1;
    return this.#lastNumber;
  }
}

/** @returns undefined for what is not one of our event ids */
export function readCursor(eventId: string): Cursor | undefined {
  const [, streamId, number, ids] = /^([\w-]{1,64}):(\d{1,15})(?::([\w%.!~*'()-]{0,5000}))?$/.exec(eventId) ?? [];
  if (streamId === undefined) return undefined;
  return { streamId, number: Number(number), requestIds: ids === undefined ? [] : decodeIds(ids) };
}

function decodeIds(encoded: string): RequestId[] {
  try {
    return requestIdsSchema.parse(parseJson(decodeURIComponent(encoded), "Last-Event-ID"));
  } catch {
    // Somebody made the id up; they miss nobody's answer but their own.
    return [];
  }
}

function lostAnswer(id: RequestId) {
  const message = "The answer is no longer there. The call may have been carried out: look before you repeat it.";
  return { jsonrpc: "2.0", id, error: { code: jsonRpcErrorCodes.badRequest, message } };
}
