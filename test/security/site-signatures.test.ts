import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { problemOf } from "../support/person.ts";
import {
  accountOf,
  askWhose,
  openSite,
  SITE,
  SiteSigner,
  seconds,
  sessionClaims,
  signSessionWith,
  signWithSecret,
  userClaims,
} from "../support/site.ts";

// What a Better Auth site signs, in the shapes of its version 1.7, and what else it signs with the same secret and keys.

let signer: SiteSigner;

beforeEach(async () => {
  ({ signer } = await openSite());
});

afterEach(() => vi.restoreAllMocks());

describe("of what the site signs with its secret", () => {
  const withSession = (changes: Record<string, unknown>) => {
    const claims = sessionClaims();
    return { ...claims, session: { ...claims.session, ...changes } };
  };

  it.each<[string, () => unknown]>([
    ["the verification of an e-mail", () => ({ email: "ada@site.example", iat: seconds(), exp: seconds() + 3600 })],
    [
      "the verification of an e-mail with a user",
      () => ({ email: "a@site.example", userId: "7", iat: seconds(), exp: seconds() + 9 }),
    ],
    ["a session without its user", () => sessionClaims("7", { user: undefined })],
    ["a user without a session", () => sessionClaims("7", { session: undefined })],
    ["a session of another user", () => withSession({ userId: "another" })],
    ["a session without a token", () => withSession({ token: undefined })],
    ["a session that has expired", () => withSession({ expiresAt: new Date(Date.now() - 1000).toISOString() })],
    [
      "a session that begins tomorrow",
      () => withSession({ createdAt: new Date(Date.now() + 86_400_000).toISOString() }),
    ],
    ["a token that has expired", () => sessionClaims("7", { exp: seconds() - 1 })],
    ["a token that never expires", () => sessionClaims("7", { exp: undefined })],
    ["a token without iat", () => sessionClaims("7", { iat: undefined })],
    ["a token that is not valid yet", () => sessionClaims("7", { nbf: seconds() + 600 })],
    ["a token for an issuer", () => sessionClaims("7", { iss: SITE })],
    ["a token for an audience", () => sessionClaims("7", { aud: SITE })],
    ["an id token", () => userClaims("7")],
    ["a user whose id is a number", () => sessionClaims("7", { user: { id: 7 } })],
    ["a user whose id is too long", () => sessionClaims("a".repeat(301))],
    ["a user whose id no database keeps", () => sessionClaims("a\0b")],
    ["a user whose id is half a character", () => sessionClaims("a\ud800")],
  ])("%s signs nobody in", async (_, claims) => {
    const response = await askWhose(await signWithSecret(claims()));

    expect(response.status).toBe(401);
    expect((await problemOf(response)).detail).toBe("The bearer token is not valid or has expired; sign in again.");
  });

  it("nothing signed with another secret, another algorithm or none is let in", async () => {
    const claims = sessionClaims();
    expect(
      (await askWhose(await signWithSecret(claims, { secret: "another secret of a site, 32 characters" }))).status,
    ).toBe(401);
    expect((await askWhose(await signWithSecret(claims, { alg: "HS512" }))).status).toBe(401);
    const [, payload] = (await signWithSecret(claims)).split(".");
    expect((await askWhose(`${btoa('{"alg":"none"}')}.${payload}.`)).status).toBe(401);
  });

  it("a public key is no secret", async () => {
    const token = await signWithSecret(sessionClaims(), { secret: signer.publicKey.x, header: { kid: "first" } });
    expect((await askWhose(token)).status).toBe(401);
  });
});

describe("of what the site signs with its keys", () => {
  it.each<[string, () => Promise<string>]>([
    ["an id token", () => signer.sign(userClaims("7", { aud: "client", nonce: "n" }))],
    ["an id token for itself", () => signer.sign(userClaims("7", { nonce: "n", auth_time: seconds() }))],
    [
      "an access token",
      () => signer.sign(userClaims("7", { scope: "openid", client_id: "client" }), { typ: "at+jwt" }),
    ],
    ["an access token of type JWT", () => signer.sign(userClaims("7", { scope: "openid", azp: "client" }))],
    ["a token for another audience", () => signer.sign(userClaims("7", { aud: "https://elsewhere.example" }))],
    ["a token for several", () => signer.sign(userClaims("7", { aud: [SITE, "https://elsewhere.example"] }))],
    ["a token of another issuer", () => signer.sign(userClaims("7", { iss: "https://elsewhere.example" }))],
    ["a token without a subject", () => signer.sign(userClaims("7", { sub: undefined }))],
    ["a subject that no database keeps", () => signer.sign(userClaims("a\0b"))],
    ["a session of a subject that no database keeps", () => signSessionWith(signer, sessionClaims("a\0b"))],
    ["a token of another subject", () => signer.sign(userClaims("7", { sub: "8" }))],
    ["a token that has expired", () => signer.sign(userClaims("7", { exp: seconds() - 1 }))],
    ["a token of tomorrow", () => signer.sign(userClaims("7", { iat: seconds() + 86_400 }))],
    ["a session as a token", () => signer.sign(sessionClaims("7"))],
    ["a token as a session", () => signer.sign(userClaims("7"), { typ: "better-auth.session-cache+jwt" })],
    ["a session for another audience", () => signSessionWith(signer, sessionClaims("7"), { aud: SITE })],
    [
      "a session of another issuer",
      () => signSessionWith(signer, sessionClaims("7"), { iss: "https://elsewhere.example" }),
    ],
    ["a session with another id", () => signSessionWith(signer, sessionClaims("7"), { sid: "another" })],
    ["a session of another subject", () => signSessionWith(signer, sessionClaims("7"), { sub: "8" })],
  ])("%s signs nobody in", async (_, sign) => {
    expect((await askWhose(await sign())).status).toBe(401);
  });

  it("a token for this server is let in", async () => {
    await accountOf(await signer.sign(userClaims(undefined, { aud: "http://127.0.0.1:8787" })));
  });

  it("nothing signed with a key of somebody else's is let in, under whatever id", async () => {
    const stranger = await SiteSigner.make("first");
    expect((await askWhose(await stranger.sign(userClaims()))).status).toBe(401);
  });
});
