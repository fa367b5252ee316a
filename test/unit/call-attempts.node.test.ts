import { NeonDbError } from "@neondatabase/serverless";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { attemptCall, type CallKind } from "../../src/database/call-attempts.ts";
import { CircuitBreaker } from "../../src/database/circuit-breaker.ts";
import { DatabaseClock } from "../../src/database/database-clock.ts";
import { TransportError } from "../../src/database/sql-over-http.ts";
import { UntoldCalls } from "../../src/database/untold-calls.ts";

const READ = { isRead: true, isKeyed: false };
const WRITE = { isRead: false, isKeyed: false };
const KEYED_WRITE = { isRead: false, isKeyed: true };

const lost = () => new TransportError("no answer", { mayBeDone: true });
const refused = () => new TransportError("HTTP 429", { mayBeDone: false });
const postgres = (code: string) => Object.assign(new NeonDbError("said by Postgres"), { code });

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(new Date("2026-11-27T12:00:00Z"));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Makes a call whose attempts come to these things, one after the other, the last again and again. */
async function call(
  kind: CallKind,
  outcomes: readonly (Error | string)[],
  { breaker = new CircuitBreaker(), clock = new DatabaseClock(), callTime = 10_000 } = {},
) {
  let attempts = 0;
  const attempt = async () => {
    const outcome = outcomes[Math.min(attempts, outcomes.length - 1)];
    attempts += 1;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const ended: Promise<{ readonly end?: unknown; readonly error?: unknown }> = attemptCall(
    attempt,
    { breaker, clock, callTime },
    kind,
  ).then(
    (end) => ({ end }),
    (error: unknown) => ({ error }),
  );
  await vi.runAllTimersAsync();
  return { ...(await ended), attempts };
}

describe("a call", () => {
  it.each([
    ["whose answer was lost", lost()],
    ["that nobody passed on", refused()],
    ["that met another transaction", postgres("40P01")],
    ["that did not get its lock", postgres("55P03")],
    ["on a standby", postgres("25006")],
    ["as the server goes down", postgres("57P01")],
  ])("%s is made again", async (_, failure) => {
    expect(await call(READ, [failure, "done"])).toMatchObject({ end: { result: "done" }, attempts: 2 });
    expect(await call(WRITE, [failure, "done"])).toMatchObject({ end: { result: "done" }, attempts: 2 });
  });

  it("that was stopped is not, and says so, nor has the database failed", async () => {
    const breaker = new CircuitBreaker();
    for (let count = 0; count < 4; count += 1) breaker.failed();
    for (const kind of [READ, WRITE, KEYED_WRITE]) {
      expect(await call(kind, [postgres("57014"), "done"], { breaker })).toMatchObject({
        error: {
          kind: "unavailable",
          message: "This took too long and was stopped; nothing was changed. Try again in a moment.",
        },
        attempts: 1,
      });
    }
    breaker.failed();

    expect(breaker.isOpen).toBe(false);
  });

  it("that was stopped at a limit of its own is told to ask for less", async () => {
    expect(await call({ ...READ, advice: "Ask for less." }, [postgres("57014"), "done"])).toMatchObject({
      error: {
        kind: "invalid_input",
        message: "This took too long and was stopped; nothing was changed. Ask for less.",
        retryAfter: undefined,
      },
      attempts: 1,
    });
  });

  it("that was stopped is made again where an attempt before it may have been carried out", async () => {
    expect(await call(WRITE, [lost(), postgres("57014"), postgres("TS002")])).toEqual({
      end: { carriedOut: true, mayBeOwn: true },
      attempts: 3,
    });
  });

  describe("that is given up", () => {
    const GIVEN_UP = {
      kind: "conflict",
      message: "The call was given up before it was carried out. Nothing was changed.",
    };

    it.each([
      ["reads", READ],
      ["writes", WRITE],
      ["has a key", KEYED_WRITE],
    ])("before it is sent is not sent: one that %s", async (_, kind) => {
      const { error, attempts } = await call({ ...kind, signal: AbortSignal.abort() }, ["done"]);

      expect({ error, attempts }).toMatchObject({ error: GIVEN_UP, attempts: 0 });
    });

    it("after an attempt that nobody passed on is not made again", async () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 1);

      const { error, attempts } = await call({ ...WRITE, signal: controller.signal }, [refused(), "done"]);
      expect({ error, attempts }).toMatchObject({ error: GIVEN_UP, attempts: 1 });
    });

    it("after an attempt whose answer was lost is made again, to learn what became of it", async () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 1);

      expect(await call({ ...WRITE, signal: controller.signal }, [lost(), postgres("TS002")])).toEqual({
        end: { carriedOut: true, mayBeOwn: true },
        attempts: 2,
      });
    });
  });

  it("that Postgres refuses is not", async () => {
    const refusal = postgres("23505");

    expect(await call(WRITE, [refusal, "done"])).toEqual({ error: refusal, attempts: 1 });
  });

  it("that an attempt with a lost answer has carried out ends with that, whatever is met in between", async () => {
    expect(await call(WRITE, [lost(), postgres("TS002")])).toEqual({
      end: { carriedOut: true, mayBeOwn: true },
      attempts: 2,
    });
    expect(await call(WRITE, [lost(), postgres("XX000"), postgres("TS002")])).toEqual({
      end: { carriedOut: true, mayBeOwn: true },
      attempts: 3,
    });
  });
});

describe("a call that was carried out before its last attempt", () => {
  it.each([
    ["with no attempt that may have done it", []],
    ["with attempts that nobody passed on", [refused(), postgres("40P01")]],
  ])("was made by another one with its key, %s", async (_, failures) => {
    const { end } = await call(KEYED_WRITE, [...failures, postgres("TS002")]);

    expect(end).toEqual({ carriedOut: true, mayBeOwn: false });
  });
});

describe("what is told of a call that came to nothing", () => {
  const told = async (kind: typeof READ, outcomes: readonly Error[]) => {
    const { error } = await call(kind, outcomes);
    return error;
  };

  it("that reads: try again", async () => {
    expect(await told(READ, [lost()])).toMatchObject({
      kind: "unavailable",
      message: "The database cannot be reached; try again in a moment.",
      retryAfter: 5,
    });
  });

  it("that writes, and was never passed on: nothing was changed", async () => {
    expect(await told(WRITE, [refused()])).toMatchObject({
      message: "The database cannot be reached; nothing was changed. Try again in a moment.",
      retryAfter: 5,
    });
  });

  it("that writes, and may have been carried out: look, and no word of when to repeat it", async () => {
    expect(await told(WRITE, [lost()])).toMatchObject({
      message: "The database cannot be reached, and the change may have been carried out: look before you repeat it.",
      retryAfter: undefined,
    });
  });

  it("that has a key of its caller: repeat it with the key", async () => {
    expect(await told(KEYED_WRITE, [lost()])).toMatchObject({
      message: expect.stringContaining("Repeat the call with the same idempotency_key"),
      retryAfter: 5,
    });
  });

  it("that Postgres broke down over: nothing was changed by that", async () => {
    expect(await told(READ, [postgres("XX000")])).toMatchObject({
      kind: "internal",
      message: "Something went wrong on our side.",
    });
    expect(await told(WRITE, [postgres("XX000")])).toMatchObject({
      kind: "internal",
      message: "Something went wrong on our side; nothing was changed.",
    });
  });

  it("that we broke down over, perhaps when it had been carried out: look", async () => {
    expect(await told(WRITE, [new TypeError("ours")])).toMatchObject({
      kind: "internal",
      message: "Something went wrong on our side, and the change may have been carried out: look before you repeat it.",
    });
  });

  it("that Postgres broke down over after an answer was lost: look, or repeat it with the key", async () => {
    expect(await told(WRITE, [lost(), postgres("XX000")])).toMatchObject({
      kind: "internal",
      message: "Something went wrong on our side, and the change may have been carried out: look before you repeat it.",
      retryAfter: undefined,
    });
    expect(await told(KEYED_WRITE, [lost(), postgres("XX000")])).toMatchObject({
      kind: "internal",
      message:
        "Something went wrong on our side, and the change may have been carried out. " +
        "Repeat the call with the same idempotency_key: it is carried out once at most.",
    });
  });

  it("with a key of its caller, whose credential has ended since an answer was lost: it may have been carried out", async () => {
    expect(await told(KEYED_WRITE, [lost(), postgres("28000")])).toMatchObject({
      kind: "unauthenticated",
      message: expect.stringContaining(
        "the change may have been carried out. Repeat the call with the same idempotency_key",
      ),
    });
  });

  it("without one, whose credential has ended since: it was not, as its key was looked up first", async () => {
    const ended = postgres("28000");

    expect(await told(WRITE, [lost(), ended])).toBe(ended);
    expect(await told(KEYED_WRITE, [ended])).toBe(ended);
  });

  it("whose time was over before it was carried out: nothing was changed, whatever was lost before", async () => {
    expect(await told(WRITE, [lost(), postgres("TS001")])).toMatchObject({
      message: expect.stringContaining("nothing was changed"),
      retryAfter: 5,
    });
  });

  it.each([3_000, 6_000, 10_000, 60_000])(
    "only when its %d ms in the database are over, where it may have been carried out",
    async (callTime) => {
      for (const chance of [0, 0.5, 0.999]) {
        vi.spyOn(Math, "random").mockReturnValue(chance);
        const startedAt = Date.now();
        await call(WRITE, [lost()], { callTime });

        expect(Date.now() - startedAt).toBeGreaterThanOrEqual(callTime);
        expect(Date.now() - startedAt).toBeLessThan(callTime * 1.4);
      }
    },
  );

  it("only after an attempt when that time was over, which knows", async () => {
    const overAt = Date.now() + 3_000;
    const attemptedAt: number[] = [];
    const attempt = async () => {
      attemptedAt.push(Date.now());
      throw Date.now() < overAt ? lost() : postgres("TS001");
    };
    const ended = attemptCall(
      attempt,
      { breaker: new CircuitBreaker(), clock: new DatabaseClock(), callTime: 3_000 },
      WRITE,
    );
    const expected = expect(ended).rejects.toThrow("nothing was changed");
    await vi.runAllTimersAsync();

    await expected;
    expect(attemptedAt.at(-1)).toBe(overAt);
  });
});

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
