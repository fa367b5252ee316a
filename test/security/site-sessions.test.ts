import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { app } from "../../src/app.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, PASSWORD, Person, problemOf, send } from "../support/person.ts";
import {
  accountOf,
  askWhose,
  openSite,
  type SiteSigner,
  sessionClaims,
  signSessionWith,
  signWithSecret,
  userClaims,
} from "../support/site.ts";

let signer: SiteSigner;

beforeEach(async () => {
  ({ signer } = await openSite());
});

afterEach(() => vi.restoreAllMocks());

describe("the session of a site", () => {
  it("is let in by its secret, by its keys and by its JWT plugin, as one and the same person", async () => {
    const userId = crypto.randomUUID();
    const claims = sessionClaims(userId);
    const first = await accountOf(await signWithSecret(claims));

    expect(first).toMatchObject({ name: "Ada", time_zone: "UTC" });
    expect(await accountOf(await signSessionWith(signer, claims))).toEqual(first);
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

  it("gets a new account where the old one was deleted", async () => {
    const claims = sessionClaims();
    const token = await signWithSecret(claims);
    const { id } = await accountOf(token);
    await ownerQuery("delete from users where id = $1", [id]);

    expect((await askWhose(token)).status).toBe(401);
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
    ["by its keys", (userId) => signSessionWith(signer, sessionClaims(userId))],
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
    expect(await make(await signSessionWith(signer, sessionClaims()))).toBe(201);
    const older = await signedIn(60);
    await ownerQuery(
      "update users set password_hash = other.password_hash from users other where users.id = $1 and other.id = $2",
      [(await accountOf(older)).id, (await Person.signUp()).id],
    );

    expect(await make(older)).toBe(403);
    expect(await make(older, { password: PASSWORD })).toBe(201);
  });
});
