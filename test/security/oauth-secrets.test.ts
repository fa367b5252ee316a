import { createExecutionContext, env } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { openAuthorizationServer } from "../../src/auth/oauth/authorization-server.ts";
import { openServices } from "../../src/services.ts";
import worker from "../../src/worker.ts";
import { allow, authorizationUrl, connect, newPkce, register, type Tokens } from "../support/oauth.ts";
import { newAddress, ORIGIN, Person, problemOf } from "../support/person.ts";

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

afterEach(() => vi.restoreAllMocks());

/** Sends a request to a worker with other variables. */
function sendTo(changes: Record<string, unknown>, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { "CF-Connecting-IP": newAddress(), ...Object.fromEntries(new Headers(init.headers)) };
  const request = new Request(new URL(path, ORIGIN), { ...init, headers });
  return Promise.resolve(worker.fetch(request, { ...env, ...changes }, createExecutionContext()));
}

const form = (parameters: Record<string, string>): RequestInit => ({
  method: "POST",
  body: new URLSearchParams(parameters).toString(),
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
});

it("no log line holds a secret of OAuth's, or is anything but our JSON, however much is logged", async () => {
  const lines: string[] = [];
  for (const method of ["debug", "error", "info", "log", "warn"] as const) {
    vi.spyOn(console, method).mockImplementation((...words: unknown[]) => void lines.push(words.map(String).join(" ")));
  }
  const verbose = { LOG_LEVEL: "debug" };
  const ask = (path: string, parameters: Record<string, string>) => sendTo(verbose, path, form(parameters));
  const { client_id: client, client_secret: clientSecret = "" } = await register({
    token_endpoint_auth_method: "client_secret_post",
  });
  const { verifier, challenge } = newPkce();
  const state = crypto.randomUUID();
  const callback = await allow(person, authorizationUrl({ client_id: client, code_challenge: challenge, state }));
  const code = callback.searchParams.get("code") ?? "";
  const known = { client_id: client, client_secret: clientSecret };
  const exchange = { grant_type: "authorization_code", code, code_verifier: verifier };
  await ask("/oauth/token", { ...exchange, ...known, code_verifier: newPkce().verifier });
  await ask("/oauth/token", { ...exchange, ...known, client_secret: "wrong" });
  const tokens = await (await ask("/oauth/token", { ...exchange, ...known })).json<Tokens>();
  await ask("/oauth/token", { ...exchange, ...known });
  await ask("/oauth/token", { grant_type: "refresh_token", refresh_token: tokens.access_token, ...known });
  await sendTo(verbose, "/mcp/tools/list_tasks", {
    method: "POST",
    body: "{}",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${tokens.access_token}` },
  });
  const secretUrl = "https://canary.invalid.example/canary-metadata?secret=canary-query";
  await ask("/oauth/token", { grant_type: "refresh_token", refresh_token: "x", client_id: secretUrl });
  await ask("/oauth/token", { grant_type: "refresh_token", refresh_token: "x", client_id: "https://10.0.0.1/canary" });
  await ask("/oauth/revoke", known);
  const services = openServices({ ...env, ...verbose }, () => undefined, {});
  const away = vi.spyOn(globalThis, "fetch");
  for (const status of [500, 404]) {
    away.mockResolvedValueOnce(new Response("canary-answer", { status }));
    await openAuthorizationServer({ ...services, env })
      .parseAuthRequest(new Request(authorizationUrl({ client_id: secretUrl, code_challenge: challenge })))
      .catch(() => undefined);
  }
  away.mockRestore();
  await ask("/oauth/revoke", { token: tokens.refresh_token, ...known });

  const secrets = [clientSecret, code, verifier, challenge, state, tokens.access_token, tokens.refresh_token];
  expect(lines.filter((line) => [...secrets, "canary"].some((secret) => line.includes(secret)))).toEqual([]);
  for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow();
  const refused = lines.filter((line) => line.includes("oauth_refused"));
  expect(refused.length).toBeGreaterThanOrEqual(7);
  for (const reason of ["described_client_not_asked", "client_id_not_acceptable", "token_missing"]) {
    expect(refused.filter((line) => line.includes(`"${reason}"`))).toHaveLength(1);
  }
});

describe("where there is no OAuth", () => {
  it.each([
    ["no KV namespace is bound as OAUTH_KV", { OAUTH_KV: undefined }],
    ["TOKEN_SECRET is not set", { TOKEN_SECRET: undefined }],
    ["SCOPED_CREDENTIALS is off", { SCOPED_CREDENTIALS: "off" }],
    ["BASE_URL is no https origin", { BASE_URL: "http://tasks.example" }],
    ["BASE_URL is no https origin", { BASE_URL: "https://tasks.example/below" }],
  ])("as %s, it is said, and all else goes on", async (reason, changes) => {
    const { tokens } = await connect(person);

    for (const path of ["oauth-authorization-server", "oauth-protected-resource", "oauth-protected-resource/mcp"]) {
      const response = await sendTo(changes, `/.well-known/${path}`);
      expect([response.status, (await problemOf(response)).detail]).toEqual([
        404,
        expect.stringContaining(`This server has no OAuth, as ${reason}.`),
      ]);
    }
    for (const path of ["/oauth/register", "/oauth/token", "/oauth/revoke"]) {
      expect((await sendTo(changes, path, form({}))).status).toBe(404);
    }
    const call = (authorization: string) =>
      sendTo(changes, "/mcp/tools/list_tasks", {
        method: "POST",
        body: "{}",
        headers: { "Content-Type": "application/json", Authorization: authorization },
      });
    const refused = await call(`Bearer ${tokens.access_token}`);
    expect([refused.status, (await problemOf(refused)).detail]).toEqual([401, expect.stringContaining(reason)]);
    expect(refused.headers.get("WWW-Authenticate")).not.toContain("resource_metadata");
    if (!("BASE_URL" in changes)) expect((await call(person.authorization.Authorization)).status).toBe(200);
  });
});

describe("where KV does not answer", () => {
  it("everybody who asks is told to come again, and no client that it is unknown", async () => {
    const { clientId, tokens } = await connect(person);
    vi.spyOn(env.OAUTH_KV, "get").mockRejectedValue(new Error("KV GET failed: 500"));
    vi.spyOn(console, "error").mockImplementation(() => undefined);

    const refreshed = await sendTo(
      {},
      "/oauth/token",
      form({ grant_type: "refresh_token", refresh_token: tokens.refresh_token, client_id: clientId }),
    );
    expect([refreshed.status, (await refreshed.json<{ error: string }>()).error]).toEqual([
      503,
      "temporarily_unavailable",
    ]);
    expect(refreshed.headers.get("Retry-After")).toBe("5");

    const called = await sendTo({}, "/mcp/tools/list_tasks", {
      method: "POST",
      body: "{}",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${tokens.access_token}` },
    });
    expect(called.status).toBe(503);
  });
});
