import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KnownCredentials } from "../../src/database/known-credentials.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("what is known of a credential", () => {
  it("is nothing before it was learned, and nothing a minute after the database was asked", () => {
    const known = new KnownCredentials();
    expect(known.counts(1, "a")).toBeUndefined();
    known.learn("a", true, Date.now() - 50_000);
    expect(known.counts(1, "a")).toBe(true);
    vi.advanceTimersByTime(10_000);
    expect(known.counts(1, "a")).toBeUndefined();
  });

  it("that has ended stays so, whatever a call tells that was sent before and is answered late", () => {
    const known = new KnownCredentials();
    const askedAt = Date.now();
    vi.advanceTimersByTime(1_000);
    known.learn("a", false);
    known.learn("a", true, askedAt);
    known.learn("a", true);

    expect(known.counts(1, "a")).toBe(false);
  });

  it("is nothing any more when all of its user's have ended; one that came after them counts, and so do others'", () => {
    const known = new KnownCredentials();
    known.learn("a", true);
    known.learn("of another", true);
    known.endAll(1);
    vi.advanceTimersByTime(1);
    known.learn("new", true);

    expect(known.counts(1, "a")).toBeUndefined();
    expect(known.counts(1, "new")).toBe(true);
    expect(known.counts(2, "of another")).toBe(true);
  });
});
