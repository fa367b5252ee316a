import * as z from "zod";

/** How many messages a session keeps for its client; a new one takes the place of the oldest. */
const KEPT_MESSAGES = 128;
/** How long a message may be, in characters. */
const LONGEST_MESSAGE = 64_000;
const PREFIX = "message/";
const DELIVERED = "messages-delivered";
/** So that keys sort as their numbers do. */
const DIGITS = 15;

const messageSchema = z.object({ version: z.literal(1), message: z.string() });
const deliveredSchema = z.int().default(0);

/** A message from the server, and its place among those of its session. */
interface NumberedMessage {
  readonly number: number;
  /** JSON-RPC; undefined where another release wrote it in a form that this one cannot read. */
  readonly message: string | undefined;
}

/**
 * The messages from a session's server that answer no request: notifications and questions. Its client reads them on
 * the server's own stream; until then they are in storage, so that no eviction loses them.
 *
 * They are numbered 1, 2, 3 …, and stored as `message/<number>`. The last one is never removed, so it says where to go
 * on. `messages-delivered` is the number of the last one that was written to a stream.
 */
export class MessageLog {
  readonly #storage: DurableObjectStorage;
  #lastNumber: number | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /**
   * Adds a message, JSON-RPC.
   *
   * @throws RangeError for one of more than 64,000 characters
   */
  add(message: string): void {
    if (message.length > LONGEST_MESSAGE) {
      throw new RangeError(`a message may have ${LONGEST_MESSAGE} characters, and this has ${message.length}`);
    }
    const number = this.lastNumber + 1;
    this.#storage.kv.put(keyOf(number), { version: 1, message });
    if (number > KEPT_MESSAGES) this.#storage.kv.delete(keyOf(number - KEPT_MESSAGES));
    this.#lastNumber = number;
  }

  /** The number of the last message; 0 where there is none yet. */
  get lastNumber(): number {
    if (this.#lastNumber === undefined) {
      const [last] = this.#storage.kv.list({ prefix: PREFIX, reverse: true, limit: 1 });
      this.#lastNumber = last === undefined ? 0 : numberOf(last[0]);
    }
    return this.#lastNumber;
  }

  /** The messages that are kept and came after a number, in order. */
  after(number: number): NumberedMessage[] {
    if (number >= this.lastNumber) return [];
    return Array.from(this.#storage.kv.list({ prefix: PREFIX, startAfter: keyOf(number) }), ([key, value]) => ({
      number: numberOf(key),
      message: messageSchema.safeParse(value).data?.message,
    }));
  }

  /** The number of the last message that was written to a stream. */
  get delivered(): number {
    return deliveredSchema.parse(this.#storage.kv.get(DELIVERED));
  }

  set delivered(number: number) {
    this.#storage.kv.put(DELIVERED, number);
  }
}

function keyOf(number: number): string {
  return `${PREFIX}${String(number).padStart(DIGITS, "0")}`;
}

function numberOf(key: string): number {
  return Number(key.slice(PREFIX.length));
}
