import { describe, expect, it } from "vitest";
import { judgeLoad, refuseLimitedRate } from "../../ops/runbook/soak/load.ts";

describe("a soak", () => {
  const connections = { used: 10, most: 100 };
  const load = (...statuses: (number | undefined)[]) => ({
    statuses: [...Array.from({ length: 90 }, () => 200), ...statuses],
    milliseconds: Array.from({ length: 100 }, (_, index) => index),
  });

  it("is passed when every request was answered with 2xx", () => {
    expect(judgeLoad(load(201, 204), connections)).toMatchObject({
      evidence: "92 requests, 0 errors, p95 95 ms from here, at most 10 of 100 connections",
      result: { requests: 92, errors: 0 },
    });
  });

  it.each([[429], [401], [302], [500], [undefined]])("is not when one was answered with %s", (status) => {
    expect(() => judgeLoad(load(status), connections)).toThrow(`91 requests, 1 errors (${status ?? "no answer"}), `);
  });

  it("is not when it was answered too slowly", () => {
    const slow = { statuses: load().statuses, milliseconds: load().milliseconds.map((each) => each * 100) };
    expect(() => judgeLoad(slow, connections)).toThrow(
      "90 requests, 0 errors, p95 9500 ms from here, at most 10 of 100 connections: not < 500 ms",
    );
  });

  it("is not when it was never begun, or the connections are nearly used up", () => {
    expect(() => judgeLoad({ statuses: [], milliseconds: [] }, connections)).toThrow("0 requests");
    expect(() => judgeLoad(load(), { used: 81, most: 100 })).toThrow("too close to the limit");
  });

  it("sends no more than the rate limits let pass", () => {
    const limits = (address: number, credential: number, user: number) => [
      { name: "ADDRESS_RATE_LIMITER", limit: address, period: 60 },
      { name: "CREDENTIAL_RATE_LIMITER", limit: credential, period: 60 },
      { name: "USER_RATE_LIMITER", limit: user, period: 60 },
    ];
    expect(() => refuseLimitedRate(19, limits(1200, 600, 3000), 4)).not.toThrow();
    expect(() => refuseLimitedRate(20, limits(1200, 600, 3000), 4)).toThrow(
      "--rate must be 19 at most, as ADDRESS_RATE_LIMITER lets 1200 requests in 60 s pass",
    );
    expect(() => refuseLimitedRate(8, limits(1200, 120, 3000), 4)).toThrow(
      "--rate must be 7 at most, as CREDENTIAL_RATE_LIMITER lets 120 requests in 60 s pass",
    );
    expect(() => refuseLimitedRate(8, limits(1200, 600, 120), 4)).toThrow(
      "--rate must be 7 at most, as USER_RATE_LIMITER lets 120 requests in 60 s pass",
    );
  });
});
