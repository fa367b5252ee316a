import { sleep } from "../sleep.ts";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import type { DatabaseClock } from "./database-clock.ts";
import {
  brokenDown,
  givenUp,
  isCarriedOut,
  isRefusal,
  isSignedOut,
  isStopped,
  isTooLate,
  judgeFailure,
  signedOut,
  stopped,
  timeOfRefusal,
  unavailable,
} from "./database-error.ts";

/** The part of a call's time that it may take after that to learn whether it was carried out. */
const SETTLING_PART = 0.3;

/** How long to wait before each further attempt, in milliseconds; the last counts for all that come after it. */
const PAUSES = [50, 150, 400, 1_000, 2_000];

/** How often a call is made that was not carried out for sure: its caller may repeat it later. */
const MOST_ATTEMPTS = 4;

/** What bounds the calls to one database. */
export interface CallLimits {
  readonly breaker: CircuitBreaker;
  readonly clock: DatabaseClock;
  /** How long a call may take in the database, in milliseconds: what has not been committed by then never is. */
  readonly callTime: number;
}

/** What may be done about a call that fails. */
export interface CallKind {
  readonly isRead: boolean;
  /** Whether its caller has given it a key. */
  readonly isKeyed: boolean;
  /** What its caller can do where it takes too long; absent where it has no limit of time of its own. */
  readonly advice?: string | undefined;
  /** Aborted once nobody waits for the call any longer. */
  readonly signal?: AbortSignal | undefined;
}

/** How a call ended: with its result, or because an attempt whose answer was lost has carried it out. */
export type CallEnd<Result> =
  | { readonly result: Result }
  /** `mayBeOwn` is false where no attempt of this call can have done it: one before it has, with the same key. */
  | { readonly carriedOut: true; readonly mayBeOwn: boolean };

/**
 * Makes a call, and repeats it where its answer is lost or another try may come to something: a call that reads
 * changes nothing, and one that writes has a key under which it is carried out once at most. Whether it was carried out
 * is told as unknown only when its time in the database is over, and nobody could be asked.
 *
 * A call that is given up is not sent, or not once more, where it has certainly not been carried out; any other goes on, as
 * it has to be learned what became of it.
 *
 * @param attempt makes it once, and is told when, as `DatabaseClock.now` has it
 * @throws ApplicationError `unavailable` and `internal`, which say whether anything was changed; `conflict` for a call that
 *   was given up; `unauthenticated` where
 *   nobody with this credential can learn that; `invalid_input` for a bounded call that takes too long
 * @throws whatever the driver threw, where Postgres has refused the call and no attempt of it was carried out
 */
export async function attemptCall<Result>(
  attempt: (sentAt: number) => Promise<Result>,
  { breaker, clock, callTime }: CallLimits,
  { isRead, isKeyed, advice, signal }: CallKind,
): Promise<CallEnd<Result>> {
  const overAt = Date.now() + callTime;
  const endsAt = isRead ? overAt : overAt + callTime * SETTLING_PART;
  let mayBeDone = false;
  for (let count = 0; ; count += 1) {
    // Of a call that may have been carried out it has to be learned, whatever else waits, or nobody does.
    if (signal?.aborted && !mayBeDone) throw givenUp();
    if (!breaker.mayPass() && !mayBeDone) throw unavailable({ isRead, isKeyed, mayBeDone });
    const sentAt = clock.now();
    try {
      const result = await attempt(sentAt);
      breaker.answered();
      return { result };
    } catch (error) {
      const failure = judgeFailure(error);
      if (failure.isAnswered) breaker.answered();
      // One call that keeps failing says little of the others.
      else if (count === 0) breaker.failed();
      if (isCarriedOut(error)) return { carriedOut: true, mayBeOwn: mayBeDone };
      if (isTooLate(error)) {
        const moment = timeOfRefusal(error);
        if (moment !== undefined) clock.learn(moment, sentAt);
        // Under its key nothing was done, and nothing will be.
        throw unavailable({ isRead, isKeyed, mayBeDone: false }, error);
      }
      // This attempt is undone, and of one before it that may not be it still has to be learned.
      if (isStopped(error) && !mayBeDone) throw stopped(advice, error);
      // A caller's key is not looked up for a credential that no longer counts; one of our own is, and was not found.
      if (isSignedOut(error) && mayBeDone && isKeyed) throw signedOut(error, { isKeyed, mayBeDone });
      // What does not fit is refused once the key was looked up: no attempt before it was carried out either.
      if (isRefusal(error)) throw error;
      const isBreakdown = !failure.isWorthRepeating && !isStopped(error);
      const isFirstLoss = !mayBeDone;
      mayBeDone ||= failure.mayBeDone && !isRead;
      if (isBreakdown && isFirstLoss) throw brokenDown({ isRead, isKeyed, mayBeDone }, error);
      const left = overAt - Date.now();
      // As soon as its time is over, another attempt tells whether it was carried out.
      const pause = mayBeDone && left > 0 ? Math.min(pauseBefore(count), left) : pauseBefore(count);
      const isHopeless = !mayBeDone && (breaker.isOpen || count + 1 === MOST_ATTEMPTS);
      if (isHopeless || Date.now() + pause >= endsAt) {
        throw (isBreakdown ? brokenDown : unavailable)({ isRead, isKeyed, mayBeDone }, error);
      }
      await sleep(pause);
    }
  }
}

/** Shortened or prolonged by chance, so that calls that failed together do not come back together. */
function pauseBefore(count: number): number {
  const pause = PAUSES[Math.min(count, PAUSES.length - 1)] ?? 0;
  return pause * (0.5 + Math.random());
}
