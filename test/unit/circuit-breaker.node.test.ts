import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CircuitBreaker } from "../../src/database/circuit-breaker.ts";
import { call, lost, READ, stopClock, WRITE } from "../support/attempted-calls.ts";

beforeEach(stopClock);
afterEach(() => vi.useRealTimers());

describe("a database that does not answer", () => {
  it("is asked no more after five failures, and calls end at once", async () => {
    const breaker = new CircuitBreaker();
    for (let count = 0; count < 5; count += 1) breaker.failed();
    const startedAt = Date.now();

    expect(await call(WRITE, ["done"], { breaker })).toMatchObject({
      error: { message: expect.stringContaining("nothing was changed") },
      attempts: 0,
    });
    expect(Date.now() - startedAt).toBe(0);
  });

  it("is not waited for by a call that changes nothing once it has failed four times", async () => {
    const startedAt = Date.now();

    expect(await call(READ, [lost()])).toMatchObject({ attempts: 4 });
    expect(Date.now() - startedAt).toBeLessThan(3_000);
  });

  it("is asked by one call after a pause, and by all once it has answered", async () => {
    const breaker = new CircuitBreaker();
    for (let count = 0; count < 5; count += 1) breaker.failed();
    vi.setSystemTime(Date.now() + 600);

    expect([breaker.mayPass(), breaker.mayPass()]).toEqual([true, false]);
    breaker.answered();
    expect([breaker.mayPass(), breaker.mayPass()]).toEqual([true, true]);
  });

  it("is asked ever less often, and every 5 seconds at least", () => {
    const breaker = new CircuitBreaker();
    const askedAt: number[] = [];
    const startedAt = Date.now();
    for (let elapsed = 0; elapsed < 60_000; elapsed += 50) {
      vi.setSystemTime(startedAt + elapsed);
      if (!breaker.mayPass()) continue;
      askedAt.push(elapsed);
      breaker.failed();
    }
    const pauses = askedAt.slice(5).map((at, index) => at - (askedAt[index + 4] ?? 0));

    expect(pauses.slice(0, 4)).toEqual([500, 1_000, 2_000, 4_000]);
    expect(Math.max(...pauses)).toBe(5_000);
  });
});
