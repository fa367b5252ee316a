/**
 * How long a test waits for what must come, in milliseconds: a loaded machine takes ten times as long as an idle one.
 * Waiting ends as soon as it has come.
 */
export const PATIENCE = 60_000;

/** When a test that hangs is ended, in milliseconds; some start the server several times. */
export const TEST_LIMIT = 10 * PATIENCE;
