import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  AWAY,
  answerFrom,
  askingUrl,
  CLIENT,
  DESCRIPTION,
  type HostAnswer,
  readRequest,
  VERIFIER,
} from "../support/client-documents.ts";
import { allow, authorizationServer, callTool, connect, post, refresh, tokensOf } from "../support/oauth.ts";
import { Person } from "../support/person.ts";

// A client may be the URL of its own description. Who can make that URL answer chooses every byte of it.

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a description", () => {
  it("is fetched, vouches for the client, and gets it tokens; a script in its name is text", async () => {
    answerFrom(() => Response.json({ ...DESCRIPTION, client_name: "<script>alert(1)</script>\u202e\nx" }));
    const request = await authorizationServer().parseAuthRequest(new Request(askingUrl()));

    const description = await authorizationServer().describeConsent(request);

    expect(description).toMatchObject({
      clientName: "<script>alert(1)</script> x",
      clientDomain: "client.example",
      redirectHost: "127.0.0.1",
      redirectIsLoopback: true,
    });
    const callback = await allow(person, askingUrl());
    const code = callback.searchParams.get("code") ?? "";
    const exchange = { grant_type: "authorization_code", code, code_verifier: VERIFIER, client_id: CLIENT };
    const tokens = await tokensOf(await post("/oauth/token", exchange));
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(200);
  });

  it.each<[string, HostAnswer]>([
    ["is not there", () => new Response("no", { status: 404 })],
    ["leads in a circle", () => Promise.reject(new TypeError("Too many redirects."))],
    ["was changed on its way", () => Response.json(DESCRIPTION, { status: 203 })],
    ["is a page", () => new Response("<html>", { headers: { "Content-Type": "text/html" } })],
    ["is a list", () => Response.json([])],
    ["is empty", () => new Response("")],
    ["is not UTF-8", () => new Response(new Uint8Array([0xff, 0xfe, 0x7b]))],
    ["is another's", () => Response.json({ ...DESCRIPTION, client_id: "https://other.example/metadata.json" })],
    ["has no name", () => Response.json({ ...DESCRIPTION, client_name: "" })],
    ["has no redirect", () => Response.json({ ...DESCRIPTION, redirect_uris: [] })],
    ["has a script for a redirect", () => Response.json({ ...DESCRIPTION, redirect_uris: ["javascript:alert(1)"] })],
    ["has a secret in it", () => Response.json({ ...DESCRIPTION, client_secret: "secret" })],
    [
      "wants a shared secret",
      () => Response.json({ ...DESCRIPTION, token_endpoint_auth_method: "client_secret_basic" }),
    ],
    ["says that it has 10 MB", () => new Response("{", { headers: { "Content-Length": "10000000" } })],
    ...AWAY,
  ])("that %s: nobody is redirected, nothing is our fault", async (_name, answer) => {
    answerFrom(answer);

    expect(await readRequest()).toMatchObject({ name: "CimdFetchError" });
  });

  it.each([301, 302, 303, 307, 308])("is not vouched for by a host that redirects to another (%i)", async (status) => {
    const elsewhere = "https://evil.example/metadata.json";
    const asked = answerFrom((asked, init) => {
      if (asked === elsewhere) return Response.json({ ...DESCRIPTION, client_name: "Trusted" });
      if (init?.redirect === "manual") return new Response(null, { status, headers: { Location: elsewhere } });
      return fetch(elsewhere);
    });

    expect(await readRequest()).toMatchObject({
      name: "CimdFetchError",
      detail: expect.stringContaining(String(status)),
    });
    expect(asked).toEqual([CLIENT]);
  });

  it("lets its client end what it has: an access token, and all of it although KV cannot be reached", async () => {
    answerFrom(() => Response.json(DESCRIPTION));
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

    expect(await readRequest()).toMatchObject({
      name: "CimdFetchError",
      detail: expect.stringMatching(/limit of 5120 bytes/),
    });
    expect(sent).toBeLessThan(20);
  });

  it("that comes in a trickle is given up after ten seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    answerFrom(() => new Response(new ReadableStream({ pull: () => new Promise(() => undefined) })));

    const parsing = readRequest();
    await vi.advanceTimersByTimeAsync(10_000);

    expect(await parsing).toMatchObject({ name: "CimdFetchError", detail: expect.stringMatching(/timed out/) });
  });

  it("is kept for as long as its host says", async () => {
    const clientId = "https://kept.example/metadata.json";
    const asked = answerFrom(() =>
      Response.json({ ...DESCRIPTION, client_id: clientId }, { headers: { "Cache-Control": "max-age=60" } }),
    );

    for (let round = 0; round < 3; round += 1)
      expect(await readRequest(askingUrl(clientId))).toMatchObject({ clientId });

    expect(asked).toHaveLength(1);
  });

  it.each(AWAY)("that cannot be had at a refresh (%s) signs nobody out", async (_name, answer) => {
    answerFrom(() => Response.json(DESCRIPTION));
    const code = (await allow(person, askingUrl())).searchParams.get("code") ?? "";
    const exchange = { grant_type: "authorization_code", code, code_verifier: VERIFIER, client_id: CLIENT };
    const tokens = await tokensOf(await post("/oauth/token", exchange));
    vi.restoreAllMocks();

    answerFrom(answer);
    const away = await refresh(CLIENT, tokens.refresh_token);
    expect([away.status, (await away.json<{ error: string }>()).error]).toEqual([503, "temporarily_unavailable"]);
    expect(away.headers.get("Retry-After")).not.toBeNull();
    vi.restoreAllMocks();

    answerFrom(() => Response.json(DESCRIPTION));
    await tokensOf(await refresh(CLIENT, tokens.refresh_token));
  });
});
