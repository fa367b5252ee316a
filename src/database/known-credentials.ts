import { RecentValues } from "../recent-values.ts";

/** For how long, in milliseconds, what was learned of a credential is relied on. */
const RELIED_ON_FOR = 60_000;
const MOST_KNOWN = 5_000;

/**
 * What an isolate has learned of credentials from its calls to the database: whether each still counts. In memory only,
 * for 60 seconds and the 5,000 used last: a request that needs nothing else of the database need not ask again, and a
 * token that was signed out elsewhere is let list tools for a minute at most.
 */
export class KnownCredentials {
  readonly #known = new RecentValues<{ readonly counts: boolean; readonly learnedAt: number }>(MOST_KNOWN);

  learn(credentialId: string, counts: boolean): void {
    this.#known.set(credentialId, { counts, learnedAt: Date.now() });
  }

  /** Whether a credential counts; undefined where that has to be asked. */
  counts(credentialId: string): boolean | undefined {
    const known = this.#known.get(credentialId);
    return known !== undefined && Date.now() - known.learnedAt < RELIED_ON_FOR ? known.counts : undefined;
  }
}
