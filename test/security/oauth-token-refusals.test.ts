import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import {
  allow,
  authorizationUrl,
  CALLBACK,
  callTool,
  connect,
  newPkce,
  post,
  refresh,
  register,
  type Tokens,
} from "../support/oauth.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, Person, send } from "../support/person.ts";

// Each request that the token endpoint and revocation refuse, and the error of RFC 6749 and RFC 7009 that it is told.

let person: Person;
let clientId: string;
let otherId: string;
let confidential: { client_id: string; client_secret?: string | undefined };

beforeAll(async () => {
  person = await Person.signUp();
  clientId = (await register({ redirect_uris: [CALLBACK, "https://app.example/callback"] })).client_id;
  otherId = (await register()).client_id;
  confidential = await register({ token_endpoint_auth_method: "client_secret_basic" });
});

type Changes = Record<string, string | undefined>;

const { verifier, challenge } = newPkce();

/** A code, and all that its exchange takes. */
async function newExchange(client = clientId): Promise<Changes> {
  const callback = await allow(person, authorizationUrl({ client_id: client, code_challenge: challenge }));
  const code = callback.searchParams.get("code") ?? "";
  return { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: CALLBACK, client_id: client };
}

/** Reads an answer that must be an OAuth error that nobody may keep. */
async function errorOf(response: Response): Promise<[number, unknown]> {
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  const body = await response.json<Record<string, unknown>>();
  expect(Object.keys(body).sort()).toEqual(["error", "error_description"]);
  return [response.status, body.error];
}

const basic = (user: string, password: string) => ({ Authorization: `Basic ${btoa(`${user}:${password}`)}` });

describe("a code is refused with", () => {
  it.each<[string, number, string, Changes, Record<string, string>?]>([
    ["no grant type", 400, "unsupported_grant_type", { grant_type: undefined }],
    ["no grant type, but a token", 400, "unsupported_grant_type", { grant_type: undefined, token: "1:a:b" }],
    ["a password", 400, "unsupported_grant_type", { grant_type: "password" }],
    ["nobody's consent", 400, "unsupported_grant_type", { grant_type: "client_credentials" }],
    [
      "a token to exchange",
      400,
      "unsupported_grant_type",
      { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange" },
    ],
    ["no code", 400, "invalid_request", { code: undefined }],
    ["what is no code", 400, "invalid_grant", { code: "code" }],
    ["a code that was made up", 400, "invalid_grant", { code: `1:${"A".repeat(16)}:${"A".repeat(32)}` }],
    [
      "a code of a user that there cannot be",
      400,
      "invalid_grant",
      { code: `9999999999:${"A".repeat(16)}:${"A".repeat(32)}` },
    ],
    ["another client", 400, "invalid_grant", { client_id: "OTHER" }],
    ["no verifier", 400, "invalid_request", { code_verifier: undefined }],
    ["another verifier", 400, "invalid_grant", { code_verifier: newPkce().verifier }],
    ["the challenge for a verifier", 400, "invalid_grant", { code_verifier: challenge }],
    ["another redirect of the client", 400, "invalid_grant", { redirect_uri: "https://app.example/callback" }],
    ["a redirect of nobody's", 400, "invalid_grant", { redirect_uri: "https://evil.example/callback" }],
    ["another resource", 400, "invalid_target", { resource: "https://other.example/mcp" }],
    ["a scope that was not granted", 400, "invalid_scope", { scope: "admin" }],
    ["no client", 401, "invalid_client", { client_id: undefined }],
    ["a client that nobody registered", 401, "invalid_client", { client_id: "AAAAAAAAAAAAAAAA" }],
    ["a client of 3,000 characters", 401, "invalid_client", { client_id: "a".repeat(3_000) }],
    ["a client on this machine", 401, "invalid_client", { client_id: "https://127.0.0.1/client.json" }],
    ["a secret of a client that has none", 401, "invalid_client", { client_secret: "secret" }],
    [
      "an assertion of a client that has no key",
      401,
      "invalid_client",
      { client_assertion: "a.b.c", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" },
    ],
    ["half of an assertion", 400, "invalid_request", { client_assertion: "a.b.c" }],
    ["Basic beside client_id", 400, "invalid_request", {}, basic("a", "b")],
    ["a broken Basic", 401, "invalid_client", { client_id: undefined }, { Authorization: "Basic %%%" }],
    ["an address in Basic", 401, "invalid_client", { client_id: undefined }, basic("https%3A%2F%2F10.0.0.1%2Fc", "x")],
  ])("%s: %i %s", async (_name, status, error, changes, headers = {}) => {
    const exchange = await newExchange();
    const changed = { ...exchange, ...changes, ...(changes.client_id === "OTHER" && { client_id: otherId }) };

    expect(await errorOf(await post("/oauth/token", changed, headers))).toEqual([status, error]);

    // A code that was refused is still its client's.
    expect((await post("/oauth/token", exchange)).status).toBe(200);
  });

  it("what was used: 400 invalid_grant, and what it was used for goes on", async () => {
    const exchange = await newExchange();
    const tokens = await (await post("/oauth/token", exchange)).json<Tokens>();

    expect(await errorOf(await post("/oauth/token", exchange))).toEqual([400, "invalid_grant"]);

    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(200);
    expect((await refresh(clientId, tokens.refresh_token)).status).toBe(200);
  });

  it("what has expired: 400 invalid_grant", async () => {
    const exchange = await newExchange();
    await ownerQuery("update oauth_grants set expires_at = now() where user_id = $1 and record ? 'authCodeId'", [
      person.id,
    ]);

    expect(await errorOf(await post("/oauth/token", exchange))).toEqual([400, "invalid_grant"]);
  });

  it.each<[string, (secret: string) => [Changes, Record<string, string>], number, string]>([
    ["no secret", () => [{}, {}], 401, "invalid_client"],
    [
      "the secret in the body, where Basic was registered",
      (secret) => [{ client_secret: secret }, {}],
      401,
      "invalid_client",
    ],
    ["another secret", () => [{ client_id: undefined }, basic(confidential.client_id, "wrong")], 401, "invalid_client"],
  ])("of a client with a secret, %s", async (_name, build, status, error) => {
    const exchange = await newExchange(confidential.client_id);
    const [changes, headers] = build(confidential.client_secret ?? "");

    expect(await errorOf(await post("/oauth/token", { ...exchange, ...changes }, headers))).toEqual([status, error]);

    const authenticated = basic(confidential.client_id, confidential.client_secret ?? "");
    expect((await post("/oauth/token", { ...exchange, client_id: undefined }, authenticated)).status).toBe(200);
  });
});

describe("a refresh token is refused", () => {
  it.each<[string, number, string, (tokens: Tokens) => Changes]>([
    ["that is not there", 400, "invalid_request", () => ({ refresh_token: undefined })],
    ["that is none", 400, "invalid_grant", () => ({ refresh_token: "token" })],
    ["that was made up", 400, "invalid_grant", () => ({ refresh_token: `1:${"A".repeat(16)}:${"A".repeat(32)}` })],
    ["that is an access token", 400, "invalid_grant", ({ access_token: token }) => ({ refresh_token: token })],
    [
      "with a letter changed",
      400,
      "invalid_grant",
      ({ refresh_token: token }) => ({ refresh_token: `${token.slice(0, -1)}.` }),
    ],
    ["of another client", 400, "invalid_grant", () => ({ client_id: otherId })],
    ["of a client that is not known", 401, "invalid_client", () => ({ client_id: "AAAAAAAAAAAAAAAA" })],
    ["for another resource", 400, "invalid_target", () => ({ resource: `${ORIGIN}/chat` })],
    ["for scopes that it has not", 400, "invalid_scope", () => ({ scope: "admin" })],
  ])("%s: %i %s", async (_name, status, error, change) => {
    const { tokens } = await connect(person, {}, clientId);
    const good = { grant_type: "refresh_token", refresh_token: tokens.refresh_token, client_id: clientId };

    expect(await errorOf(await post("/oauth/token", { ...good, ...change(tokens) }))).toEqual([status, error]);

    expect((await post("/oauth/token", good)).status).toBe(200);
  });

  it.each([
    ["was not used for 180 days", "update oauth_grants set expires_at = now() where user_id = $1"],
    ["was cut off", "delete from oauth_grants where user_id = $1"],
  ])("whose grant %s: 400 invalid_grant", async (_name, change) => {
    const { tokens } = await connect(person, {}, clientId);
    await ownerQuery(change, [person.id]);

    expect(await errorOf(await refresh(clientId, tokens.refresh_token))).toEqual([400, "invalid_grant"]);
  });

  it("whose person is gone: 400 invalid_grant", async () => {
    const leaving = await Person.signUp();
    const { tokens } = await connect(leaving, {}, clientId);
    await ownerQuery("delete from users where id = $1", [leaving.id]);

    expect(await errorOf(await refresh(clientId, tokens.refresh_token))).toEqual([400, "invalid_grant"]);
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(401);
  });
});

describe("a request is refused", () => {
  const body = "grant_type=refresh_token&refresh_token=x&client_id=y";
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  it.each<[string, number, string, string, string, Record<string, string>]>([
    ["as JSON", 400, "invalid_request", "/oauth/token", "{}", { "Content-Type": "application/json" }],
    ["as another form", 400, "invalid_request", "/oauth/token", body, { "Content-Type": "multipart/form-data" }],
    ["with nothing", 401, "invalid_client", "/oauth/token", "", form],
    ["that says a thing twice", 400, "invalid_request", "/oauth/token", `${body}&grant_type=refresh_token`, form],
    ["that is too large", 413, "invalid_request", "/oauth/token", `x=${"x".repeat(20_000)}`, form],
    ["to revoke nothing", 400, "invalid_request", "/oauth/revoke", "client_id=y", form],
    ["to revoke by nobody", 401, "invalid_client", "/oauth/revoke", "token=x", form],
    [
      "to revoke by who is not known",
      401,
      "invalid_client",
      "/oauth/revoke",
      "token=x&client_id=AAAAAAAAAAAAAAAA",
      form,
    ],
    ["to revoke as JSON", 400, "invalid_request", "/oauth/revoke", "{}", { "Content-Type": "application/json" }],
  ])("%s: %i %s", async (_name, status, error, path, sent, headers) => {
    expect(await errorOf(await send(path, { method: "POST", body: sent, headers }))).toEqual([status, error]);
  });

  it.each(["/oauth/token", "/oauth/register", "/oauth/revoke"])("by GET: %s", async (path) => {
    const response = await send(path);
    expect([response.status, response.headers.get("Allow")]).toEqual([405, "POST"]);
  });
});

it("ends nothing for another client, and does not say so (RFC 7009 section 2.1)", async () => {
  const { tokens } = await connect(person, {}, clientId);
  for (const token of [tokens.refresh_token, tokens.access_token, "unknown"]) {
    expect((await post("/oauth/revoke", { token, client_id: otherId })).status).toBe(200);
  }

  expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(200);
  expect((await refresh(clientId, tokens.refresh_token)).status).toBe(200);
});

describe("an access token is refused", () => {
  it.each<[string, (tokens: Tokens) => Promise<string> | string]>([
    ["that was made up", () => `1:${"A".repeat(16)}:${"A".repeat(32)}`],
    ["of a shape of nobody's", () => "a:b:c"],
    ["that is a refresh token", ({ refresh_token: token }) => token],
    [
      "that has expired",
      async ({ access_token: token }) => {
        await changeToken(token, { expiresAt: Math.floor(Date.now() / 1000) - 1 });
        return token;
      },
    ],
    [
      "for another resource",
      async ({ access_token: token }) => {
        await changeToken(token, { audience: "https://other.example/mcp" });
        return token;
      },
    ],
    [
      "whose grant was cut off",
      async ({ access_token: token }) => {
        await ownerQuery("delete from oauth_grants where user_id = $1", [person.id]);
        return token;
      },
    ],
  ])("%s: 401", async (_name, change) => {
    const { tokens } = await connect(person, {}, clientId);
    const token = await change(tokens);

    const response = await callTool(token, "list_tasks");
    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toMatch(/^Bearer .*error="invalid_token"/);
    const mcp = await send("/mcp", {
      method: "POST",
      body: { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "list_tasks", arguments: {} } },
      headers: { Authorization: `Bearer ${token}`, Accept: "application/json, text/event-stream" },
    });
    expect(mcp.status).toBe(401);
  });
});

/** Changes what KV keeps of an access token. */
async function changeToken(token: string, change: Record<string, unknown>): Promise<void> {
  const [user, grant] = token.split(":");
  const { keys } = await env.OAUTH_KV.list({ prefix: `token:${user}:${grant}:` });
  for (const { name } of keys) {
    const kept = await env.OAUTH_KV.get<Record<string, unknown>>(name, "json");
    await env.OAUTH_KV.put(name, JSON.stringify({ ...kept, ...change }), { expirationTtl: 3600 });
  }
}
