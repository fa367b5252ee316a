/**
 * Whether the tests that take minutes run too: the rehearsals of releases, the thousands of requests, and faults that last. They do in CI, and
 * by `CI=true npm test` anywhere; every day they are skipped by name.
 */
export const isLongRun = process.env.CI === "true";
