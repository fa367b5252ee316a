import { RecentValues } from "../recent-values.ts";

/** For how long, in milliseconds, what was learned of a credential is relied on. */
const RELIED_ON_FOR = 60_000;
const MOST_KNOWN = 5_000;

interface Knowledge {
  readonly counts: boolean;
  /** When the database was asked. */
  readonly askedAt: number;
}

/**
 * What an isolate has learned of credentials from its calls to the database: whether each still counts. In memory only,
 * for 60 seconds and the 5,000 used last: a request that needs nothing else of the database need not ask again, and a
 * token that was signed out elsewhere is let list tools for a minute at most. One that has ended never counts again.
 */
export class KnownCredentials {
  readonly #known = new RecentValues<Knowledge>(MOST_KNOWN);
  /** When all credentials of a user have ended. */
  readonly #ended = new RecentValues<number>(MOST_KNOWN);

  /**
   * Takes what a call has told.
   *
   * @param askedAt when the call was sent: its answer may be late, and tells of that moment
   */
  learn(credentialId: string, counts: boolean, askedAt = Date.now()): void {
    if (counts && this.#known.get(credentialId)?.counts === false) return;
    this.#known.set(credentialId, { counts, askedAt });
  }

  /** Forgets what was learned of all that a user had until now. */
  endAll(userId: number): void {
    this.#ended.set(String(userId), Date.now());
  }

  /** Whether a credential counts; undefined where that has to be asked. */
  counts(userId: number, credentialId: string): boolean | undefined {
    const known = this.#known.get(credentialId);
    if (known === undefined || Date.now() - known.askedAt >= RELIED_ON_FOR) return undefined;
    const endedAt = this.#ended.get(String(userId)) ?? 0;
    return known.counts && known.askedAt <= endedAt ? undefined : known.counts;
  }
}
