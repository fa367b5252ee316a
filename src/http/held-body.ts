import { ApplicationError } from "../errors.ts";

const MEBIBYTE = 1024 * 1024;

/** How many characters of a body may be held whatever others hold: only one with images in it has more. */
const SMALL = MEBIBYTE;

/** How many characters all larger ones may have together: an isolate has 128 MiB for everything. */
const MOST_HELD = 24 * MEBIBYTE;

/** How long a larger one may be read, in milliseconds. */
const LONGEST_READING = 60_000;

/** In seconds, until others have been read. */
const RETRY_AFTER = 5;

/** The larger bodies that are being read in this isolate. */
const large = new Set<HeldBody>();

/** What is held in memory of a body that is being read. It must be told when that has ended. */
export class HeldBody {
  #size = 0;
  #largeSince: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #late = Promise.withResolvers<never>();

  /** Rejects when it is read for too long; undefined as long as it is small. */
  get late(): Promise<never> | undefined {
    return this.#largeSince === undefined ? undefined : this.#late.promise;
  }

  /**
   * Says how many characters are held.
   *
   * @throws ApplicationError `rate_limited` where all larger bodies together have too many
   */
  grow(size: number): void {
    this.#size = size;
    if (size <= SMALL) return;
    if (this.#largeSince === undefined) this.#beginToCount();
    let held = 0;
    for (const body of large) {
      // The runtime has ended its request, without another word.
      if (body.#isOver) large.delete(body);
      else held += body.#size;
    }
    if (held <= MOST_HELD) return;
    this.end();
    const message = "Too many large messages are being read at this moment. Nothing was changed; try again shortly.";
    throw new ApplicationError("rate_limited", message, { retryAfter: RETRY_AFTER });
  }

  /** Nothing is held any more. */
  end(): void {
    clearTimeout(this.#timer);
    large.delete(this);
  }

  get #isOver(): boolean {
    return this.#largeSince !== undefined && Date.now() - this.#largeSince > LONGEST_READING;
  }

  #beginToCount(): void {
    this.#largeSince = Date.now();
    large.add(this);
    // It may come while nobody waits for more.
    this.#late.promise.catch(() => undefined);
    this.#timer = setTimeout(() => {
      const message = `The body took longer than ${LONGEST_READING / 1000} seconds; nothing was changed.`;
      this.#late.reject(new ApplicationError("incomplete_body", message));
    }, LONGEST_READING);
  }
}
