const MINUTE = 60_000;
const ENOUGH = 25_000;

/**
 * Waits, where little is left of it, until the next minute begins: a rate limiter counts by the minute on the clock, and a
 * test that uses one up must not begin in one minute and end in another.
 */
export async function enoughOfMinute(): Promise<void> {
  const left = MINUTE - (Date.now() % MINUTE);
  if (left < ENOUGH) await new Promise((resolve) => setTimeout(resolve, left));
}
