import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { makePersonalToken } from "../../src/auth/personal-token.ts";
import { readConfiguration } from "../../src/config.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf, send } from "../support/person.ts";
import { askWith, bearer, listTokens, makeToken, runBy, TOKENS_PATH } from "../support/token-routes.ts";

let person: Person;

beforeEach(async () => {
  person = await Person.signUp();
});

describe("a personal token", () => {
  it("is shown once, is a bearer token, and stands in the list with its last use", async () => {
    const own = await Person.signUp();
    const { token, ...kept } = await makeToken(own, { name: "Headless agent" });

    expect(token).toMatch(/^tsk_[\w-]{62}$/);
    expect(kept).toMatchObject({ name: "Headless agent", scopes: null, expires_at: null, last_used_at: null });
    expect((await runBy(token, "create_task", { title: "Buy milk" })).status).toBe(200);
    const [listed] = await listTokens(own);
    expect(listed).toEqual({ ...kept, last_used_at: expect.any(String) });
  });

  it("is kept by nothing that could be used", async () => {
    const { token, id } = await makeToken(person);
    const [row] = await ownerQuery("select to_jsonb(personal_tokens)::text as row from personal_tokens where id = $1", [
      id,
    ]);

    const secretPart = token.slice(-22);
    expect(row?.row).not.toContain(secretPart);
    expect(row?.row).not.toContain("tsk_");
  });

  it("expires when it says", async () => {
    const { token, created_at, expires_at } = await makeToken(person, { expires_in_days: 30 });
    expect(Date.parse(expires_at ?? "") - Date.parse(created_at)).toBe(30 * 24 * 60 * 60 * 1000);
    expect((await send("/api/auth/me", bearer(token))).status).toBe(200);
    const expiry = Date.parse(expires_at ?? "");
    vi.useFakeTimers({ now: expiry, toFake: ["Date"] });
    try {
      expect((await send("/api/auth/me", bearer(token))).status).toBe(401);
    } finally {
      vi.useRealTimers();
    }
  });

  it("outlives a change of JWT_SECRET, which signs everybody out, and that of its own secret for as long as both are known", async () => {
    const { token } = await makeToken(person);
    const other = "another secret of the tests, 32 characters";
    const statusWith = async (variables: Record<string, string>, headers = bearer(token).headers) =>
      (await askWith(variables, "/api/auth/me", headers)).status;

    expect(await statusWith({ JWT_SECRET: other }, person.authorization)).toBe(401);
    expect(await statusWith({ JWT_SECRET: other })).toBe(200);
    const { TOKEN_SECRET = "" } = readConfiguration(env);
    expect(await statusWith({ TOKEN_SECRET: other, TOKEN_SECRET_PREVIOUS: TOKEN_SECRET })).toBe(200);
    expect(await statusWith({ TOKEN_SECRET: other })).toBe(401);
  });

  it("is cut off at its next call, and nothing else is", async () => {
    const [first, second] = [await makeToken(person), await makeToken(person)];
    expect((await send("/api/auth/me", bearer(first.token))).status).toBe(200);
    expect((await person.send(`${TOKENS_PATH}/${first.id}`, { method: "DELETE" })).status).toBe(204);

    const refused = await runBy(first.token, "list_tasks", {});
    expect(refused.status).toBe(401);
    expect((await problemOf(refused)).detail).toContain("no longer counts");
    expect((await runBy(second.token, "list_tasks", {})).status).toBe(200);
    expect((await person.send(`${TOKENS_PATH}/${first.id}`, { method: "DELETE" })).status).toBe(404);
  });

  it("ends itself by signing out, and outlasts its person's signing out everywhere", async () => {
    const own = await Person.signUp();
    const [ended, other] = [await makeToken(own), await makeToken(own, { scopes: ["tasks:read"] })];
    const signOut = (token: string, body = {}) => send("/api/auth/signout", { method: "POST", body, ...bearer(token) });
    expect((await signOut(ended.token)).status).toBe(204);
    expect((await runBy(ended.token, "list_tasks", {})).status).toBe(401);
    expect((await signOut(own.session.token, { everywhere: true })).status).toBe(204);

    expect((await runBy(other.token, "list_tasks", {})).status).toBe(200);
    expect((await signOut(other.token, { everywhere: true })).status).toBe(403);
    expect((await signOut(other.token)).status).toBe(204);
    expect((await runBy(other.token, "list_tasks", {})).status).toBe(401);
  });

  it("that somebody else has made is not there", async () => {
    const { id } = await makeToken(person);
    const stranger = await Person.signUp();

    expect((await stranger.send(`${TOKENS_PATH}/${id}`, { method: "DELETE" })).status).toBe(404);
    expect((await listTokens(stranger)).length).toBe(0);
    expect((await listTokens(person)).map((token) => token.id)).toContain(id);
  });

  it("that is made up costs the user whom it names none of their requests", async () => {
    const limit = vi.spyOn(env.USER_RATE_LIMITER, "limit");
    const made = makePersonalToken(
      { id: crypto.randomUUID(), userId: person.id, access: "full", issuedAt: new Date(), expiresAt: undefined },
      { TOKEN_SECRET: "a secret that is not the server's, 32 chars" },
    );

    expect((await send("/api/auth/me", bearer(made))).status).toBe(401);
    expect(limit).not.toHaveBeenCalled();
    limit.mockRestore();
  });
});

it("costs a call of a tool no request of its own, in the database or in KV", async () => {
  const { token } = await makeToken(person);
  const requests = vi.spyOn(globalThis, "fetch");
  const keyValue = vi.spyOn(env.OAUTH_KV, "get");
  for (const tool of ["list_tasks", "create_task"]) {
    requests.mockClear();
    expect((await runBy(token, tool, tool === "list_tasks" ? {} : { title: "counted" })).status).toBe(200);
    expect(requests).toHaveBeenCalledTimes(1);
  }
  expect(keyValue).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

describe("where SCOPED_CREDENTIALS is off, or there is no TOKEN_SECRET", () => {
  it.each([
    [{ SCOPED_CREDENTIALS: "off" }, "SCOPED_CREDENTIALS is off"],
    [{ TOKEN_SECRET: undefined }, "TOKEN_SECRET is missing"],
  ])("%j lets no personal token in, makes none, and offers no OAuth", async (variables, reason) => {
    const { token } = await makeToken(person);
    const refused = await askWith(variables, "/mcp", bearer(token).headers);
    expect(refused.status).toBe(401);
    expect((await problemOf(refused)).detail).toBe(`Personal tokens are not set up on this server: ${reason}.`);
    expect(refused.headers.get("WWW-Authenticate")).not.toContain("resource_metadata");
    const before = await listTokens(person);
    const unmade = await askWith(variables, TOKENS_PATH, person.authorization, { name: "Laptop" });
    expect(unmade.status).toBe(503);
    expect((await problemOf(unmade)).detail).toBe(`Personal tokens are not set up on this server: ${reason}.`);

    expect(await listTokens(person)).toEqual(before);
  });
});
