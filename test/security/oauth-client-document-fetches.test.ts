import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { answerFrom, askingUrl, CLIENT, DESCRIPTION, readRequest } from "../support/client-documents.ts";
import { authorizationServer, callTool, connect, post, refresh, tokensOf } from "../support/oauth.ts";
import { ORIGIN, Person } from "../support/person.ts";

// The server fetches what a client names. Nobody has it fetch from where they please, or at the cost of others.

/** Of the shape of a code, and of either token. */
const MADE_UP = `1:${"A".repeat(16)}:${"A".repeat(32)}`;

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a description", () => {
  it("leaves alone what else this isolate fetches meanwhile", async () => {
    const { promise: waiting, resolve: answer } = Promise.withResolvers<Response>();
    const inside = "http://database.internal/sql";
    const asked = answerFrom((url) => (url === inside ? new Response(null, { status: 204 }) : waiting));

    const parsing = readRequest();
    await vi.waitFor(() => expect(asked).toEqual([CLIENT]));
    const other = await fetch(inside);
    answer(Response.json(DESCRIPTION));

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
    const asked = answerFrom(() => Response.json(DESCRIPTION));
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
    const asked = answerFrom(() => Response.json(DESCRIPTION));
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

  it("is neither asked for nor fetched where CLIENT_DOCUMENTS is off", async () => {
    const asked = answerFrom(() => Response.json(DESCRIPTION));
    const offline = authorizationServer({ CLIENT_DOCUMENTS: "off" });

    const metadata = await offline.answer(new Request(`${ORIGIN}/.well-known/oauth-authorization-server`));
    expect(await metadata.json()).toMatchObject({ client_id_metadata_document_supported: false });
    const refused = offline.parseAuthRequest(new Request(askingUrl()));
    await expect(refused).rejects.toMatchObject({ code: "invalid_request", redirectTo: undefined });
    expect(asked).toEqual([]);
  });

  it.each([
    "https://127.0.0.1/metadata.json",
    "https://10.1.2.3/metadata.json",
    "https://169.254.169.254/latest/meta-data",
    "https://0x7f000001/metadata.json",
    "https://[fd00::1]/metadata.json",
    "https://localhost/metadata.json",
    "https://localhost./metadata.json",
    "https://db.internal../metadata.json",
    "https://printer.local/metadata.json",
    "https://db.internal/metadata.json",
    "https://router/metadata.json",
    "https://tasks.default.svc/metadata.json",
    "https://web.service.consul/metadata.json",
    "https://1.0.0.10.in-addr.arpa/metadata.json",
    "https://127.0.0.1.nip.io/metadata.json",
    "https://7f000001.nip.io/metadata.json",
    "https://app-10-0-0-1.addresses.example/metadata.json",
    "https://localtest.me/metadata.json",
  ])("at %s is never fetched", async (clientId) => {
    const asked = answerFrom(() => Response.json({ ...DESCRIPTION, client_id: clientId }));

    expect(await readRequest(askingUrl(clientId))).toMatchObject({ name: "AuthorizationError" });
    expect((await refresh(clientId, "token")).status).toBe(401);
    for (const space of [" ", "\t", " \t "]) {
      const headers = { Authorization: `Basic${space}${btoa(`${encodeURIComponent(clientId)}:x`)}` };
      const refused = await post("/oauth/token", { grant_type: "refresh_token", refresh_token: "t" }, headers);
      expect([refused.status, refused.headers.get("WWW-Authenticate")]).toEqual([401, 'Basic realm="OAuth"']);
    }
    const assertion = `e30.${Buffer.from(JSON.stringify({ iss: clientId })).toString("base64url")}.e30`;
    const asserted = { client_assertion: assertion, client_assertion_type: "x", grant_type: "refresh_token" };
    expect((await post("/oauth/token", asserted)).status).toBe(401);
    expect(asked).toEqual([]);
  });
});
