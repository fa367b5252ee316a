import { ApplicationError } from "../errors.ts";
import { metrics } from "../observability/metrics.ts";
import { sleep } from "../sleep.ts";

/** How many may wait behind the one whose password is being hashed. */
const LONGEST_QUEUE = 8;

/** How many places an address may have at once, that whose password is being hashed among them. */
const MOST_PER_ADDRESS = 2;

/** How long, in milliseconds, all others have the isolate to themselves between two hashes at most. */
const LONGEST_REST = 3_000;

/** How often, in milliseconds, one who waits looks whether it is their turn. */
const LOOK_EVERY = 25;

/**
 * After how long, in milliseconds, one who has not looked is gone: a request that the runtime has ended runs nothing
 * any more, and nobody may wait for it.
 */
const GONE_AFTER = 10_000;

/** In seconds, until a full queue has moved on. */
const RETRY_AFTER = 5;

/** Keeps what goes on in a request alive after its answer. */
export type WaitUntil = (promise: Promise<unknown>) => void;

/** Who asks for a hash. */
export interface HashAsker {
  /** As `addressOf` names it. */
  readonly address: string;
  /** Keeps the place alive when its client has hung up, so that those behind it move on. */
  readonly waitUntil: WaitUntil;
}

interface Place {
  readonly address: string;
  /** The lowest is the next. */
  readonly turn: number;
  lookedAt: number;
}

/**
 * Those who wait to have a password hashed in this isolate. A hash holds the isolate's only thread for its 200
 * milliseconds and more; so there is one at a time, and behind each all others have as long as it took: time enough to
 * hear the database's answer, however busy the machine is.
 *
 * The addresses take turns: a second place of one lets pass no more than can wait. So a flood from one address makes
 * others wait for one or two hashes.
 *
 * Nobody waits for a promise of another request, which would be lost with it: each looks for themselves.
 */
export class HashQueue {
  #places: Place[] = [];
  /** That whose work is being done; it may have been passed over since. */
  #running: Place | undefined;
  #arrivals = 0;
  /** Until when nothing is hashed, so that others get their turn. */
  #restsUntil = 0;

  /**
   * Does the work, a single hash, when it is its turn.
   *
   * @throws ApplicationError `rate_limited` where the address has two places already; `unavailable` where too many wait;
   * and whatever the work throws
   */
  run<Result>(work: () => Promise<Result>, { address, waitUntil }: HashAsker): Promise<Result> {
    this.#removeGone();
    const own = this.#places.filter((place) => place.address === address).length;
    if (own >= MOST_PER_ADDRESS) {
      const message =
        "Others are signing in or up from your address at this moment. Nothing was changed; try again shortly.";
      return Promise.reject(new ApplicationError("rate_limited", message, { retryAfter: RETRY_AFTER }));
    }
    if (this.#places.length > LONGEST_QUEUE) {
      metrics.count("password_hashes_refused_total", {});
      const message = "Too many people are signing in or up at this moment. Nothing was changed; try again shortly.";
      return Promise.reject(new ApplicationError("unavailable", message, { retryAfter: RETRY_AFTER }));
    }
    this.#arrivals += 1;
    const place = { address, turn: this.#arrivals + own * LONGEST_QUEUE, lookedAt: Date.now() };
    this.#places.push(place);
    const done = this.#runInTurn(place, work);
    waitUntil(done.catch(() => undefined));
    return done;
  }

  async #runInTurn<Result>(place: Place, work: () => Promise<Result>): Promise<Result> {
    try {
      while (this.#next() !== place || this.#isResting()) {
        await sleep(LOOK_EVERY);
        place.lookedAt = Date.now();
        this.#removeGone();
        // One that only could not look, as the isolate was busy, is not gone.
        if (!this.#places.includes(place)) this.#places.push(place);
      }
      this.#running = place;
      return await this.#runNow(work);
    } finally {
      this.#places = this.#places.filter((other) => other !== place);
    }
  }

  /** Whose turn it is: nobody else's while a place has its work done. */
  #next(): Place | undefined {
    return (
      this.#places.find((place) => place === this.#running) ??
      this.#places.toSorted((one, other) => one.turn - other.turn)[0]
    );
  }

  async #runNow<Result>(work: () => Promise<Result>): Promise<Result> {
    const startedAt = Date.now();
    try {
      return await work();
    } finally {
      // In production the clock stands still while the isolate computes, up to here.
      await sleep(0);
      const endedAt = Date.now();
      this.#restsUntil = endedAt + Math.min(endedAt - startedAt, LONGEST_REST);
    }
  }

  /** Also false where the clock was put back since. */
  #isResting(): boolean {
    const left = this.#restsUntil - Date.now();
    return left > 0 && left <= LONGEST_REST;
  }

  #removeGone(): void {
    const now = Date.now();
    this.#places = this.#places.filter(({ lookedAt }) => now - lookedAt < GONE_AFTER);
  }
}
