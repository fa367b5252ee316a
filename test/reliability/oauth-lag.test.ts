import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  allow,
  authorizationUrl,
  callTool,
  connect,
  newPkce,
  post,
  refresh,
  register,
  type Tokens,
  tokensOf,
} from "../support/oauth.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";

// KV as Cloudflare describes it: the last write wins, and a location that has read a key, even one that was not there, is shown
// the same for a minute, whatever was written elsewhere. Clients wander between locations, and several share one credential.

const MINUTE = 60_000;
const PLACES = ["Frankfurt", "Singapore", "Virginia"];

let person: Person;
/** Where the next request arrives; of several at once, all at the last. */
let place = "";

beforeAll(async () => {
  person = await Person.signUp();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Has KV lag: what a place has read stays as it was there for a minute. */
function haveItLag(): void {
  const shown = new Map<string, { readonly value: unknown; readonly at: number }>();
  const read = env.OAUTH_KV.get.bind(env.OAUTH_KV);
  vi.spyOn(env.OAUTH_KV, "get").mockImplementation(async (key: unknown) => {
    const name = `${place} ${String(key)}`;
    const known = shown.get(name);
    if (known !== undefined && Date.now() - known.at < MINUTE) return known.value as never;
    const value = await read(String(key), "json");
    shown.set(name, { value, at: Date.now() });
    return value as never;
  });
}

const from = <Answer>(where: string, ask: () => Promise<Answer>): Promise<Answer> => {
  place = where;
  return ask();
};

describe("while KV lags by a minute", () => {
  it("a client that wanders refreshes and calls everywhere", async () => {
    haveItLag();
    const { clientId, tokens: first } = await from("Frankfurt", () => connect(person));
    let tokens: Tokens = first;
    for (let round = 0; round < 9; round += 1) {
      for (const where of PLACES) {
        expect((await from(where, () => callTool(tokens.access_token, "list_tasks"))).status).toBe(200);
      }
      const there = PLACES[round % PLACES.length] ?? "";
      tokens = await tokensOf(await from(there, () => refresh(clientId, tokens.refresh_token)));
    }
  });

  it("three that share a credential refresh at once, from three places, and go on for ever", async () => {
    haveItLag();
    const { clientId, tokens } = await from("Frankfurt", () => connect(person));
    const held = new Map(PLACES.map((where) => [where, tokens]));
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.all(
        PLACES.map((where) => from(where, () => refresh(clientId, held.get(where)?.refresh_token ?? ""))),
      );
      for (const [index, where] of PLACES.entries()) {
        held.set(where, await tokensOf(answers[index] ?? new Response()));
      }
      await ownerQuery(
        "update oauth_refresh_tokens set superseded_at = superseded_at - interval '1 hour' where user_id = $1",
        [person.id],
      );
    }
    for (const [where, { access_token: token }] of held) {
      expect((await from(where, () => callTool(token, "list_tasks"))).status).toBe(200);
    }
  });

  it("a client that is cut off is refused at its next call everywhere", async () => {
    haveItLag();
    const { clientId, tokens } = await from("Frankfurt", () => connect(person));
    for (const where of PLACES) await from(where, () => callTool(tokens.access_token, "list_tasks"));

    await from("Frankfurt", () => post("/oauth/revoke", { token: tokens.refresh_token, client_id: clientId }));

    for (const where of PLACES) {
      expect((await from(where, () => callTool(tokens.access_token, "list_tasks"))).status).toBe(401);
      expect((await from(where, () => refresh(clientId, tokens.refresh_token))).status).toBe(400);
    }
  });

  it("a client is cut off although KV cannot be asked for its access tokens", async () => {
    const { clientId, tokens } = await connect(person);
    const read = env.OAUTH_KV.get.bind(env.OAUTH_KV);
    const away = new Error("KV GET failed: 500 Internal Server Error");
    const spies = [
      vi.spyOn(env.OAUTH_KV, "list").mockRejectedValue(away),
      vi.spyOn(env.OAUTH_KV, "delete").mockRejectedValue(away),
      vi.spyOn(env.OAUTH_KV, "get").mockImplementation(async (key: unknown) => {
        if (!String(key).startsWith("client:")) throw away;
        return (await read(String(key), "json")) as never;
      }),
    ];

    const ended = await post("/oauth/revoke", { token: tokens.refresh_token, client_id: clientId });

    for (const spy of spies) spy.mockRestore();
    expect(ended.status).toBe(200);
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(401);
    expect((await refresh(clientId, tokens.refresh_token)).status).toBe(400);
  });

  it("an access token that its client ends is refused at its next call everywhere, and its next one is not", async () => {
    haveItLag();
    const { clientId, tokens } = await from("Frankfurt", () => connect(person));
    const next = await tokensOf(await from("Frankfurt", () => refresh(clientId, tokens.refresh_token)));
    for (const where of PLACES) await from(where, () => callTool(tokens.access_token, "list_tasks"));

    await from("Frankfurt", () => post("/oauth/revoke", { token: tokens.access_token, client_id: clientId }));

    for (const where of PLACES) {
      expect((await from(where, () => callTool(tokens.access_token, "list_tasks"))).status).toBe(401);
      expect((await from(where, () => callTool(next.access_token, "list_tasks"))).status).toBe(200);
    }
    await tokensOf(await from("Virginia", () => refresh(clientId, next.refresh_token)));
  });

  it("a code that is exchanged in three places at once gives tokens once", async () => {
    haveItLag();
    const { client_id } = await from("Frankfurt", () => register());
    const { verifier, challenge } = newPkce();
    const callback = await allow(person, authorizationUrl({ client_id, code_challenge: challenge }));
    const code = callback.searchParams.get("code") ?? "";
    const exchange = { grant_type: "authorization_code", code, code_verifier: verifier, client_id };

    const answers = await Promise.all(PLACES.map((where) => from(where, () => post("/oauth/token", exchange))));

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
  });

  it("an answer that is lost, again and again, signs nobody out", async () => {
    haveItLag();
    const { clientId, tokens } = await from("Frankfurt", () => connect(person));
    let held = tokens.refresh_token;
    for (let round = 0; round < 4; round += 1) {
      for (const where of PLACES) await from(where, () => refresh(clientId, held));
      held = (await tokensOf(await from("Virginia", () => refresh(clientId, held)))).refresh_token;
    }
  });
});

describe("what registers", () => {
  const expirationOf = async (clientId: string) => {
    const { keys } = await env.OAUTH_KV.list({ prefix: `client:${clientId}` });
    return ((keys[0]?.expiration ?? 0) * 1000 - Date.now()) / (24 * 60 * MINUTE);
  };

  it("is kept for a week, and from its first token on for longer than any grant lasts", async () => {
    const { client_id } = await register();
    expect(await expirationOf(client_id)).toBeGreaterThan(6.9);
    expect(await expirationOf(client_id)).toBeLessThan(7.1);

    const { clientId } = await connect(person, {}, client_id);

    expect(clientId).toBe(client_id);
    expect(await expirationOf(client_id)).toBeGreaterThan(399);
  });

  it("is renewed by a refresh before it could end under a grant", async () => {
    const { clientId, tokens } = await connect(person);
    const later = Date.now() + 201 * 24 * 60 * MINUTE;
    vi.useFakeTimers({ toFake: ["Date"], now: later - 100 * 24 * 60 * MINUTE });
    const next = await tokensOf(await refresh(clientId, tokens.refresh_token));
    vi.setSystemTime(later);
    await tokensOf(await refresh(clientId, next.refresh_token));

    const kept = await env.OAUTH_KV.get<{ registrationExpiresAt: number }>(`client:${clientId}`, "json");
    expect(((kept?.registrationExpiresAt ?? 0) * 1000 - later) / (24 * 60 * MINUTE)).toBeGreaterThan(399);
  });
});

it("ends 180 days after the last refresh", async () => {
  const { clientId, tokens } = await connect(person);
  const begun = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: begun + 179 * 24 * 60 * MINUTE });
  const next = await tokensOf(await refresh(clientId, tokens.refresh_token));

  vi.setSystemTime(begun + 360 * 24 * 60 * MINUTE);
  const refused = await refresh(clientId, next.refresh_token);

  expect([refused.status, (await refused.json<{ error: string }>()).error]).toEqual([400, "invalid_grant"]);
});
