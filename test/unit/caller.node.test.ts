import { describe, expect, it } from "vitest";
import { type Caller, clientName, readCallerRecord, toCallerRecord } from "../../src/caller.ts";

const issuedAt = new Date("2026-11-27T10:00:00Z");
const expiresAt = new Date("2026-11-28T10:00:00Z");
const full: Caller = {
  userId: 7,
  credential: { kind: "sign_in", id: "3f0c", issuedAt, expiresAt },
  access: "full",
};

describe("a caller on the way to an object", () => {
  it.each([
    ["full access", full],
    ["one scope", { ...full, access: new Set(["tasks:read"] as const) }],
    ["no scope", { ...full, access: new Set<never>() }],
    ["an OAuth client", { ...full, credential: { ...full.credential, kind: "oauth" as const, clientId: "c" } }],
    [
      "a personal token that does not expire",
      { ...full, credential: { ...full.credential, kind: "personal" as const, expiresAt: undefined } },
    ],
    [
      "the session of a site",
      {
        ...full,
        credential: {
          ...full.credential,
          kind: "site" as const,
          identity: { issuer: "https://site.example", subject: "7" },
          sessionBegan: issuedAt,
        },
      },
    ],
  ])("arrives as it was: %s", (_, caller) => {
    expect(readCallerRecord(structuredClone(toCallerRecord(caller)))).toEqual(caller);
  });

  it("is read by the release before, which knows a token and its scopes", () => {
    expect(toCallerRecord(full)).toMatchObject({
      userId: 7,
      tokenId: "3f0c",
      tokenIssuedAt: issuedAt,
      tokenExpiresAt: expiresAt,
      scopes: [],
    });
  });

  it("of the release before, for which no scopes stand for everything, is read", () => {
    const before = { userId: 7, tokenId: "3f0c", tokenIssuedAt: issuedAt, tokenExpiresAt: expiresAt };

    expect(readCallerRecord({ ...before, scopes: [] })).toEqual(full);
    expect(readCallerRecord({ ...before, scopes: ["tasks:read"] }).access).toEqual(new Set(["tasks:read"]));
  });

  it("of a release to come keeps no right that this one does not know", () => {
    const record = { ...toCallerRecord(full), access: ["tasks:read", "tasks:share"], more: true };

    expect(readCallerRecord(record).access).toEqual(new Set(["tasks:read"]));
  });

  it.each([
    [
      "a kind of credential that this release does not know",
      { ...toCallerRecord(full), credential: { kind: "passkey" } },
    ],
    ["nothing", undefined],
  ])("is refused where it is %s", (_, record) => {
    expect(() => readCallerRecord(record)).toThrow(expect.objectContaining({ kind: "unauthenticated" }));
  });
});

it.each([
  ["Claude Code", "Claude Code"],
  ["  padded ", "padded"],
  ["", undefined],
  ["   ", undefined],
  [undefined, undefined],
  [12, undefined],
  ["🥛".repeat(150), "🥛".repeat(100)],
])("keeps the client's name %j as %j", (name, kept) => {
  expect(clientName(name)).toBe(kept);
});
