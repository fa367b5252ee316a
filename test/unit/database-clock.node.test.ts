import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DatabaseClock } from "../../src/database/database-clock.ts";
import { call, postgres, stopClock, WRITE } from "../support/attempted-calls.ts";

beforeEach(stopClock);
afterEach(() => vi.useRealTimers());

describe("a deadline in the database's time", () => {
  it("allows two seconds as long as that is not known", () => {
    const clock = new DatabaseClock();
    expect(clock.deadlineAfter(10_000)).toBe(new Date(clock.now() + 8_000).toISOString());
  });

  it("goes by the database's clock, and never later than ours", () => {
    const clock = new DatabaseClock();
    const sentAt = clock.now();
    vi.advanceTimersByTime(100);
    // Half a minute ahead, and the answer was under way for 100 ms.
    clock.learn(new Date(sentAt + 30_050), sentAt);

    expect(clock.deadlineAfter(10_000)).toBe(new Date(sentAt + 40_050).toISOString());
  });

  it("stays as it is when our own clock is set", () => {
    const clock = new DatabaseClock();
    clock.learn(new Date(clock.now()), clock.now());
    const before = clock.deadlineAfter(10_000);
    vi.setSystemTime(Date.now() + 26 * 60 * 60 * 1000);

    expect(clock.deadlineAfter(10_000)).toBe(before);
  });

  it("is put right by a call that came too late, where the database's clock was set", async () => {
    const clock = new DatabaseClock();
    clock.learn(new Date(clock.now()), clock.now());
    const anHourAhead = clock.now() + 60 * 60 * 1000;
    const late = Object.assign(postgres("TS001"), { detail: new Date(anHourAhead).toISOString() });
    const { error } = await call(WRITE, [late], { clock });

    expect(error).toMatchObject({ kind: "unavailable", message: expect.stringContaining("nothing was changed") });
    expect(Date.parse(clock.deadlineAfter(10_000))).toBeGreaterThan(anHourAhead + 9_000);
  });

  it("learns nothing from an answer that was long under way", () => {
    const clock = new DatabaseClock();
    const sentAt = clock.now();
    vi.advanceTimersByTime(4_000);
    clock.learn(new Date(sentAt + 60_000), sentAt);

    expect(clock.deadlineAfter(10_000)).toBe(new Date(sentAt + 12_000).toISOString());
  });
});
