import { describe, expect, it } from "vitest";
import { UntoldCalls } from "../../src/database/untold-calls.ts";

describe("calls that nobody was told of", () => {
  const at = (seconds: number) => new Date(Date.UTC(2026, 10, 27, 12, 0, seconds));

  it("are found by their user and key, once, where they were carried out in their time", () => {
    const untold = new UntoldCalls();
    untold.add(1, "key", { from: at(0), until: at(10) });
    untold.add(1, "another time", { from: at(0), until: at(10) });

    expect(untold.take(2, "key", at(5))).toBe(false);
    expect(untold.take(1, "key", at(5))).toBe(true);
    expect(untold.take(1, "key", at(5))).toBe(false);
    expect(untold.take(1, "another time", at(11))).toBe(false);
  });

  it("with one key are one, from the first to the last", () => {
    const untold = new UntoldCalls();
    untold.add(1, "key", { from: at(0), until: at(10) });
    untold.add(1, "key", { from: at(20), until: at(30) });

    expect(untold.take(1, "key", at(1))).toBe(true);
  });

  it("are forgotten one by one where they are very many", () => {
    const untold = new UntoldCalls();
    for (let count = 0; count <= 10_000; count += 1) untold.add(1, `${count}`, { from: at(0), until: at(10) });

    expect([untold.take(1, "0", at(1)), untold.take(1, "1", at(1))]).toEqual([false, true]);
  });
});
