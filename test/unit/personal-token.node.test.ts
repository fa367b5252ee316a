import { describe, expect, it } from "vitest";
import { makePersonalToken, type PersonalToken, readPersonalToken } from "../../src/auth/personal-token.ts";
import type { Caller } from "../../src/caller.ts";

const secrets = { TOKEN_SECRET: "a secret of the tests, 32 characters" };
const token: PersonalToken = {
  id: "0b0d4a52-5f0f-4f0e-a3a1-1c1f5b2b7c55",
  userId: 2_147_483_647,
  access: "full",
  issuedAt: new Date("2026-11-28T11:00:00Z"),
  expiresAt: undefined,
};

describe("a personal token", () => {
  it.each<[string, Caller["access"]]>([
    ["everything", "full"],
    ["nothing", new Set()],
    ["reading", new Set(["tasks:read"])],
    ["writing", new Set(["tasks:write"])],
    ["both", new Set(["tasks:read", "tasks:write"])],
  ])("that allows %s says so itself, in 66 characters", (_, access) => {
    const made = makePersonalToken({ ...token, access }, secrets);

    expect(made).toMatch(/^tsk_[\w-]{62}$/);
    expect(readPersonalToken(made, secrets)).toEqual({ ...token, access });
  });

  it("holds until the moment it expires", () => {
    const at = (milliseconds: number) => new Date(Math.floor((Date.now() + milliseconds) / 1000) * 1000);
    const later = { ...token, expiresAt: at(5_000) };
    const past = { ...token, expiresAt: at(-1_000) };

    expect(readPersonalToken(makePersonalToken(later, secrets), secrets)).toEqual(later);
    expect(readPersonalToken(makePersonalToken(past, secrets), secrets)).toBeUndefined();
  });

  it("goes on while the secret is rotated, and no longer", () => {
    const made = makePersonalToken(token, secrets);
    const newer = { TOKEN_SECRET: "a newer secret of the tests, 32 chars" };

    expect(readPersonalToken(made, { ...newer, TOKEN_SECRET_PREVIOUS: secrets.TOKEN_SECRET })).toEqual(token);
    expect(readPersonalToken(made, newer)).toBeUndefined();
  });

  it("does not hold with any of its characters changed", () => {
    const made = makePersonalToken(token, secrets);
    for (let at = 0; at < made.length; at += 1) {
      const changed = made.slice(0, at) + (made[at] === "A" ? "B" : "A") + made.slice(at + 1);
      expect(readPersonalToken(changed, secrets), changed).toBeUndefined();
    }
  });

  it.each(["tsk_", "tsk_x", `tsk_${"A".repeat(62)}`, `tsk_${"A".repeat(63)}`, `tsk_${"A".repeat(61)}=`])(
    "is not %s",
    (made) => {
      expect(readPersonalToken(made, secrets)).toBeUndefined();
    },
  );
});
