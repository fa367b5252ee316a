import { afterEach, describe, expect, it, vi } from "vitest";
import { issueToken, verifyToken } from "../../src/auth/token.ts";
import { RecentValues } from "../../src/recent-values.ts";

const secret = "the newer secret, 32 characters and more";
const previousSecret = "the older secret, 32 characters and more";
const issuer = "https://api.example.com";

describe("rotating the secret", () => {
  it("goes on taking tokens of the previous secret while there is one", async () => {
    const { token, caller } = await issueToken(7, 600, { secret: previousSecret, issuer });

    expect(await verifyToken(token, { secret, previousSecret, issuer })).toEqual(caller);
    expect(await verifyToken(token, { secret, issuer })).toBeUndefined();
  });

  it("issues tokens with the new secret", async () => {
    const { token, caller } = await issueToken(7, 600, { secret, previousSecret, issuer });

    expect(await verifyToken(token, { secret, issuer })).toEqual(caller);
  });
});

describe("a token that was verified before", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("expires all the same", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { token, caller } = await issueToken(7, 600, { secret, issuer });
    expect(await verifyToken(token, { secret, issuer })).toEqual(caller);
    vi.setSystemTime(Date.now() + 599_000);
    expect(await verifyToken(token, { secret, issuer })).toEqual(caller);
    vi.setSystemTime(Date.now() + 1_000);
    expect(await verifyToken(token, { secret, issuer })).toBeUndefined();
  });

  it("holds for the settings it was verified by, and for no others", async () => {
    const { token, caller } = await issueToken(7, 600, { secret, issuer });
    expect(await verifyToken(token, { secret, issuer })).toEqual(caller);
    expect(await verifyToken(token, { secret, issuer: "https://elsewhere.example.com" })).toBeUndefined();
    expect(await verifyToken(token, { secret: previousSecret, issuer })).toBeUndefined();
    expect(await verifyToken(`${token.slice(0, -2)}xx`, { secret, issuer })).toBeUndefined();
  });
});

describe("recent values", () => {
  it("are those that were asked for last, up to their number", () => {
    const values = new RecentValues<number>(2);
    values.set("first", 1);
    values.set("second", 2);
    expect(values.get("first")).toBe(1);
    values.set("third", 3);
    expect([values.get("first"), values.get("second"), values.get("third")]).toEqual([1, undefined, 3]);
  });

  it("do not push each other out by being set again", () => {
    const values = new RecentValues<number>(2);
    values.set("first", 1);
    values.set("second", 2);
    values.set("second", 22);
    expect([values.get("first"), values.get("second")]).toEqual([1, 22]);
  });
});

it("gives every token an id of its own and a lifetime in seconds", async () => {
  const first = await issueToken(7, 600, { secret, issuer });
  const second = await issueToken(7, 600, { secret, issuer });

  const { id, issuedAt, expiresAt } = first.caller.credential;
  expect(id).not.toBe(second.caller.credential.id);
  const lifetime = (expiresAt?.getTime() ?? Number.NaN) - issuedAt.getTime();
  expect(lifetime).toBeGreaterThan(598_900);
  expect(lifetime).toBeLessThanOrEqual(600_000);
});
