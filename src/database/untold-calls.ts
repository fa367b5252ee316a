import { RecentValues } from "../recent-values.ts";

/** Calls of one key that ended untold began and ended within this, by the database's clock. */
interface Span {
  readonly from: Date;
  readonly until: Date;
}

/** Of more than these the oldest is forgotten: what it changed is not counted then. */
const MOST_CALLS = 10_000;

/**
 * The calls of this isolate that may have been carried out without anybody being told what they did, by their caller's key.
 * The repeat that finds one of them is the first to be told.
 */
export class UntoldCalls {
  readonly #spans = new RecentValues<Span>(MOST_CALLS);

  /** Notes that a call came to nothing, though it may have been carried out in this time. */
  add(userId: number, key: string, { from, until }: Span): void {
    const name = nameOf(userId, key);
    this.#spans.set(name, { from: this.#spans.get(name)?.from ?? from, until });
  }

  /**
   * Tells of a call whether nobody has been told of it, and takes it that somebody is now.
   *
   * @param carriedOutAt by the database's clock; a call of another time with the same key was told to its own caller
   */
  take(userId: number, key: string, carriedOutAt: Date): boolean {
    const name = nameOf(userId, key);
    const span = this.#spans.get(name);
    if (span === undefined) return false;
    this.#spans.delete(name);
    return span.from <= carriedOutAt && carriedOutAt <= span.until;
  }
}

function nameOf(userId: number, key: string): string {
  return `${userId} ${key}`;
}
