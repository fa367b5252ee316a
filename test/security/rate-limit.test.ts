import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import worker from "../../src/worker.ts";
import { newAddress, ORIGIN, PASSWORD, Person, problemOf, send } from "../support/person.ts";

const BATCH = 50;

/**
 * Sends `most` requests, some at a time, and counts those that pass. The limiter counts by the minute on the clock:
 * where a minute ends in between, all is done again, with what `prepare` makes anew.
 */
async function countPassing<Subject>(
  prepare: () => Subject | Promise<Subject>,
  request: (subject: Subject, index: number) => Promise<Response>,
  most: number,
): Promise<{ passing: number; subject: Subject }> {
  const minute = () => Math.floor(Date.now() / 60_000);
  const subject = await prepare();
  const begun = minute();
  let passing = 0;
  for (let sent = 0; sent < most; sent += BATCH) {
    const indexes = Array.from({ length: Math.min(BATCH, most - sent) }, (_, index) => sent + index);
    const responses = await Promise.all(indexes.map((index) => request(subject, index)));
    for (const response of responses) {
      await response.body?.cancel();
      if (response.status !== 429) passing += 1;
    }
  }
  return minute() === begun ? { passing, subject } : countPassing(prepare, request, most);
}

async function expectLimited(response: Response): Promise<void> {
  expect(response.status).toBe(429);
  expect(response.headers.get("Retry-After")).toBe("60");
  expect((await problemOf(response)).detail).toBe("Too many requests; try again in 60 seconds.");
}

const from = (address: string, path: string, init: Parameters<typeof send>[1] = {}) =>
  send(path, { ...init, headers: { "CF-Connecting-IP": address, ...init.headers } });
const signUp = (address: string) => from(address, "/api/auth/signup", { method: "POST", body: {} });
const signIn = (address: string) => from(address, "/api/auth/signin", { method: "POST", body: {} });

describe("an address", () => {
  it("may send 1,200 requests a minute to any route, and then none but to /health", async () => {
    const { passing, subject } = await countPassing(newAddress, (address) => from(address, "/nowhere"), 1250);

    expect(passing).toBe(1200);
    await expectLimited(await from(subject, "/mcp/tools"));
    await expectLimited(await from(subject, "/api/auth/me"));
    expect((await from(subject, "/health")).status).toBe(200);
    expect((await from(newAddress(), "/mcp/tools")).status).toBe(200);
  });

  it("may try to sign in or up 60 times a minute", async () => {
    const tryOne = (address: string, index: number) => (index % 2 === 0 ? signUp(address) : signIn(address));
    const { passing, subject } = await countPassing(newAddress, tryOne, 70);

    expect(passing).toBe(60);
    await expectLimited(await signUp(subject));
    expect((await from(subject, "/mcp/tools")).status).toBe(200);
  });

  it("may register 30 clients of OAuth a minute, and goes on refreshing", async () => {
    const register = (address: string) => from(address, "/oauth/register", { method: "POST", body: {} });
    const { passing, subject } = await countPassing(newAddress, register, 35);

    expect(passing).toBe(30);
    const limited = await register(subject);
    expect([limited.status, limited.headers.get("Retry-After")]).toEqual([429, "60"]);
    expect(await limited.json()).toMatchObject({ error: "temporarily_unavailable" });
    expect((await from(subject, "/oauth/token", { method: "POST" })).status).toBe(400);
  });

  it("of IPv6 counts as its /64", async () => {
    const newPrefix = () => `2001:db8:${crypto.getRandomValues(new Uint16Array(1))[0]?.toString(16)}:1`;
    const { passing } = await countPassing(newPrefix, (prefix, index) => signUp(`${prefix}::${index + 1}`), 70);

    expect(passing).toBe(60);
    expect((await signUp("2001:db8:ffff:2::1")).status).toBe(400);
  });
});

it("an e-mail may be tried 10 times a minute, from wherever and in whatever case", async () => {
  const attempt = (email: string, password: string) =>
    send("/api/auth/signin", { method: "POST", body: { email, password } });
  const { passing, subject } = await countPassing(
    () => Person.signUp(),
    ({ session: { user } }, index) =>
      attempt(index % 2 === 0 ? user.email : user.email.toUpperCase(), "wrong password"),
    15,
  );

  expect(passing).toBe(10);
  await expectLimited(await attempt(subject.session.user.email, PASSWORD));
});

it("a password may be guessed 10 times a minute, by whichever route", async () => {
  const { passing, subject } = await countPassing(
    () => Person.signUp(),
    (person, index) => {
      const guess = { password: "wrong password" };
      return index % 2 === 0
        ? person.send("/api/auth/me", { method: "DELETE", body: guess })
        : send("/api/auth/signin", { method: "POST", body: { ...guess, email: person.session.user.email } });
    },
    15,
  );

  expect(passing).toBe(10);
  await expectLimited(await subject.send("/api/auth/me", { method: "DELETE", body: { password: PASSWORD } }));
  expect((await subject.send("/api/auth/me")).status).toBe(200);
});

it("a credential may send 600 requests a minute, from wherever; another of the same user goes on, up to 3,000", async () => {
  const other = await Person.signUp();
  const { passing, subject } = await countPassing(
    () => Person.signUp(),
    (person) => person.call("no_such_tool", {}),
    650,
  );
  const second = await subject.signInAgain();

  expect(passing).toBe(600);
  await expectLimited(await subject.call("list_tasks", {}));
  expect((await second.call("list_tasks", {})).status).toBe(200);
  expect((await other.call("list_tasks", {})).status).toBe(200);
});

it("a user may send 3,000 requests a minute with all credentials together", async () => {
  const keys: string[] = [];
  const counting: RateLimit = {
    limit: async ({ key }) => {
      keys.push(key);
      return { success: true };
    },
  };
  const spent: RateLimit = { limit: async () => ({ success: false }) };
  const person = await Person.signUp();
  const list = (limiters: Partial<Env>) => {
    const request = new Request(`${ORIGIN}/mcp/tools/list_tasks`, { method: "POST", headers: person.authorization });
    return worker.fetch(request, { ...env, ...limiters }, createExecutionContext());
  };

  expect((await list({ CREDENTIAL_RATE_LIMITER: counting, USER_RATE_LIMITER: counting })).status).toBe(200);
  expect(keys).toEqual([expect.stringMatching(/^[\da-f-]{36}$/), String(person.id)]);
  await expectLimited(await list({ USER_RATE_LIMITER: spent }));
});

describe("when the limiter itself fails", () => {
  let lines: string[];

  beforeAll(() => {
    vi.spyOn(console, "log").mockImplementation((line: string) => lines.push(line));
    return () => vi.restoreAllMocks();
  });

  it("requests pass, and it is logged", async () => {
    lines = [];
    const failing: RateLimit = { limit: () => Promise.reject(new Error("limiter is down")) };
    const context = createExecutionContext();
    const response = await worker.fetch(
      new Request(`${ORIGIN}/mcp/tools`),
      { ...env, ADDRESS_RATE_LIMITER: failing },
      context,
    );
    await waitOnExecutionContext(context);

    expect(response.status).toBe(200);
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({
        level: "error",
        event: "rate_limiter_failed",
        limiter: "ADDRESS_RATE_LIMITER",
        cause: "Error",
      }),
    );
  });
});
