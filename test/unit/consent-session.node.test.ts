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

const begin = () => cookieOf(beginConsentSession(7, new Date(), { secret }));

it("is a cookie for this host alone, which no script reads", () => {
  const header = beginConsentSession(7, new Date(), { secret });
  expect(header).toMatch(/^__Host-authorize-session=/);
  expect(header.split("; ").slice(1).toSorted()).toEqual([
    "HttpOnly",
    "Max-Age=600",
    "Path=/",
    "SameSite=Lax",
    "Secure",
  ]);
});

it("signs its person in for ten minutes, as one who can be signed out", () => {
  const cookie = `theme=dark; ${begin()}; other=1`;
  const now = new Date();
  expect(readConsentSession(cookie, { secret })).toEqual({
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
  expect(readConsentSession(cookie, { secret })).toMatchObject({ userId: 7 });
  vi.setSystemTime(now.getTime() + CONSENT_SESSION_LIFETIME * 1000);
  expect(readConsentSession(cookie, { secret })).toBeUndefined();
});

it("outlives a rotation of its secret", () => {
  const cookie = begin();
  expect(readConsentSession(cookie, { secret: other, previousSecret: secret })).toMatchObject({ userId: 7 });
  expect(readConsentSession(cookie, { secret: other })).toBeUndefined();
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
])("does not take %s", (_, change) => {
  expect(readConsentSession(change(begin()), { secret })).toBeUndefined();
});

it("does not take one that begins in the future", () => {
  const now = Date.now();
  vi.setSystemTime(now + 120_000);
  const cookie = begin();
  vi.setSystemTime(now);
  expect(readConsentSession(cookie, { secret })).toBeUndefined();
});
