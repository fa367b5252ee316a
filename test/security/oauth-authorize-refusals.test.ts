import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { allow, authorizationServer, authorizationUrl, CALLBACK, newPkce, register } from "../support/oauth.ts";
import { ownerQuery } from "../support/owner.ts";
import { ORIGIN, Person } from "../support/person.ts";

// What is wrong with an authorization request is told to the client by redirecting only where it is certain who asks and where
// the answer may go; all else is for the person alone, as an open redirect would be.

const redirectSchema = z.object({ redirectTo: z.url() });

let clientId: string;
let confidentialId: string;
let person: Person;
const { challenge } = newPkce();

beforeAll(async () => {
  person = await Person.signUp();
  clientId = (await register({ redirect_uris: [CALLBACK, "https://app.example/callback"] })).client_id;
  confidentialId = (await register({ token_endpoint_auth_method: "client_secret_basic" })).client_id;
});

const goodUrl = (changes: Record<string, string | undefined> = {}) =>
  authorizationUrl({ client_id: clientId, code_challenge: challenge, state: "the state", ...changes });

/** A good request with a parameter once more. */
const twice = (name: string, value: string) => `${goodUrl()}&${new URLSearchParams({ [name]: value })}`;

const refusalOf = (url: string): Promise<unknown> =>
  authorizationServer()
    .parseAuthRequest(new Request(url))
    .then(
      () => "taken",
      (error: unknown) => error,
    );

describe("is for the person alone", () => {
  it.each<[string, () => string]>([
    ["no client", () => goodUrl({ client_id: undefined })],
    ["an empty client", () => goodUrl({ client_id: "" })],
    ["a client that nobody registered", () => goodUrl({ client_id: "AAAAAAAAAAAAAAAA" })],
    ["a client of 3,000 characters", () => goodUrl({ client_id: "a".repeat(3_000) })],
    ["a client with a name of its own in KV", () => goodUrl({ client_id: "../grant:1:AAAAAAAAAAAAAAAA" })],
    ["two clients", () => twice("client_id", "AAAAAAAAAAAAAAAA")],
    ["a client described by http", () => goodUrl({ client_id: "http://client.example/metadata.json" })],
    ["a client described on this machine", () => goodUrl({ client_id: "https://localhost/metadata.json" })],
    ["a client described at an address", () => goodUrl({ client_id: "https://10.0.0.1/metadata.json" })],
    ["a client described at a decimal address", () => goodUrl({ client_id: "https://2130706433/metadata.json" })],
    ["a client described at an IPv6 address", () => goodUrl({ client_id: "https://[::1]/metadata.json" })],
    ["a client described at cloud metadata", () => goodUrl({ client_id: "https://metadata.internal/m.json" })],
    ["a client described at a host of one word", () => goodUrl({ client_id: "https://intranet/metadata.json" })],
    ["no redirect", () => goodUrl({ redirect_uri: undefined })],
    ["another redirect", () => goodUrl({ redirect_uri: "https://evil.example/callback" })],
    ["two redirects", () => twice("redirect_uri", "https://evil.example/callback")],
    ["a redirect with a path more", () => goodUrl({ redirect_uri: "https://app.example/callback/more" })],
    ["a redirect with a query more", () => goodUrl({ redirect_uri: "https://app.example/callback?next=evil" })],
    [
      "a redirect to another port that is no loopback",
      () => goodUrl({ redirect_uri: "https://app.example:8443/callback" }),
    ],
    ["a loopback redirect to another path", () => goodUrl({ redirect_uri: "http://127.0.0.1:7001/other" })],
    ["a loopback redirect to another name", () => goodUrl({ redirect_uri: "http://localhost:7001/callback" })],
    ["a redirect with a fragment", () => goodUrl({ redirect_uri: `${CALLBACK}#fragment` })],
    ["a redirect with a user", () => goodUrl({ redirect_uri: "http://user@127.0.0.1:7001/callback" })],
    ["a redirect that is a script", () => goodUrl({ redirect_uri: "javascript:alert(1)" })],
    ["a redirect that is data", () => goodUrl({ redirect_uri: "data:text/html,x" })],
    ["a redirect by http to elsewhere", () => goodUrl({ redirect_uri: "http://app.example/callback" })],
  ])("%s", async (_name, url) => {
    const refusal = await refusalOf(url());

    expect(refusal).toMatchObject({ name: "AuthorizationError", code: "invalid_request" });
    expect(refusal).not.toHaveProperty("redirectTo", expect.anything());
  });
});

describe("is told to the client", () => {
  it.each<[string, string, () => string]>([
    ["no response type", "invalid_request", () => goodUrl({ response_type: undefined })],
    ["the implicit grant", "unsupported_response_type", () => goodUrl({ response_type: "token" })],
    ["a hybrid of both", "unsupported_response_type", () => goodUrl({ response_type: "code token" })],
    ["no PKCE", "invalid_request", () => goodUrl({ code_challenge: undefined, code_challenge_method: undefined })],
    ["a method without a challenge", "invalid_request", () => goodUrl({ code_challenge: undefined })],
    ["PKCE in plain", "invalid_request", () => goodUrl({ code_challenge_method: "plain" })],
    ["PKCE in plain, by default", "invalid_request", () => goodUrl({ code_challenge_method: undefined })],
    ["another method", "invalid_request", () => goodUrl({ code_challenge_method: "S512" })],
    ["a challenge that is too short", "invalid_request", () => goodUrl({ code_challenge: challenge.slice(1) })],
    ["a challenge that is too long", "invalid_request", () => goodUrl({ code_challenge: `${challenge}A` })],
    ["a challenge of other characters", "invalid_request", () => goodUrl({ code_challenge: `+${challenge.slice(1)}` })],
    [
      "a client with a secret and no PKCE",
      "invalid_request",
      () => goodUrl({ client_id: confidentialId, code_challenge: undefined, code_challenge_method: undefined }),
    ],
    ["two states", "invalid_request", () => twice("state", "another")],
    [
      "two scopes",
      "invalid_request",
      () => twice("scope", "tasks:read").replace("&scope", "&scope=tasks%3Aread&scope"),
    ],
    ["two challenges", "invalid_request", () => twice("code_challenge", newPkce().challenge)],
    ["a scope that there is not", "invalid_scope", () => goodUrl({ scope: "admin" })],
    ["scopes of another kind of server", "invalid_scope", () => goodUrl({ scope: "openid profile email" })],
    ["another resource", "invalid_target", () => goodUrl({ resource: "https://other.example/mcp" })],
    ["a resource that is no URL", "invalid_target", () => goodUrl({ resource: "mcp" })],
    ["a resource with a fragment", "invalid_target", () => goodUrl({ resource: `${ORIGIN}/mcp#part` })],
    ["another path of ours", "invalid_target", () => goodUrl({ resource: `${ORIGIN}/chat` })],
    [
      "our resource beside another",
      "invalid_target",
      () => `${goodUrl({ resource: `${ORIGIN}/mcp` })}&resource=https%3A%2F%2Fother.example`,
    ],
  ])("%s", async (_name, code, url) => {
    const refusal = await refusalOf(url());

    expect(refusal).toMatchObject({ name: "AuthorizationError", code });
    const { redirectTo } = redirectSchema.parse(refusal);
    const { origin, pathname, searchParams } = new URL(redirectTo);
    expect(`${origin}${pathname}`).toBe(CALLBACK);
    expect(Object.fromEntries(searchParams)).toMatchObject({ error: code, state: "the state", iss: ORIGIN });
    // RFC 6749 section 4.1.2.1
    expect(searchParams.get("error_description")).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/);
  });
});

describe("names of the one resource", () => {
  it.each(["/mcp", "/mcp/", "", "/"])("%s", async (path) => {
    const request = await authorizationServer().parseAuthRequest(
      new Request(goodUrl({ resource: `${ORIGIN}${path}` })),
    );

    expect(request.resource).toBe(`${ORIGIN}/mcp`);
  });

  it("named twice, in two ways", async () => {
    const url = `${goodUrl({ resource: ORIGIN })}&${new URLSearchParams({ resource: `${ORIGIN}/mcp/` })}`;

    expect((await authorizationServer().parseAuthRequest(new Request(url))).resource).toBe(`${ORIGIN}/mcp`);
  });
});

describe("scopes", () => {
  it.each([
    [undefined, ["tasks:read", "tasks:write"]],
    ["", ["tasks:read", "tasks:write"]],
    ["offline_access", ["tasks:read", "tasks:write"]],
    ["tasks:read", ["tasks:read"]],
    ["tasks:read offline_access", ["tasks:read"]],
    ["tasks:write", ["tasks:read", "tasks:write"]],
    ["tasks:read openid", ["tasks:read"]],
  ])("asked for as %j are %j", async (scope, granted) => {
    const request = await authorizationServer().parseAuthRequest(new Request(goodUrl({ scope })));

    expect(request.scope).toEqual(granted);
  });
});

describe("a consent form", () => {
  const begin = async () => {
    const server = authorizationServer();
    const { handle, headers } = await server.beginConsent(await server.parseAuthRequest(new Request(goodUrl())));
    const [cookie = ""] = (headers.get("Set-Cookie") ?? "").split(";", 1);
    return { handle, cookie };
  };
  const approve = (handle: string, cookie: string) =>
    authorizationServer()
      .approveConsent(new Request(goodUrl(), { headers: { Cookie: cookie } }), handle)
      .catch((error: unknown) => error);
  const refused = { name: "AuthorizationError", code: "invalid_request" };

  it("without its handle, or with one that was made up, is refused", async () => {
    const { cookie } = await begin();
    expect(await approve("", cookie)).toMatchObject(refused);
    expect(await approve("A".repeat(43), cookie)).toMatchObject(refused);
  });

  it("from another browser is refused", async () => {
    const { handle } = await begin();
    const other = await begin();
    expect(await approve(handle, "")).toMatchObject(refused);
    expect(await approve(handle, other.cookie)).toMatchObject(refused);
  });

  it("that is sent again is refused, and after a no as well", async () => {
    const { handle, cookie } = await begin();
    const request = new Request(goodUrl(), { headers: { Cookie: cookie } });
    const { redirectTo } = await authorizationServer().denyConsent(request, handle);
    expect(Object.fromEntries(new URL(redirectTo).searchParams)).toMatchObject({
      error: "access_denied",
      state: "the state",
      iss: ORIGIN,
    });
    expect(await approve(handle, cookie)).toMatchObject(refused);
  });

  it("that has expired is refused", async () => {
    const { handle, cookie } = await begin();
    await ownerQuery("update single_uses set expires_at = expires_at - interval '10 minutes'");
    expect(await approve(handle, cookie)).toMatchObject(refused);
  });
});

it("makes no grant for a person who has signed out everywhere since, or is gone", async () => {
  const leaving = await Person.signUp();
  const request = await authorizationServer().parseAuthRequest(new Request(goodUrl()));
  const complete = (userId: number, signedInAt: Date) =>
    authorizationServer()
      .completeAuthorization({ request, scope: request.scope, userId, signedInAt })
      .catch((error: unknown) => error);
  const signedInAt = new Date();
  await leaving.send("/api/auth/signout", { method: "POST", body: { everywhere: true } });

  expect(await complete(leaving.id, signedInAt)).toMatchObject({ kind: "unauthenticated" });
  expect(await complete(2_000_000_000, new Date())).toMatchObject({ kind: "unauthenticated" });
  expect(await ownerQuery("select id from oauth_grants where user_id = $1", [leaving.id])).toEqual([]);
});

it("tells the client of a yes with its state and who has said so", async () => {
  const callback = await allow(person, goodUrl());

  expect(callback.searchParams.get("state")).toBe("the state");
  expect(callback.searchParams.get("iss")).toBe(ORIGIN);
  expect(callback.searchParams.get("code")).toMatch(/^\d+:[\w-]{16}:[\w-]{32}$/);
});
