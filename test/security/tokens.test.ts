import { env } from "cloudflare:workers";
import { sign } from "hono/jwt";
import type { JWTPayload } from "hono/utils/jwt/types";
import { beforeAll, describe, expect, it } from "vitest";
import { readConfiguration } from "../../src/config.ts";
import { ORIGIN, Person, problemOf, send } from "../support/person.ts";

const { JWT_SECRET } = readConfiguration(env);

let person: Person;
let claims: JWTPayload;

beforeAll(async () => {
  person = await Person.signUp();
  const now = Math.floor(Date.now() / 1000);
  claims = { iss: ORIGIN, aud: ORIGIN, sub: String(person.id), jti: crypto.randomUUID(), iat: now, exp: now + 600 };
});

const me = (authorization: string) => send("/api/auth/me", { headers: { Authorization: authorization } });
const base64Url = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "");

it("takes a token with every claim in place", async () => {
  expect((await me(`Bearer ${await sign({ ...claims }, JWT_SECRET, "HS256")}`)).status).toBe(200);
});

it("takes the scheme in whatever case", async () => {
  expect((await me(`bearer ${person.session.token}`)).status).toBe(200);
});

describe("refuses a token", () => {
  it.each<[string, Record<string, unknown>]>([
    ["for another audience", { aud: "https://elsewhere.example" }],
    ["without an audience", { aud: undefined }],
    ["without an issuer", { iss: undefined }],
    ["that has expired", { exp: 1_700_000_000 }],
    ["without exp", { exp: undefined }],
    ["without iat", { iat: undefined }],
    ["issued in the future", { iat: 4_000_000_000 }],
    ["not yet valid", { nbf: 4_000_000_000 }],
    ["without sub", { sub: undefined }],
    ["whose sub is no user id", { sub: "1 or 1=1" }],
    ["whose sub is not above zero", { sub: "0" }],
    ["whose sub is too large for an id", { sub: "9999999999" }],
    ["without jti", { jti: undefined }],
    ["whose jti is no UUID", { jti: "x" }],
  ])("%s", async (_, change) => {
    const response = await me(`Bearer ${await sign({ ...claims, ...change }, JWT_SECRET, "HS256")}`);

    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toBe(
      'Bearer realm="mcp-task-server", error="invalid_token", error_description="The bearer token is not valid or has expired; sign in again."',
    );
    await problemOf(response);
  });

  it("of another issuer, and says which URL is this server's", async () => {
    const response = await me(`Bearer ${await sign({ ...claims, iss: "http://127.0.0.1:9" }, JWT_SECRET, "HS256")}`);

    expect(response.status).toBe(401);
    expect((await problemOf(response)).detail).toBe(
      `The bearer token was issued for another URL than ${ORIGIN}, which is this server's; sign in here.`,
    );
  });

  it("signed with another secret", async () => {
    const token = await sign({ ...claims }, "another secret, 32 characters and more", "HS256");

    expect((await me(`Bearer ${token}`)).status).toBe(401);
  });

  it("signed with another algorithm", async () => {
    expect((await me(`Bearer ${await sign({ ...claims }, JWT_SECRET, "HS512")}`)).status).toBe(401);
  });

  it("that is not signed (alg none)", async () => {
    const unsigned = `${base64Url({ alg: "none", typ: "JWT" })}.${base64Url(claims)}`;

    expect((await me(`Bearer ${unsigned}.`)).status).toBe(401);
    expect((await me(`Bearer ${unsigned}`)).status).toBe(401);
  });

  it("whose claims were changed after signing", async () => {
    const [header, , signature] = person.session.token.split(".");
    const forged = base64Url({ ...claims, sub: String(person.id + 1) });

    expect((await me(`Bearer ${header}.${forged}.${signature}`)).status).toBe(401);
  });
});

it.each(["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a b", "Token abc"])(
  "refuses the authorization %j",
  async (authorization) => {
    const response = await me(authorization);

    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="mcp-task-server"/);
    expect((await problemOf(response)).detail).toBe(
      "Send a bearer token in the header Authorization: Bearer TOKEN; POST /api/auth/signin answers with one.",
    );
  },
);

it("tells a request without any authorization the scheme and no error (RFC 6750 section 3)", async () => {
  const response = await send("/api/auth/me");

  expect(response.status).toBe(401);
  expect(response.headers.get("WWW-Authenticate")).toBe('Bearer realm="mcp-task-server"');
});

it("never takes a token from a cookie or a query", async () => {
  const { token } = person.session;

  expect((await send(`/api/auth/me?access_token=${token}`)).status).toBe(401);
  expect((await send("/api/auth/me", { headers: { Cookie: `token=${token}; session=${token}` } })).status).toBe(401);
});
