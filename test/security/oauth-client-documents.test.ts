import { env } from "cloudflare:workers";
import { sign } from "hono/jwt";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import {
  allow,
  authorizationServer,
  authorizationUrl,
  CALLBACK,
  callTool,
  connect,
  newPkce,
  post,
  refresh,
  type Tokens,
  tokensOf,
} from "../support/oauth.ts";
import { ORIGIN, Person } from "../support/person.ts";

// A client may be the URL of its own description. Whoever can make that URL answer chooses every byte of it.

const CLIENT = "https://client.example/metadata.json";
const GOOD = {
  client_id: CLIENT,
  client_name: "Described client",
  redirect_uris: ["http://127.0.0.1/callback"],
  token_endpoint_auth_method: "none",
};
/** Of the shape of a code, and of either token. */
const MADE_UP = `1:${"A".repeat(16)}:${"A".repeat(32)}`;
const { verifier, challenge } = newPkce();

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Has a host answer, and counts what it is asked. */
function answerFrom(answer: (url: string, init: RequestInit | undefined) => Promise<Response> | Response) {
  const pass = globalThis.fetch;
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (url.startsWith("http://127.0.0.1:") && init?.method === "POST") return pass(input, init);
    asked.push(url);
    return answer(url, init);
  });
  return asked;
}

const url = (clientId = CLIENT) => authorizationUrl({ client_id: clientId, code_challenge: challenge, state: "s" });

const parse = (asked = url()): Promise<unknown> =>
  authorizationServer()
    .parseAuthRequest(new Request(asked))
    .catch((error: unknown) => error);

/** The answers of a client's host that say nothing of the client. */
const AWAY: [string, () => Promise<Response> | Response][] = [
  ["503", () => new Response("busy", { status: 503 })],
  ["429", () => new Response("slow down", { status: 429 })],
  ["no answer", () => Promise.reject(new TypeError("Network connection lost."))],
  ["no host", () => Promise.reject(new TypeError("DNS lookup failed."))],
];

describe("a description", () => {
  it("is fetched, vouches for the client, and gets it tokens; a script in its name is text", async () => {
    answerFrom(() => Response.json({ ...GOOD, client_name: "<script>alert(1)</script>\u202e\nx" }));
    const request = await authorizationServer().parseAuthRequest(new Request(url()));

    const description = await authorizationServer().describeConsent(request);

    expect(description).toMatchObject({
      clientName: "<script>alert(1)</script> x",
      clientDomain: "client.example",
      redirectHost: "127.0.0.1",
      redirectIsLoopback: true,
    });
    const callback = await allow(person, url());
    const code = callback.searchParams.get("code") ?? "";
    const exchange = { grant_type: "authorization_code", code, code_verifier: verifier, client_id: CLIENT };
    const tokens = await tokensOf(await post("/oauth/token", exchange));
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(200);
  });

  it.each<[string, () => Promise<Response> | Response]>([
    ["is not there", () => new Response("no", { status: 404 })],
    ["leads in a circle", () => Promise.reject(new TypeError("Too many redirects."))],
    ["was changed on its way", () => Response.json(GOOD, { status: 203 })],
    ["is a page", () => new Response("<html>", { headers: { "Content-Type": "text/html" } })],
    ["is a list", () => Response.json([])],
    ["is empty", () => new Response("")],
    ["is not UTF-8", () => new Response(new Uint8Array([0xff, 0xfe, 0x7b]))],
    ["is another's", () => Response.json({ ...GOOD, client_id: "https://other.example/metadata.json" })],
    ["has no name", () => Response.json({ ...GOOD, client_name: "" })],
    ["has no redirect", () => Response.json({ ...GOOD, redirect_uris: [] })],
    ["has a script for a redirect", () => Response.json({ ...GOOD, redirect_uris: ["javascript:alert(1)"] })],
    ["has a secret in it", () => Response.json({ ...GOOD, client_secret: "secret" })],
    ["wants a shared secret", () => Response.json({ ...GOOD, token_endpoint_auth_method: "client_secret_basic" })],
    ["says that it has 10 MB", () => new Response("{", { headers: { "Content-Length": "10000000" } })],
    ...AWAY,
  ])("that %s: nobody is redirected, nothing is our fault", async (_name, answer) => {
    answerFrom(answer);

    expect(await parse()).toMatchObject({ name: "CimdFetchError" });
  });

  it.each([301, 302, 303, 307, 308])("is not vouched for by a host that redirects to another (%i)", async (status) => {
    const elsewhere = "https://evil.example/metadata.json";
    const asked = answerFrom((asked, init) => {
      if (asked === elsewhere) return Response.json({ ...GOOD, client_name: "Trusted" });
      if (init?.redirect === "manual") return new Response(null, { status, headers: { Location: elsewhere } });
      return fetch(elsewhere);
    });

    expect(await parse()).toMatchObject({ name: "CimdFetchError", detail: expect.stringContaining(String(status)) });
    expect(asked).toEqual([CLIENT]);
  });

  it("leaves alone what else this isolate fetches meanwhile", async () => {
    const { promise: waiting, resolve: answer } = Promise.withResolvers<Response>();
    const inside = "http://database.internal/sql";
    const asked = answerFrom((url) => (url === inside ? new Response(null, { status: 204 }) : waiting));

    const parsing = parse();
    await vi.waitFor(() => expect(asked).toEqual([CLIENT]));
    const other = await fetch(inside);
    answer(Response.json(GOOD));

    expect(other.status).toBe(204);
    expect(await parsing).toMatchObject({ clientId: CLIENT });
  });

  it.each<[string, "/oauth/token" | "/oauth/revoke", Record<string, string>, number, string?]>([
    ["no token", "/oauth/token", { grant_type: "refresh_token" }, 400, "invalid_request"],
    ["what is no token", "/oauth/token", { grant_type: "refresh_token", refresh_token: "t" }, 400, "invalid_grant"],
    ["a made up token", "/oauth/token", { grant_type: "refresh_token", refresh_token: MADE_UP }, 400, "invalid_grant"],
    ["a made up code", "/oauth/token", { grant_type: "authorization_code", code: MADE_UP }, 400, "invalid_grant"],
    ["no grant type", "/oauth/token", { refresh_token: MADE_UP }, 400, "invalid_request"],
    ["another grant type", "/oauth/token", { grant_type: "password", code: MADE_UP }, 400, "invalid_grant"],
    ["what is no token to end", "/oauth/revoke", { token: "t" }, 200],
    ["a made up token to end", "/oauth/revoke", { token: MADE_UP }, 200],
  ])("is not fetched for who brings %s", async (_name, path, parameters, status, error) => {
    const asked = answerFrom(() => Response.json(GOOD));
    const assertion = Buffer.from(`\ufeff${JSON.stringify({ iss: CLIENT })}`).toString("base64url");
    const waysToSayWho: [Record<string, string>, Record<string, string>][] = [
      [{ client_id: CLIENT }, {}],
      [{}, { Authorization: `Basic ${btoa(`${encodeURIComponent(CLIENT)}:x`)}` }],
      [{ client_assertion: `e30.${assertion}.e30`, client_assertion_type: "x" }, {}],
    ];

    for (const [said, headers] of waysToSayWho) {
      const answer = await post(path, { ...parameters, ...said }, headers);
      const body = await answer.text();
      expect([answer.status, body && z.object({ error: z.string() }).parse(JSON.parse(body)).error]).toEqual([
        status,
        error ?? "",
      ]);
    }
    expect(asked).toEqual([]);
  });

  it("is not fetched for who brings another client's token, which goes on", async () => {
    const asked = answerFrom(() => Response.json(GOOD));
    const { clientId, tokens } = await connect(person);

    const refused = await refresh(CLIENT, tokens.refresh_token);
    expect([refused.status, (await refused.json<{ error: string }>()).error]).toEqual([400, "invalid_grant"]);
    for (const token of [tokens.refresh_token, tokens.access_token]) {
      expect((await post("/oauth/revoke", { token, client_id: CLIENT })).status).toBe(200);
    }

    expect(asked).toEqual([]);
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(200);
    await tokensOf(await refresh(clientId, tokens.refresh_token));
  });

  it("lets its client end what it has: an access token, and all of it although KV cannot be reached", async () => {
    answerFrom(() => Response.json(GOOD));
    const { tokens } = await connect(person, {}, CLIENT);
    const next = await tokensOf(await refresh(CLIENT, tokens.refresh_token));

    expect((await post("/oauth/revoke", { token: tokens.access_token, client_id: CLIENT })).status).toBe(200);
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(401);
    expect((await callTool(next.access_token, "list_tasks")).status).toBe(200);

    const away = (["delete", "get", "list", "put"] as const).map((ask) =>
      vi.spyOn(env.OAUTH_KV, ask).mockRejectedValue(new Error("KV GET failed: 500")),
    );
    expect((await post("/oauth/revoke", { token: next.refresh_token, client_id: CLIENT })).status).toBe(200);
    for (const spy of away) spy.mockRestore();
    expect((await callTool(next.access_token, "list_tasks")).status).toBe(401);
    expect((await refresh(CLIENT, next.refresh_token)).status).toBe(400);
  });

  it("is neither asked for nor fetched where CLIENT_DOCUMENTS is off", async () => {
    const asked = answerFrom(() => Response.json(GOOD));
    const offline = authorizationServer({ CLIENT_DOCUMENTS: "off" });

    const metadata = await offline.answer(new Request(`${ORIGIN}/.well-known/oauth-authorization-server`));
    expect(await metadata.json()).toMatchObject({ client_id_metadata_document_supported: false });
    const refused = offline.parseAuthRequest(new Request(url()));
    await expect(refused).rejects.toMatchObject({ code: "invalid_request", redirectTo: undefined });
    expect(asked).toEqual([]);
  });

  it("of 10 MB without a length is read no further than it may have", async () => {
    let sent = 0;
    const megabytes = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 1;
            controller.enqueue(new Uint8Array(1_024).fill(0x20));
            if (sent === 10_000) controller.close();
          },
        }),
      );
    answerFrom(megabytes);

    expect(await parse()).toMatchObject({
      name: "CimdFetchError",
      detail: expect.stringMatching(/limit of 5120 bytes/),
    });
    expect(sent).toBeLessThan(20);
  });

  it("that comes in a trickle is given up after ten seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    answerFrom(() => new Response(new ReadableStream({ pull: () => new Promise(() => undefined) })));

    const parsing = parse();
    await vi.advanceTimersByTimeAsync(10_000);

    expect(await parsing).toMatchObject({ name: "CimdFetchError", detail: expect.stringMatching(/timed out/) });
  });

  it.each([
    "https://127.0.0.1/metadata.json",
    "https://10.1.2.3/metadata.json",
    "https://169.254.169.254/latest/meta-data",
    "https://0x7f000001/metadata.json",
    "https://[fd00::1]/metadata.json",
    "https://localhost/metadata.json",
    "https://localhost./metadata.json",
    "https://printer.local/metadata.json",
    "https://db.internal/metadata.json",
    "https://router/metadata.json",
  ])("at %s is never fetched", async (clientId) => {
    const asked = answerFrom(() => Response.json({ ...GOOD, client_id: clientId }));

    expect(await parse(url(clientId))).toMatchObject({ name: "AuthorizationError" });
    expect((await refresh(clientId, "token")).status).toBe(401);
    for (const space of [" ", "\t", " \t "]) {
      const headers = { Authorization: `Basic${space}${btoa(`${encodeURIComponent(clientId)}:x`)}` };
      const refused = await post("/oauth/token", { grant_type: "refresh_token", refresh_token: "t" }, headers);
      expect(refused.status).toBe(401);
    }
    const assertion = `e30.${Buffer.from(JSON.stringify({ iss: clientId })).toString("base64url")}.e30`;
    const asserted = { client_assertion: assertion, client_assertion_type: "x", grant_type: "refresh_token" };
    expect((await post("/oauth/token", asserted)).status).toBe(401);
    expect(asked).toEqual([]);
  });

  it("is kept for as long as its host says", async () => {
    const clientId = "https://kept.example/metadata.json";
    const asked = answerFrom(() =>
      Response.json({ ...GOOD, client_id: clientId }, { headers: { "Cache-Control": "max-age=60" } }),
    );

    for (let round = 0; round < 3; round += 1) expect(await parse(url(clientId))).toMatchObject({ clientId });

    expect(asked).toHaveLength(1);
  });

  it.each(AWAY)("that cannot be had at a refresh (%s) signs nobody out", async (_name, answer) => {
    answerFrom(() => Response.json(GOOD));
    const code = (await allow(person, url())).searchParams.get("code") ?? "";
    const exchange = { grant_type: "authorization_code", code, code_verifier: verifier, client_id: CLIENT };
    const tokens = await tokensOf(await post("/oauth/token", exchange));
    vi.restoreAllMocks();

    answerFrom(answer);
    const away = await refresh(CLIENT, tokens.refresh_token);
    expect([away.status, (await away.json<{ error: string }>()).error]).toEqual([503, "temporarily_unavailable"]);
    expect(away.headers.get("Retry-After")).not.toBeNull();
    vi.restoreAllMocks();

    answerFrom(() => Response.json(GOOD));
    await tokensOf(await refresh(CLIENT, tokens.refresh_token));
  });
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
      ...GOOD,
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
    const code = (await allow(person, url())).searchParams.get("code") ?? "";
    const exchange = { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: CALLBACK };
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
  ])("is not known by keys at %s, which are never fetched", async (jwks_uri) => {
    const { jwks, ...described } = signing;
    const asked = answerFrom((url) => Response.json(url === CLIENT ? { ...described, jwks_uri } : jwks));

    const refused = await refreshBy(await assertionWith());

    expect([refused.status, (await refused.json<{ error: string }>()).error]).toEqual([401, "invalid_client"]);
    expect(asked).toEqual([CLIENT]);
  });

  it("is known by keys at a URL, where its host answers for them", async () => {
    const jwks_uri = "https://keys.example/keys.json";
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
