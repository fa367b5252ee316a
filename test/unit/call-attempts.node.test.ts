import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { attemptCall } from "../../src/database/call-attempts.ts";
import { CircuitBreaker } from "../../src/database/circuit-breaker.ts";
import { DatabaseClock } from "../../src/database/database-clock.ts";
import { call, KEYED_WRITE, lost, postgres, READ, refused, stopClock, WRITE } from "../support/attempted-calls.ts";

beforeEach(stopClock);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

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
