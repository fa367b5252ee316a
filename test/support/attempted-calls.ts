import { NeonDbError } from "@neondatabase/serverless";
import { vi } from "vitest";
import { attemptCall, type CallKind } from "../../src/database/call-attempts.ts";
import { CircuitBreaker } from "../../src/database/circuit-breaker.ts";
import { DatabaseClock } from "../../src/database/database-clock.ts";
import { TransportError } from "../../src/database/sql-over-http.ts";

export const READ = { isRead: true, isKeyed: false };
export const WRITE = { isRead: false, isKeyed: false };
export const KEYED_WRITE = { isRead: false, isKeyed: true };

/** Nobody knows whether it was carried out. */
export const lost = () => new TransportError("no answer", { mayBeDone: true });
/** It was passed on to nobody. */
export const refused = () => new TransportError("HTTP 429", { mayBeDone: false });
/** Postgres' own error of a code. */
export const postgres = (code: string) => Object.assign(new NeonDbError("said by Postgres"), { code });

/** Stops the clock at a moment; timers run when the test says so. */
export function stopClock(): void {
  vi.useFakeTimers();
  vi.setSystemTime(new Date("2026-11-27T12:00:00Z"));
}

/** Makes a call by a stopped clock, whose attempts come to these things, one after the other, the last again and again. */
export async function call(
  kind: CallKind,
  outcomes: readonly (Error | string)[],
  { breaker = new CircuitBreaker(), clock = new DatabaseClock(), callTime = 10_000 } = {},
) {
  let attempts = 0;
  const attempt = async () => {
    const outcome = outcomes[Math.min(attempts, outcomes.length - 1)];
    attempts += 1;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const ended: Promise<{ readonly end?: unknown; readonly error?: unknown }> = attemptCall(
    attempt,
    { breaker, clock, callTime },
    kind,
  ).then(
    (end) => ({ end }),
    (error: unknown) => ({ error }),
  );
  await vi.runAllTimersAsync();
  return { ...(await ended), attempts };
}
