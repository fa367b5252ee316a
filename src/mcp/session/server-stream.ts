import { serverSentComment, serverSentEvent } from "../../http/event-stream.ts";
import { eventId, messageEvent, openingEvent } from "./answer-log.ts";
import type { MessageLog } from "./message-log.ts";

/** The name of the stream in its event ids, as the SDK's transport chose it. */
export const OWN_STREAM = "_GET_stream";

/** How long a stream stays open without a message, and how long its client then stays away, in milliseconds. */
const IDLE = 5 * 60 * 1000;
const AWAY = 5 * 60 * 1000;
/** How soon the credential is checked again where nobody could say whether it counts. */
const CHECK_AGAIN = 30 * 1000;
/** How often a comment shows proxies that the connection is in use. */
const KEEP_ALIVE = 15 * 1000;
/** How many events may wait for a client that reads too slowly. */
const MOST_UNREAD = 256;

const encoder = new TextEncoder();

interface ServerStreamOptions {
  readonly messages: MessageLog;
  /** The number of the last message that the client has. */
  readonly position: number;
  /** Whether the client can come back by an event id. */
  readonly isResumable: boolean;
  readonly headers: Readonly<Record<string, string>>;
  /** @returns whether the credential that the stream was opened with still counts; throws where nobody can say now */
  readonly isStillAllowed: () => Promise<boolean>;
  /** Told of a message that this release cannot read, and leaves out. */
  readonly onUnreadable: (number: number) => void;
  readonly onEnd: () => void;
}

/**
 * The server's own stream of a session (GET): every message of the log after the client's position, in order, as it
 * comes. What is sent again and what is sent for the first time go the same way.
 */
export class ServerStream {
  readonly response: Response;
  readonly #options: ServerStreamOptions;
  readonly #keepingAlive: ReturnType<typeof setInterval>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #position: number;
  #ending: ReturnType<typeof setTimeout> | undefined;
  #checkingAgain: ReturnType<typeof setTimeout> | undefined;
  #checking: Promise<boolean> | undefined;

  constructor(options: ServerStreamOptions) {
    this.#options = options;
    this.#position = options.position;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.#stop(),
      },
      new CountQueuingStrategy({ highWaterMark: MOST_UNREAD }),
    );
    this.response = new Response(body, { headers: options.headers });
    // Clients of older protocols take an event without data for a message.
    if (options.isResumable) this.#write(openingEvent(eventId(OWN_STREAM, this.#position)));
    this.#keepingAlive = setInterval(() => this.#write(serverSentComment("keep-alive")), KEEP_ALIVE);
    this.#startIdling();
  }

  /** Writes the messages that the client has not got. Where the credential no longer counts, the stream ends instead. */
  async flush(): Promise<void> {
    const { messages, isResumable, onUnreadable } = this.#options;
    if (messages.lastNumber === this.#position) return;
    this.#checking ??= this.#check();
    // In the meantime another flush may have written them, or the stream may have ended.
    if (!(await this.#checking) || messages.lastNumber === this.#position || this.#controller === undefined) return;
    for (const { number, message } of messages.after(this.#position)) {
      if (message === undefined) onUnreadable(number);
      else if (!this.#write(messageEvent(message, isResumable ? eventId(OWN_STREAM, number) : undefined))) break;
      this.#position = number;
    }
    messages.delivered = this.#position;
    this.#startIdling();
  }

  /** Ends the stream; its client stays away for a while. */
  end(): void {
    this.#write(serverSentEvent({ retry: AWAY }));
    this.#controller?.close();
    this.#stop();
  }

  /** @returns whether to write */
  async #check(): Promise<boolean> {
    try {
      if (await this.#options.isStillAllowed()) return true;
      this.end();
    } catch {
      // What was asked has logged it. The messages are kept.
      clearTimeout(this.#checkingAgain);
      if (this.#controller !== undefined) this.#checkingAgain = setTimeout(() => void this.flush(), CHECK_AGAIN);
    } finally {
      this.#checking = undefined;
    }
    return false;
  }

  /** @returns whether it was written */
  #write(text: string): boolean {
    const controller = this.#controller;
    if (controller === undefined) return false;
    if ((controller.desiredSize ?? 0) > 0) {
      controller.enqueue(encoder.encode(text));
      return true;
    }
    // The client does not read. Where it is still there, it comes back for the rest.
    controller.close();
    this.#stop();
    return false;
  }

  #startIdling(): void {
    clearTimeout(this.#ending);
    if (this.#controller !== undefined) this.#ending = setTimeout(() => this.end(), IDLE);
  }

  #stop(): void {
    this.#controller = undefined;
    clearInterval(this.#keepingAlive);
    clearTimeout(this.#ending);
    clearTimeout(this.#checkingAgain);
    this.#options.onEnd();
  }
}
