/** How far the database's clock may be from ours as long as it has told us nothing, in milliseconds. */
const UNKNOWN_CLOCK = 2_000;

/** An answer that took longer tells too little of when it was given. */
const LONGEST_ROUND_TRIP = 1_000;

/**
 * What this isolate knows of the database's clock, from the moments in its answers: deadlines are in the database's
 * time, and hold whatever our own clock says.
 */
export class DatabaseClock {
  #offset = 0;
  #uncertainty = UNKNOWN_CLOCK;

  /** Now, by our own clock as it was set when this isolate began: one that is set anew would undo what was learned. */
  now(): number {
    return performance.timeOrigin + performance.now();
  }

  /**
   * Takes a moment of the database from an answer.
   *
   * @param sentAt when the request was sent, as `now` has told it
   */
  learn(moment: Date, sentAt: number): void {
    const receivedAt = this.now();
    const roundTrip = receivedAt - sentAt;
    if (roundTrip > LONGEST_ROUND_TRIP) return;
    this.#offset = moment.getTime() - (sentAt + receivedAt) / 2;
    this.#uncertainty = roundTrip / 2;
  }

  /** A moment of the database's clock that is not after this one. */
  earliestNow(): Date {
    return new Date(this.now() + this.#offset - this.#uncertainty);
  }

  /** A moment of the database's clock that has for sure passed once these milliseconds have by ours. */
  deadlineAfter(milliseconds: number): string {
    return new Date(this.earliestNow().getTime() + milliseconds).toISOString();
  }
}
