import { STOPPED } from "./agent.ts";
import type { TurnEvent, TurnStart } from "./turn-event.ts";

/** A turn while it runs: whoever watches it sees all of it, from its start, however late he comes. */
export class RunningTurn {
  readonly #start: TurnStart;
  readonly #abort = new AbortController();
  readonly #events: TurnEvent[] = [];
  #hasEnded = false;
  #news = Promise.withResolvers<void>();

  constructor(start: TurnStart) {
    this.#start = start;
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

  add(event: TurnEvent): void {
    this.#events.push(event);
    this.#tell();
  }

  end(): void {
    this.#hasEnded = true;
    this.#tell();
  }

  /** All of it, then what is still to come. */
  async *watch(): AsyncGenerator<TurnStart | TurnEvent> {
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
