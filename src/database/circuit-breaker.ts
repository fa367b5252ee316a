/** After how many failed calls in a row nothing is sent any more for a while. */
const FAILURES_UNTIL_OPEN = 5;
const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 5_000;

/**
 * Keeps requests from a database that does not answer: they would only wait for it. After each pause one request is let
 * through to see whether it is back.
 */
export class CircuitBreaker {
  #failures = 0;
  #pause = SHORTEST_PAUSE;
  #opensAgainAt = 0;

  /** Whether the database has not answered lately. */
  get isOpen(): boolean {
    return this.#failures >= FAILURES_UNTIL_OPEN;
  }

  /** Whether a request may be sent now. After a pause the first that asks may, and those behind it wait for what it tells. */
  mayPass(): boolean {
    if (!this.isOpen) return true;
    if (Date.now() < this.#opensAgainAt) return false;
    this.#opensAgainAt = Date.now() + this.#pause;
    return true;
  }

  /** The database has answered, whatever it said. */
  answered(): void {
    this.#failures = 0;
    this.#pause = SHORTEST_PAUSE;
  }

  failed(): void {
    this.#failures += 1;
    if (!this.isOpen) return;
    if (this.#failures > FAILURES_UNTIL_OPEN) this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    this.#opensAgainAt = Date.now() + this.#pause;
  }
}
