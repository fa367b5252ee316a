import * as z from "zod";
import { serverSentEvent } from "../../http/event-stream.ts";
import { parseJson } from "../../json.ts";
import { createLogger } from "../../observability/log.ts";
import { answeredIdOf, jsonRpcErrorCodes, type RequestId } from "../json-rpc.ts";

/** How many answers a session keeps; a new one takes the place of the oldest. */
const KEPT_ANSWERS = 64;
/** A longer answer is not kept: a value in storage may have 2 MB. */
const LARGEST_KEPT_ANSWER = 500_000;
const LONGEST_IDS = 500;
/** For how long, in milliseconds, answers that can be had again by asking again are held in memory alone. */
const HELD_FOR = 1000;
/** After how long, in milliseconds, a client comes back when its connection broke. */
const RETRY = 1000;
const PREFIX = "event/";
/** No event has it: it stands for the end of a stream. */
const LAST_NUMBER = 999_999_999_999_999;

const requestIdsSchema = z.array(z.union([z.string(), z.number()]));
const answerSchema = z.object({
  /** Of its event. */
  number: z.int(),
  streamId: z.string(),
  /** JSON-RPC */
  message: z.string(),
  /** Which answer of the session it is. The release before 1.1 counts nothing but answers, and writes no place. */
  place: z.int().optional(),
});

/** Of an answer that only another release can read; no event may have its number again. */
const countedSchema = z.object({ number: z.int(), place: z.int().optional() }).catch({ number: 0 });

type KeptAnswer = z.output<typeof answerSchema>;

/** Whether an answer is kept for `Last-Event-ID`: at once, or together with others a moment later. */
export type Keeping = "at once" | "soon" | "never";

/** A place in a stream of server-sent events, as `Last-Event-ID` names it. */
export interface Cursor {
  readonly streamId: string;
  readonly number: number;
  /** Of the requests that are still to be answered there. */
  readonly requestIds: readonly RequestId[];
}

/**
 * The answers of a session, so that one whose connection broke is still there when the client comes back
 * (MCP 2025-11-25, Transports, Resumability and Redelivery). In storage, a ring of `event/<place modulo 64>`: an answer
 * takes the place of the oldest answer, however many notifications there were between the two.
 */
export class AnswerLog {
  readonly #storage: DurableObjectStorage;
  /** By their keys in storage, where they will be in a moment. */
  readonly #held = new Map<string, KeptAnswer>();
  #last: { number: number; place: number } | undefined;
  #isClosed = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Keeps nothing from now on. */
  close(): void {
    this.#isClosed = true;
    this.#held.clear();
  }

  /** The number of a new event on the stream of a POST. No stream has it twice, as none outlives the object's memory. */
  nextNumber(): number {
    this.#last ??= this.#readLast();
    this.#last.number += 1;
    return this.#last.number;
  }

  /** Keeps an answer, JSON, that was the event of this number. */
  keep(streamId: string, number: number, message: string, keeping: Keeping): void {
    if (keeping === "never" || message.length > LARGEST_KEPT_ANSWER) return;
    this.#last ??= this.#readLast();
    this.#last.place += 1;
    const { place } = this.#last;
    this.#held.set(`${PREFIX}${place % KEPT_ANSWERS}`, { number, streamId, message, place });
    if (keeping === "at once") this.#write();
    else if (this.#held.size === 1) setTimeout(() => this.#write(), HELD_FOR);
  }

  /**
   * What was answered on a stream that is over, as server-sent events; an answer that is lost is said to be. It has an
   * event id as well, after which there is nothing: without one, clients built on version 1 of the SDK would open the
   * server's own stream once more.
   */
  remainderOf({ streamId, number, requestIds }: Cursor): string {
    const answers = this.#kept().filter((answer) => answer.streamId === streamId && answer.number > number);
    const answered = new Set(answers.map(({ message }) => answeredIdOf(JSON.parse(message))));
    const lost = requestIds.filter((id) => !answered.has(id)).map((id) => JSON.stringify(lostAnswer(id)));
    return [
      ...answers.map((answer) => messageEvent(answer.message, eventId(streamId, answer.number))),
      ...lost.map((message) => messageEvent(message, eventId(streamId, LAST_NUMBER))),
    ].join("");
  }

  #readLast(): { number: number; place: number } {
    const counted = this.#records().map((record) => countedSchema.parse(record));
    return {
      number: Math.max(0, ...counted.map(({ number }) => number)),
      place: Math.max(0, ...counted.map(({ number, place }) => place ?? number)),
    };
  }

  #write(): void {
    if (this.#isClosed || this.#held.size === 0) return;
    // The answer does not wait until this is confirmed.
    void this.#storage.put(Object.fromEntries(this.#held), { allowUnconfirmed: true });
    this.#held.clear();
  }

  #kept(): KeptAnswer[] {
    const records = this.#records();
    const kept = records.flatMap((record) => answerSchema.safeParse(record).data ?? []);
    if (kept.length < records.length) {
      const log = createLogger("info", { object: "McpSession" });
      log.error("mcp_answer_unreadable", { answers: records.length - kept.length });
    }
    return kept.toSorted((a, b) => a.number - b.number);
  }

  #records(): unknown[] {
    return [...new Map<string, unknown>([...this.#storage.kv.list({ prefix: PREFIX }), ...this.#held]).values()];
  }
}

/** A JSON-RPC message as a server-sent event; without an id for a client that cannot come back. */
export function messageEvent(json: string, id: string | undefined): string {
  return serverSentEvent({ event: "message", id, data: json });
}

/** The event that gives a stream its first id (MCP 2025-11-25, Transports: with an empty data field). */
export function openingEvent(id: string): string {
  return serverSentEvent({ id, retry: RETRY, data: "" });
}

/**
 * Makes the id of an event.
 *
 * @param requestIds of the requests that are still to be answered on the stream: an answer that is lost is known by them
 */
export function eventId(streamId: string, number: number, requestIds: readonly RequestId[] = []): string {
  const ids = requestIds.length === 0 ? "" : encodeURIComponent(JSON.stringify(requestIds));
  return ids === "" || ids.length > LONGEST_IDS ? `${streamId}:${number}` : `${streamId}:${number}:${ids}`;
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
