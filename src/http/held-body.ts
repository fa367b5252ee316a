import { ApplicationError } from "../errors.ts";

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

/** How many characters of a body may be held whatever others hold: most have fewer. */
const SMALL = 64 * KIBIBYTE;

/** More than this only a body with images has, which takes no other's place. */
const LARGE = MEBIBYTE;

/** How many characters all large ones may have together, and so many all between: an isolate has 128 MiB for everything. */
const MOST_HELD = 24 * MEBIBYTE;

/** How long one may be read, in milliseconds. */
const LONGEST_READING = 60_000;

/** In seconds, until others have been read. */
const RETRY_AFTER = 5;

/** The bodies that are being read in this isolate and are not small. */
const counted = new Set<HeldBody>();

/** What is held in memory of a body that is being read. It must be told when that has ended. */
export class HeldBody {
  #size = 0;
  readonly #since = Date.now();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #late = Promise.withResolvers<never>();

  constructor() {
    // It may come while nobody waits for more.
    this.#late.promise.catch(() => undefined);
    this.#timer = setTimeout(() => {
      const message = `The body took longer than ${LONGEST_READING / 1000} seconds; nothing was changed.`;
      this.#late.reject(new ApplicationError("incomplete_body", message));
    }, LONGEST_READING);
  }

  /** Rejects when it is read for too long. */
  get late(): Promise<never> {
    return this.#late.promise;
  }

  /**
   * Says how many characters are held.
   *
   * @throws ApplicationError `rate_limited` where all bodies of its kind together have too many
   */
  grow(size: number): void {
    this.#size = size;
    if (size <= SMALL) return;
    counted.add(this);
    let held = 0;
    for (const body of counted) {
      // The runtime has ended its request, without another word.
      if (body.#isOver) counted.delete(body);
      else if (body.#isLarge === this.#isLarge) held += body.#size;
    }
    if (held <= MOST_HELD) return;
    this.end();
    const message = "Too many large messages are being read at this moment. Nothing was changed; try again shortly.";
    throw new ApplicationError("rate_limited", message, { retryAfter: RETRY_AFTER });
  }

  /** Nothing is held any more. */
  end(): void {
    clearTimeout(this.#timer);
    counted.delete(this);
  }

  get #isLarge(): boolean {
    return this.#size > LARGE;
  }

  get #isOver(): boolean {
    return Date.now() - this.#since > LONGEST_READING;
  }
}
