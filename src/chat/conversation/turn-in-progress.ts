import { STOPPED } from "../agent/run-agent.ts";
import type { TurnEvent, TurnStart } from "../stream/turn-event.ts";
import type { TurnReply } from "./conversation-object.ts";
import { hasImagesOf } from "./message-images.ts";
import type { TurnRequest } from "./run-turn.ts";

/**
 * A turn from the moment it is asked for: it can be stopped before it has begun, and all who watch it see all of it,
 * from its start, however late they come.
 */
export class TurnInProgress {
  readonly #abort = new AbortController();
  readonly #events: TurnEvent[] = [];
  #start: TurnStart | undefined;
  #hasEnded = false;
  #isDropped = false;
  #news = Promise.withResolvers<void>();
  readonly #what: TurnRequest["what"];
  /** How it has begun, or why it has not. */
  readonly reply: Promise<TurnReply>;

  constructor(what: TurnRequest["what"], reply: Promise<TurnReply>) {
    // Who reads its stream slowly keeps it in memory: not its images.
    this.#what = what.type === "message" ? { ...what, images: what.images?.map(({ digest }) => ({ digest })) } : what;
    this.reply = reply;
  }

  /** Whether it answers this very message: a client that sends it again need only watch. */
  answers(what: TurnRequest["what"]): boolean {
    if (what.type === "approval" || this.#what.type === "approval") return false;
    const { id, text, isAnew, replaces } = this.#what;
    if (what.id !== id || what.text !== text || !hasImagesOf(what, this.#what)) return false;
    return !what.isAnew || (isAnew === true && what.replaces !== undefined && what.replaces === replaces);
  }

  /** Whether those who watch have been told a question for the person. */
  get hasAsked(): boolean {
    return this.#events.some(({ type }) => type === "approval_request");
  }

  /** Aborted when the turn must stop. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  abort(reason: Error): void {
    this.#abort.abort(reason);
  }

  stop(): void {
    this.abort(STOPPED);
  }

  /** Whether it must not begin any more. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  drop(): void {
    this.#isDropped = true;
    this.stop();
  }

  begin(start: TurnStart): void {
    this.#start = start;
    this.#tell();
  }

  /** Waits until it has begun; false where it never will. */
  async hasBegun(): Promise<boolean> {
    while (this.#start === undefined && !this.#hasEnded) await this.#news.promise;
    return this.#start !== undefined;
  }

  add(event: TurnEvent): void {
    this.#events.push(event);
    this.#tell();
  }

  end(): void {
    this.#hasEnded = true;
    this.#tell();
  }

  /** All of it, then what is still to come; nothing where it never begins. */
  async *watch(): AsyncGenerator<TurnStart | TurnEvent> {
    await this.hasBegun();
    if (this.#start === undefined) return;
    yield this.#start;
    for (let index = 0; ; index += 1) {
      while (index >= this.#events.length && !this.#hasEnded) await this.#news.promise;
      const event = this.#events[index];
      if (event === undefined) return;
      yield event;
    }
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
