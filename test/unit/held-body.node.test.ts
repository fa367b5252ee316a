import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { HeldBody } from "../../src/http/held-body.ts";

const MEBIBYTE = 1024 * 1024;
const bodies: HeldBody[] = [];

function hold(mebibytes: number): HeldBody {
  const body = new HeldBody();
  bodies.push(body);
  body.grow(mebibytes * MEBIBYTE);
  return body;
}

const refusal = expect.objectContaining({ kind: "rate_limited", retryAfter: 5 });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  for (const body of bodies.splice(0)) body.end();
  vi.useRealTimers();
});

it("holds 24 MiB of large bodies, and small ones beside them", () => {
  const [first] = [hold(6), hold(6), hold(6)];
  const last = hold(6);
  hold(1);
  expect(() => hold(1.5)).toThrow(refusal);
  first?.end();
  hold(5);
  expect(() => last.grow(7.5 * MEBIBYTE)).toThrow(refusal);
  hold(6);
});

it("holds one for a minute, then it is late, and nobody waits for one that was left", async () => {
  const late = hold(6).late;
  for (const size of [6, 6, 6]) hold(size);
  expect(hold(1).late).toBeUndefined();
  vi.advanceTimersByTime(59_000);
  expect(() => hold(2)).toThrow(refusal);
  vi.advanceTimersByTime(1_001);
  await expect(late).rejects.toMatchObject({ kind: "incomplete_body" });
  hold(6);
});
