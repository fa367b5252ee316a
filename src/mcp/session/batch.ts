import { JsonRpcError } from "../json-rpc.ts";

/** How many requests of a batch run at a time: each asks the database, and holds its answer until all of it is written. */
const AT_A_TIME = 4;
/** How long the answers of a batch may be together, in characters, when another of its requests begins. */
const LARGEST_ANSWER = 4 * 1024 * 1024;
/** How many milliseconds after the batch its last request begins. */
const LONGEST_WAIT = 30_000;

/**
 * The requests of one JSON-RPC batch, which has up to 100 of them in one HTTP request: a few run at a time, and none
 * begins where the answers are too long by then. So what a batch costs does not grow with what it asks for.
 */
export class Batch {
  readonly #begun = Date.now();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #answered = 0;

  /**
   * Runs a request when it is its turn.
   *
   * @param signal aborted once nobody waits for the answer any longer
   * @throws JsonRpcError where it is not run
   */
  async run<Result>(work: () => Promise<Result> | Result, signal: AbortSignal): Promise<Result> {
    if (this.#running === AT_A_TIME) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      signal.throwIfAborted();
      if (this.#answered >= LARGEST_ANSWER) throw notRun(`the answers of this batch have ${LARGEST_ANSWER} characters`);
      if (Date.now() - this.#begun > LONGEST_WAIT) throw notRun(`those before it took ${LONGEST_WAIT / 1000} seconds`);
      return await work();
    } finally {
      // The next one begins once this answer is written, and counted.
      setTimeout(() => this.#passOn(), 0);
    }
  }

  /** Takes note of an answer that was written. */
  count(length: number): void {
    this.#answered += length;
  }

  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}

function notRun(reason: string): JsonRpcError {
  return new JsonRpcError("badRequest", `This request was not run: ${reason}. Send it again, in a smaller batch.`);
}
