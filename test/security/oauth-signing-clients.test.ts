import { sign } from "hono/jwt";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { answerFrom, askingUrl, CLIENT, DESCRIPTION, VERIFIER } from "../support/client-documents.ts";
import { allow, CALLBACK, callTool, post, refresh, type Tokens, tokensOf } from "../support/oauth.ts";
import { ORIGIN, Person } from "../support/person.ts";

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a client that signs its requests", () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const newKeys = async () => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    if ("privateKey" in keys) return keys;
    throw new Error("a pair must be made");
  };
  let privateKey: CryptoKey;
  let signing: Record<string, unknown>;
  let held: Tokens;

  beforeAll(async () => {
    const keys = await newKeys();
    privateKey = keys.privateKey;
    const exported: unknown = await crypto.subtle.exportKey("jwk", keys.publicKey);
    const publicKey = z.object({ kty: z.string(), crv: z.string(), x: z.string(), y: z.string() }).parse(exported);
    signing = {
      ...DESCRIPTION,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks: { keys: [{ ...publicKey, kid: "1", use: "sig" }] },
    };
    answerFrom(() => Response.json(signing));
    held = await exchangeCode();
    vi.restoreAllMocks();
  });

  const assertionWith = (changes: Record<string, unknown> = {}, key = privateKey) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: CLIENT, sub: CLIENT, aud: ORIGIN, jti: crypto.randomUUID(), iat: now, exp: now + 60 };
    return sign({ ...claims, ...changes }, key, "ES256");
  };
  const ask = (assertion: string, changes: Record<string, string>) =>
    post("/oauth/token", {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
      ...changes,
    });

  const exchangeCode = async () => {
    const code = (await allow(person, askingUrl())).searchParams.get("code") ?? "";
    const exchange = { grant_type: "authorization_code", code, code_verifier: VERIFIER, redirect_uri: CALLBACK };
    return tokensOf(await ask(await assertionWith(), exchange));
  };
  const refreshBy = (assertion: string) =>
    ask(assertion, { grant_type: "refresh_token", refresh_token: held.refresh_token });

  it("gets tokens by an assertion, which counts once", async () => {
    answerFrom(() => Response.json(signing));
    const tokens = await exchangeCode();

    const assertion = await assertionWith();
    const again = { grant_type: "refresh_token", refresh_token: tokens.refresh_token };
    const answers = await Promise.all([ask(assertion, again), ask(assertion, again), ask(assertion, again)]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
    for (const refused of answers.filter(({ status }) => status === 401)) {
      expect(await refused.json()).toMatchObject({ error: "invalid_client" });
    }
    const given = answers.find(({ status }) => status === 200);
    const next: Tokens = await tokensOf(given ?? new Response());
    expect((await callTool(next.access_token, "list_tasks")).status).toBe(200);
  });

  it.each<[string, () => Promise<string>]>([
    ["of another key", async () => assertionWith({}, (await newKeys()).privateKey)],
    ["for another server", () => assertionWith({ aud: "https://other.example" })],
    ["of another client", () => assertionWith({ sub: "https://other.example/m.json" })],
    ["that has expired", () => assertionWith({ exp: Math.floor(Date.now() / 1000) - 120 })],
    ["that lasts for a day", () => assertionWith({ exp: Math.floor(Date.now() / 1000) + 86_400 })],
    ["without an id", () => assertionWith({ jti: undefined })],
  ])("is not known by an assertion %s", async (_name, assertion) => {
    answerFrom(() => Response.json(signing));

    const refused = await refreshBy(await assertion());

    expect([refused.status, (await refused.json<{ error: string }>()).error]).toEqual([401, "invalid_client"]);
  });

  it.each([
    "https://169.254.169.254/latest/meta-data",
    "https://[fd00::1]/keys.json",
    "https://localhost/keys.json",
    "https://keys.internal/keys.json",
    "https://victim.example/keys.json",
    "https://client.example:8443/keys.json",
    "https://client.example.evil.example/keys.json",
  ])("is not known by keys at %s, which are never fetched", async (jwks_uri) => {
    const { jwks, ...described } = signing;
    const asked = answerFrom((url) => Response.json(url === CLIENT ? { ...described, jwks_uri } : jwks));

    // The second time, the description may be known already.
    for (let time = 0; time < 2; time += 1) {
      const refused = await refreshBy(await assertionWith());
      expect([refused.status, (await refused.json<{ error: string }>()).error]).toEqual([401, "invalid_client"]);
    }

    expect(new Set(asked)).toEqual(new Set([CLIENT]));
  });

  it("is known by keys at a URL of its own host", async () => {
    const jwks_uri = "https://client.example/keys.json";
    const { jwks, ...described } = signing;
    const asked = answerFrom((url) => Response.json(url === CLIENT ? { ...described, jwks_uri } : jwks));

    await exchangeCode();

    expect(asked).toContain(jwks_uri);
  });

  it("is not known without one", async () => {
    answerFrom(() => Response.json(signing));

    expect((await refresh(CLIENT, held.refresh_token)).status).toBe(401);
  });
});
