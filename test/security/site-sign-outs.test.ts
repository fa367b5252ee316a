import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ownerQuery } from "../support/owner.ts";
import { send } from "../support/person.ts";
import {
  accountOf,
  askWhose,
  openSite,
  type SiteSigner,
  seconds,
  sessionClaims,
  signWithSecret,
  userClaims,
} from "../support/site.ts";

let signer: SiteSigner;
let curve: SiteSigner;

beforeEach(async () => {
  ({ signer, curve } = await openSite());
});

afterEach(() => vi.restoreAllMocks());

/** A token of the JWT plugin, and the same as somebody else writes it. */
const respell = async (write: (token: string) => string): Promise<[string, string]> => {
  const token = await signer.sign(userClaims());
  return [token, write(token)];
};

/** Two tokens of the same claims: ECDSA signs at random. */
const signTwice = async (claims: unknown): Promise<[string, string]> => {
  return [await curve.sign(claims), await curve.sign(claims)];
};

describe("the session of a site", () => {
  it("ends by signing out, in the site's later tokens for it too, and goes on elsewhere", async () => {
    const claims = sessionClaims();
    const other = sessionClaims(claims.user.id);
    const token = await signWithSecret(claims);
    const { id } = await accountOf(token);
    const response = await send("/api/auth/signout", {
      method: "POST",
      body: {},
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(response.status).toBe(204);

    expect((await askWhose(token)).status).toBe(401);
    expect(
      (await askWhose(await signWithSecret({ ...claims, updatedAt: Date.now() + 1, exp: claims.exp + 60 }))).status,
    ).toBe(401);
    expect((await accountOf(await signWithSecret(other))).id).toBe(id);
  });

  it.each<[string, () => Promise<[token: string, other: string]>]>([
    ["a signature with padding", async () => await respell((token) => `${token}==`)],
    [
      "bits at the end of a signature that nobody reads",
      () =>
        respell((token) => {
          const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
          return token.slice(0, -1) + letters.charAt(letters.indexOf(token.slice(-1)) ^ 1);
        }),
    ],
    ["another signature of the same", () => signTwice(userClaims())],
  ])("of a token that names none ends by signing out, and does not come back by %s", async (_, sign) => {
    const [token, other] = await sign();
    expect(other).not.toBe(token);
    const { id } = await accountOf(token);
    expect((await accountOf(other)).id).toBe(id);
    const headers = { Authorization: `Bearer ${token}` };
    expect((await send("/api/auth/signout", { method: "POST", body: {}, headers })).status).toBe(204);

    expect((await askWhose(token)).status).toBe(401);
    expect((await askWhose(other)).status).toBe(401);
  });

  it("is remembered to have ended for as long as it could come again", async () => {
    const endOf = async (token: string) => {
      const { id } = await accountOf(token);
      const headers = { Authorization: `Bearer ${token}` };
      expect((await send("/api/auth/signout", { method: "POST", body: {}, headers })).status).toBe(204);
      const [row] = await ownerQuery(
        "select extract(epoch from expires_at)::float8 as ends_at from revoked_tokens where user_id = $1",
        [id],
      );
      return row?.ends_at;
    };
    const claims = userClaims();

    expect(await endOf(await signer.sign(claims))).toBe(claims.exp);
    const named = userClaims(undefined, { jti: crypto.randomUUID() });
    expect(await endOf(await signer.sign(named))).toBe(named.exp);
    expect(await endOf(await signWithSecret(sessionClaims()))).toBe(Date.parse("9999-12-31T23:59:59Z") / 1000);
  });

  it("ends by signing out everywhere, and one that begins later does not", async () => {
    const claims = sessionClaims();
    const { id } = await accountOf(await signWithSecret(claims));
    await ownerQuery("update users set signed_out_at = now() where id = $1", [id]);

    expect((await askWhose(await signWithSecret({ ...claims, iat: seconds() + 30 }))).status).toBe(401);
    await ownerQuery("update users set signed_out_at = now() - interval '1 minute' where id = $1", [id]);
    expect((await accountOf(await signWithSecret(sessionClaims(claims.user.id)))).id).toBe(id);
  });
});
