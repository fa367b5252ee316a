import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type HashAsker, HashQueue, type WaitUntil } from "../../src/auth/hash-queue.ts";
import { metrics } from "../../src/observability/metrics.ts";

/** What is hashed, in its order, and how many are at a time. */
class Hashing {
  readonly order: string[] = [];
  most = 0;
  #now = 0;

  /** A hash that takes so many milliseconds. */
  of(name: string, milliseconds = 200): () => Promise<string> {
    return async () => {
      this.#now += 1;
      this.most = Math.max(this.most, this.#now);
      this.order.push(name);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      this.#now -= 1;
      return name;
    };
  }
}

const refused = () => metrics.take("v1").filter(([series]) => series.startsWith("password_hashes_refused_total"));

let addresses = 0;
/** Somebody at an address of their own. */
function anybody(waitUntil: WaitUntil = () => undefined): HashAsker {
  addresses += 1;
  return { address: `10.0.0.${addresses}`, waitUntil };
}
const at = (address: string): HashAsker => ({ ...anybody(), address });

describe("the queue of hashes", () => {
  let queue: HashQueue;
  let hashing: Hashing;

  beforeEach(() => {
    vi.useFakeTimers();
    queue = new HashQueue();
    hashing = new Hashing();
    refused();
  });
  afterEach(() => vi.useRealTimers());

  const settle = async (promises: Promise<unknown>[]) => {
    const settled = Promise.allSettled(promises);
    await vi.advanceTimersByTimeAsync(60_000);
    return settled;
  };

  it("hashes one at a time, in the order of coming, and lets eight wait", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `${index}`);
    const settled = await settle(names.map((name) => queue.run(hashing.of(name), anybody())));

    expect(hashing.order).toEqual(names.slice(0, 9));
    expect(hashing.most).toBe(1);
    for (const [index, result] of settled.entries()) {
      if (index < 9) expect(result).toEqual({ status: "fulfilled", value: `${index}` });
      else expect(result).toMatchObject({ reason: { kind: "unavailable", retryAfter: 5 } });
    }
    expect(refused()).toEqual([['password_hashes_refused_total{version="v1"}', [11]]]);
  });

  it("leaves all others as long as a hash took, up to three seconds, and begins the first at once", async () => {
    const begun = Date.now();
    const times: { readonly start: number; readonly end: number }[] = [];
    const work = (milliseconds: number) => async () => {
      const start = Date.now();
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      times.push({ start, end: Date.now() });
    };
    await settle([200, 400, 5_000, 200].map((milliseconds) => queue.run(work(milliseconds), anybody())));

    expect(times[0]?.start).toBe(begun);
    const rests = times.slice(1).map(({ start }, index) => start - (times[index]?.end ?? 0));
    for (const [index, least] of [200, 400, 3_000].entries()) {
      expect(rests[index]).toBeGreaterThanOrEqual(least);
      expect(rests[index]).toBeLessThan(least + 50);
    }
  });

  it("takes more as soon as there is room", async () => {
    const all = Array.from({ length: 9 }, (_, index) => queue.run(hashing.of(`${index}`), anybody()));
    await vi.advanceTimersByTimeAsync(400);
    all.push(queue.run(hashing.of("late"), anybody()));
    await settle(all);

    expect(hashing.order.at(-1)).toBe("late");
    expect(refused()).toEqual([]);
  });

  it("goes on behind a hash that fails", async () => {
    const failing = queue.run(() => Promise.reject(new Error("no memory")), anybody());
    const [first, second] = await settle([failing, queue.run(hashing.of("next"), anybody())]);

    expect(first).toMatchObject({ reason: { message: "no memory" } });
    expect(second).toMatchObject({ value: "next" });
  });

  it("is kept moving when a client hangs up: each place is kept alive, and never rejects", async () => {
    const kept: Promise<unknown>[] = [];
    const waitUntil = (promise: Promise<unknown>) => kept.push(promise);
    const runs = [
      queue.run(() => Promise.reject(new Error("no memory")), anybody(waitUntil)),
      queue.run(hashing.of("next"), anybody(waitUntil)),
    ];
    await settle(runs);

    expect(await settle(kept)).toEqual([
      { status: "fulfilled", value: undefined },
      { status: "fulfilled", value: "next" },
    ]);
  });

  it("passes over a request that the runtime has ended, and over as many as there are", async () => {
    // As one of which nothing runs any more.
    for (let index = 0; index < 9; index += 1) void queue.run(() => new Promise(() => undefined), anybody());
    vi.clearAllTimers();
    await expect(queue.run(hashing.of("early"), anybody())).rejects.toMatchObject({ kind: "unavailable" });
    await vi.advanceTimersByTimeAsync(10_000);
    const [result] = await settle([queue.run(hashing.of("later"), anybody())]);

    expect(result).toMatchObject({ value: "later" });
  });

  it("gives an address two places, and refuses the third at once, as the caller's own doing", async () => {
    const names = ["one", "two", "three", "four"];
    const settled = await settle(names.map((name) => queue.run(hashing.of(name), at("192.0.2.1"))));
    const later = await settle([queue.run(hashing.of("later"), at("192.0.2.1"))]);

    expect(hashing.order).toEqual(["one", "two", "later"]);
    for (const result of settled.slice(2))
      expect(result).toMatchObject({ reason: { kind: "rate_limited", retryAfter: 5 } });
    expect(later).toMatchObject([{ value: "later" }]);
    expect(refused()).toEqual([]);
  });

  it("lets addresses take turns, and never does two hashes at once for it", async () => {
    const names = ["a1", "a2", "b1", "b2", "c1"];
    const all = names.map((name) => queue.run(hashing.of(name), at(`of ${name.charAt(0)}`)));
    // While that of a2, which let others pass, is being hashed.
    await vi.advanceTimersByTimeAsync(1_300);
    expect(hashing.order).toEqual(["a1", "b1", "c1", "a2"]);
    all.push(queue.run(hashing.of("d1"), at("of d")));
    await settle(all);

    expect(hashing.order).toEqual(["a1", "b1", "c1", "a2", "d1", "b2"]);
    expect(hashing.most).toBe(1);
  });

  it("lets a second place be passed by no more than can wait", async () => {
    const all = ["a1", "a2"].map((name) => queue.run(hashing.of(name), at("192.0.2.1")));
    for (let index = 0; index < 12; index += 1) {
      all.push(queue.run(hashing.of(`${index}`), anybody()));
      await vi.advanceTimersByTimeAsync(300);
    }
    await settle(all);

    expect(hashing.order.indexOf("a2")).toBe(8);
  });

  it("forgets nobody who could not look because the isolate was busy", async () => {
    const runs = ["one", "two", "three"].map((name) => queue.run(hashing.of(name), anybody()));
    vi.setSystemTime(Date.now() + 30_000);
    await settle(runs);

    expect(hashing.order.toSorted()).toEqual(["one", "three", "two"]);
  });
});
