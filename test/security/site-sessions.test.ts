import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { app } from "../../src/app.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, PASSWORD, Person, problemOf, send } from "../support/person.ts";
import {
  type SessionClaims,
  SITE,
  SiteSigner,
  seconds,
  sessionClaims,
  signWithSecret,
  userClaims,
} from "../support/site.ts";

// What a Better Auth site signs, in the shapes of its version 1.7, and what else it signs with the same secret and keys.

const meSchema = z.object({
  user: z.object({ id: z.int(), email: z.string(), name: z.string(), time_zone: z.string() }),
});

let signer: SiteSigner;
let curve: SiteSigner;

beforeAll(async () => {
  signer = await SiteSigner.make("first");
  curve = await SiteSigner.make("curve", "ES256");
});

beforeEach(() => {
  const { fetch } = globalThis;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) =>
    String(input) === `${SITE}/api/auth/jwks`
      ? Response.json({ keys: [signer.publicKey, curve.publicKey] })
      : fetch(input, init),
  );
});

afterEach(() => vi.restoreAllMocks());

const me = (token: string) => send("/api/auth/me", { headers: { Authorization: `Bearer ${token}` } });
const accountOf = async (token: string) => {
  const response = await me(token);
  expect(response.status).toBe(200);
  return meSchema.parse(await response.json()).user;
};

const keySession = (claims: SessionClaims, changes: Record<string, unknown> = {}) =>
  signer.sign(
    {
      ...claims,
      sid: claims.session.token,
      sub: claims.user.id,
      iss: SITE,
      aud: "better-auth:session-cache",
      ...changes,
    },
    { typ: "better-auth.session-cache+jwt" },
  );

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
  it("is let in by its secret, by its keys and by its JWT plugin, as one and the same person", async () => {
    const userId = crypto.randomUUID();
    const claims = sessionClaims(userId);
    const first = await accountOf(await signWithSecret(claims));

    expect(first).toMatchObject({ name: "Ada", time_zone: "UTC" });
    expect(await accountOf(await keySession(claims))).toEqual(first);
    expect(await accountOf(await signer.sign(userClaims(userId)))).toEqual(first);
    expect(await accountOf(await signWithSecret(sessionClaims(userId)))).toEqual(first);
  });

  it("runs tools as anybody's does", async () => {
    const token = await signWithSecret(sessionClaims());
    const response = await send("/mcp/tools/create_task", {
      method: "POST",
      body: { title: "from the site" },
      headers: { Authorization: `Bearer ${token}` },
    });

    expect(response.status).toBe(200);
  });

  it("is never joined to an account by its e-mail", async () => {
    const person = await Person.signUp();
    const { email } = person.session.user;
    const claims = sessionClaims();
    const account = await accountOf(await signWithSecret({ ...claims, user: { ...claims.user, email } }));

    expect(account.id).not.toBe(person.id);
    expect(account.email).toMatch(/^[\da-f-]{36}@site\.invalid$/);
  });

  it("asks whose it is once in an isolate, and makes one account however many come at once", async () => {
    const userId = crypto.randomUUID();
    const tokens = await Promise.all(Array.from({ length: 5 }, () => signWithSecret(sessionClaims(userId))));
    const accounts = await Promise.all(tokens.map((token) => accountOf(token)));

    expect(new Set(accounts.map(({ id }) => id)).size).toBe(1);
    expect(await ownerQuery("select count(*)::int from site_identities where subject = $1", [userId])).toEqual([
      { count: 1 },
    ]);
    const requests = vi.mocked(fetch).mock.calls.length;
    await accountOf(await signWithSecret(sessionClaims(userId)));
    // That of the route itself alone.
    expect(vi.mocked(fetch).mock.calls.length - requests).toBe(1);
  });

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

    expect((await me(token)).status).toBe(401);
    expect(
      (await me(await signWithSecret({ ...claims, updatedAt: Date.now() + 1, exp: claims.exp + 60 }))).status,
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

    expect((await me(token)).status).toBe(401);
    expect((await me(other)).status).toBe(401);
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

    expect((await me(await signWithSecret({ ...claims, iat: seconds() + 30 }))).status).toBe(401);
    await ownerQuery("update users set signed_out_at = now() - interval '1 minute' where id = $1", [id]);
    expect((await accountOf(await signWithSecret(sessionClaims(claims.user.id)))).id).toBe(id);
  });

  it("gets a new account where the old one was deleted", async () => {
    const claims = sessionClaims();
    const token = await signWithSecret(claims);
    const { id } = await accountOf(token);
    await ownerQuery("delete from users where id = $1", [id]);

    expect((await me(token)).status).toBe(401);
    expect((await accountOf(token)).id).not.toBe(id);
  });

  it("of somebody without a name that can be kept has one all the same", async () => {
    const claims = sessionClaims();
    const account = await accountOf(await signWithSecret({ ...claims, user: { ...claims.user, name: "\u0000" } }));

    expect(account.name).toBe("New user");
  });
});

describe("where SCOPED_CREDENTIALS is off", () => {
  it.each<[string, (userId: string) => Promise<string>]>([
    ["by its secret", (userId) => signWithSecret(sessionClaims(userId))],
    ["by its keys", (userId) => keySession(sessionClaims(userId))],
    ["by its JWT plugin", (userId) => signer.sign(userClaims(userId))],
  ])("no session of a site is let in %s, and no account made", async (_, sign) => {
    const userId = crypto.randomUUID();
    const token = await sign(userId);
    const headers = { Authorization: `Bearer ${token}` };
    const context = createExecutionContext();
    const request = new Request(new URL("/api/auth/me", ORIGIN), { headers });
    const refused = await app.fetch(request, { ...env, SCOPED_CREDENTIALS: "off" }, context);
    await waitOnExecutionContext(context);

    expect(refused.status).toBe(401);
    await problemOf(refused);
    expect(await ownerQuery("select from site_identities where subject = $1", [userId])).toEqual([]);
    await accountOf(token);
  });
});

describe("what lasts longer than a session, or is the account itself,", () => {
  const confirmed: readonly (readonly [method: string, path: string, body: Record<string, unknown>])[] = [
    ["PATCH", "/api/auth/me", { email: "eve@example.com" }],
    ["POST", "/api/auth/tokens", { name: "Eve" }],
    ["DELETE", "/api/auth/me", {}],
  ];
  const as = (token: string, method: string, path: string, body: Record<string, unknown>) =>
    send(path, { method, body, headers: { Authorization: `Bearer ${token}` } });
  const signedIn = (minutesAgo: number) => {
    const claims = sessionClaims();
    const createdAt = new Date(Date.now() - minutesAgo * 60_000).toISOString();
    return signWithSecret({ ...claims, session: { ...claims.session, createdAt } });
  };

  it.each(confirmed)("wants a session that has just begun: %s %s", async (method, path, body) => {
    const token = await signedIn(11);
    const account = await accountOf(token);

    const refused = await as(token, method, path, body);
    expect(refused.status).toBe(403);
    expect((await problemOf(refused)).detail).toContain("Sign in there again");
    const guessed = await as(token, method, path, { ...body, password: PASSWORD });
    expect(guessed.status).toBe(403);
    expect((await problemOf(guessed)).detail).toBe("The password is wrong.");
    expect(await accountOf(token)).toEqual(account);
  });

  it.each(confirmed)("wants more than a token that says nothing of a session: %s %s", async (method, path, body) => {
    const token = await signer.sign(userClaims());
    const account = await accountOf(token);

    const refused = await as(token, method, path, body);
    expect(refused.status).toBe(403);
    expect((await problemOf(refused)).detail).toContain("does not say when you signed in there");
    expect(await accountOf(token)).toEqual(account);
  });

  it("is had with a session that has just begun, or with the account's password", async () => {
    const make = async (token: string, body = {}) =>
      (await as(token, "POST", "/api/auth/tokens", { name: "Laptop", ...body })).status;
    expect(await make(await signedIn(9))).toBe(201);
    expect(await make(await keySession(sessionClaims()))).toBe(201);
    const older = await signedIn(60);
    await ownerQuery(
      "update users set password_hash = other.password_hash from users other where users.id = $1 and other.id = $2",
      [(await accountOf(older)).id, (await Person.signUp()).id],
    );

    expect(await make(older)).toBe(403);
    expect(await make(older, { password: PASSWORD })).toBe(201);
  });
});

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
  ])("%s signs nobody in", async (_, claims) => {
    const response = await me(await signWithSecret(claims()));

    expect(response.status).toBe(401);
    expect((await problemOf(response)).detail).toBe("The bearer token is not valid or has expired; sign in again.");
  });

  it("nothing signed with another secret, another algorithm or none is let in", async () => {
    const claims = sessionClaims();
    expect((await me(await signWithSecret(claims, { secret: "another secret of a site, 32 characters" }))).status).toBe(
      401,
    );
    expect((await me(await signWithSecret(claims, { alg: "HS512" }))).status).toBe(401);
    const [, payload] = (await signWithSecret(claims)).split(".");
    expect((await me(`${btoa('{"alg":"none"}')}.${payload}.`)).status).toBe(401);
  });

  it("a public key is no secret", async () => {
    const token = await signWithSecret(sessionClaims(), { secret: signer.publicKey.x, header: { kid: "first" } });
    expect((await me(token)).status).toBe(401);
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
    ["a token of another subject", () => signer.sign(userClaims("7", { sub: "8" }))],
    ["a token that has expired", () => signer.sign(userClaims("7", { exp: seconds() - 1 }))],
    ["a token of tomorrow", () => signer.sign(userClaims("7", { iat: seconds() + 86_400 }))],
    ["a session as a token", () => signer.sign(sessionClaims("7"))],
    ["a token as a session", () => signer.sign(userClaims("7"), { typ: "better-auth.session-cache+jwt" })],
    ["a session for another audience", () => keySession(sessionClaims("7"), { aud: SITE })],
    ["a session of another issuer", () => keySession(sessionClaims("7"), { iss: "https://elsewhere.example" })],
    ["a session with another id", () => keySession(sessionClaims("7"), { sid: "another" })],
    ["a session of another subject", () => keySession(sessionClaims("7"), { sub: "8" })],
  ])("%s signs nobody in", async (_, sign) => {
    expect((await me(await sign())).status).toBe(401);
  });

  it("a token for this server is let in", async () => {
    await accountOf(await signer.sign(userClaims(undefined, { aud: "http://127.0.0.1:8787" })));
  });

  it("nothing signed with a key of somebody else's is let in, under whatever id", async () => {
    const stranger = await SiteSigner.make("first");
    expect((await me(await stranger.sign(userClaims()))).status).toBe(401);
  });
});
