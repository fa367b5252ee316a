import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  beginConsentSession,
  CONSENT_SESSION_LIFETIME,
  readConsentSession,
} from "../../src/auth/consent/consent-session.ts";

const secret = "the secret of the tests, 32 characters and more";
const other = "another secret of the tests, 32 characters and more";

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-28T12:00:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

/** What a browser sends back of a `Set-Cookie` header. */
const cookieOf = (header: string) => header.split(";", 1).join();

async function begin(userId = 7): Promise<string> {
  return cookieOf(await beginConsentSession(userId, { secret }));
}

it("is a cookie for this host alone, which no script reads", async () => {
  const header = await beginConsentSession(7, { secret });
  expect(header).toMatch(/^__Host-authorize-session=/);
  expect(header.split("; ").slice(1).toSorted()).toEqual([
    "HttpOnly",
    "Max-Age=600",
    "Path=/",
    "SameSite=Lax",
    "Secure",
  ]);
});

it("signs its person in for ten minutes, as one who can be signed out", async () => {
  const cookie = `theme=dark; ${await begin()}; other=1`;
  const now = new Date();
  expect(await readConsentSession(cookie, { secret })).toEqual({
    userId: 7,
    credential: {
      kind: "sign_in",
      id: expect.stringMatching(/^[\da-f-]{36}$/),
      issuedAt: now,
      expiresAt: new Date(now.getTime() + CONSENT_SESSION_LIFETIME * 1000),
    },
    access: "full",
  });
  vi.setSystemTime(now.getTime() + CONSENT_SESSION_LIFETIME * 1000 - 1);
  expect(await readConsentSession(cookie, { secret })).toMatchObject({ userId: 7 });
  vi.setSystemTime(now.getTime() + CONSENT_SESSION_LIFETIME * 1000);
  expect(await readConsentSession(cookie, { secret })).toBeUndefined();
});

it("outlives a rotation of its secret", async () => {
  const cookie = await begin();
  expect(await readConsentSession(cookie, { secret: other, previousSecret: secret })).toMatchObject({ userId: 7 });
  expect(await readConsentSession(cookie, { secret: other })).toBeUndefined();
});

it.each([
  ["none", () => undefined],
  ["an empty one", () => "__Host-authorize-session="],
  ["another user's id", (cookie: string) => cookie.replace("=7.", "=8.")],
  ["another signature", (cookie: string) => cookie.replace(/\.[^.]{8}([^.]*)$/, ".AAAAAAAA$1")],
  [
    "a name without the prefix, which any page of the domain could set",
    (cookie: string) => cookie.replace("__Host-", ""),
  ],
  ["no signature", (cookie: string) => cookie.slice(0, cookie.lastIndexOf("."))],
])("does not take %s", async (_, change) => {
  expect(await readConsentSession(change(await begin()), { secret })).toBeUndefined();
});

it("does not take one that begins in the future", async () => {
  const now = Date.now();
  vi.setSystemTime(now + 120_000);
  const cookie = await begin();
  vi.setSystemTime(now);
  expect(await readConsentSession(cookie, { secret })).toBeUndefined();
});
