import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { withHeartbeats } from "../../src/chat/stream/heartbeats.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Each text after so many seconds. */
async function* after(...texts: readonly (readonly [seconds: number, text: string])[]): AsyncGenerator<Uint8Array> {
  for (const [seconds, text] of texts) {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    yield new TextEncoder().encode(text);
  }
}

async function textsOf(events: AsyncGenerator<Uint8Array>): Promise<string[]> {
  const texts: string[] = [];
  for await (const piece of events) texts.push(new TextDecoder().decode(piece));
  return texts;
}

it("says something every 15 seconds while nothing comes, and nothing else", async () => {
  const texts = textsOf(withHeartbeats(after([1, "one"], [14, "two"], [40, "three"])));
  await vi.runAllTimersAsync();
  expect(await texts).toEqual(["one", "two", ": still here\n\n", ": still here\n\n", "three"]);
  expect(vi.getTimerCount()).toBe(0);
});

it("ends what it watches when nobody listens any more", async () => {
  let hasEnded = false;
  const events = withHeartbeats(
    (async function* () {
      try {
        yield* after([20, "one"], [20, "two"]);
      } finally {
        hasEnded = true;
      }
    })(),
  );
  const first = events.next();
  await vi.advanceTimersByTimeAsync(15_000);
  expect(new TextDecoder().decode((await first).value ?? undefined)).toBe(": still here\n\n");
  const ending = events.return(undefined);
  await vi.runAllTimersAsync();
  await ending;
  expect(hasEnded).toBe(true);
});

it("hands a failure on", async () => {
  const events = withHeartbeats(
    (async function* () {
      yield* after([20, "one"]);
      throw new Error("lost");
    })(),
  );
  const failing = expect(textsOf(events)).rejects.toThrow("lost");
  await vi.runAllTimersAsync();
  await failing;
});
