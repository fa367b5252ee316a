import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { holdImages, MOST_HELD_IMAGES } from "../../src/chat/conversation/held-images.ts";

const HOUR = 60 * 60 * 1000;
const most = [{ digest: "", url: "x".repeat(MOST_HELD_IMAGES) }];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("counts the images of a turn no longer than any turn takes, should its object be reset in the middle of it", () => {
  const lost = holdImages(most);
  vi.advanceTimersByTime(HOUR);
  expect(() => holdImages(most)).toThrow(expect.objectContaining({ kind: "rate_limited", retryAfter: 5 }));
  vi.advanceTimersByTime(1);
  const later = holdImages(most);
  // Should it end after all, nothing of another turn is let go.
  lost();
  expect(() => holdImages(most)).toThrow();
  later();
});
