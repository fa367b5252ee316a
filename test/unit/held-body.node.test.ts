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

it("holds 24 MiB of bodies of up to 1 MiB, beside the large ones and those of up to 64 KiB", () => {
  const [first] = Array.from({ length: 24 }, () => hold(1));
  expect(() => hold(0.5)).toThrow(refusal);
  for (const size of [6, 6, 1 / 16, 1 / 16]) hold(size);
  first?.end();
  hold(1);
});

it.each([1 / 16, 1, 6])(
  "waits a minute for one of %d MiB, then it is late, and nobody waits for one that was left",
  async (size) => {
    const { late } = hold(size);
    for (const other of [6, 6, 6]) hold(other);
    for (let held = 0; held < 23; held += 1) hold(1);
    vi.advanceTimersByTime(59_000);
    if (size > 1) expect(() => hold(6.5)).toThrow(refusal);
    vi.advanceTimersByTime(1_001);
    await expect(late).rejects.toMatchObject({ kind: "incomplete_body" });
    for (const other of [6, 6, 6, 6, 1]) hold(other);
  },
);
