import { beforeAll, describe, expect, it } from "vitest";
import {
  allow,
  authorizationServer,
  authorizationUrl,
  callTool,
  connect,
  newPkce,
  post,
  refresh,
  register,
  tokensOf,
} from "../support/oauth.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

/** Lets so many minutes go by for all that Postgres keeps of a person's refresh tokens. */
function minutesGoBy(minutes: number): Promise<unknown> {
  return ownerQuery(
    `update oauth_refresh_tokens set superseded_at = superseded_at - make_interval(mins => $2),
       created_at = created_at - make_interval(mins => $2) where user_id = $1`,
    [person.id, minutes],
  );
}

const errorOf = async (response: Response) => [response.status, (await response.json<{ error: string }>()).error];

describe("a code", () => {
  it("that is exchanged twice at once gives tokens once, and its grant goes on", async () => {
    const { client_id } = await register();
    const { verifier, challenge } = newPkce();
    const callback = await allow(person, authorizationUrl({ client_id, code_challenge: challenge }));
    const code = callback.searchParams.get("code") ?? "";
    const exchange = () =>
      post("/oauth/token", { grant_type: "authorization_code", code, code_verifier: verifier, client_id });

    const answers = await Promise.all([exchange(), exchange(), exchange()]);

    const [given, ...others] = answers.filter(({ status }) => status === 200);
    expect(others).toEqual([]);
    for (const refused of answers.filter(({ status }) => status !== 200)) {
      expect(await errorOf(refused)).toEqual([400, "invalid_grant"]);
    }
    expect(await errorOf(await exchange())).toEqual([400, "invalid_grant"]);
    const tokens = await tokensOf(given ?? new Response());
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(200);
    await tokensOf(await refresh(client_id, tokens.refresh_token));
  });
});

describe("a consent form", () => {
  it("that is sent twice at once counts once", async () => {
    const { client_id } = await register();
    const server = authorizationServer();
    const url = authorizationUrl({ client_id, code_challenge: newPkce().challenge });
    const { handle, headers } = await server.beginConsent(await server.parseAuthRequest(new Request(url)));
    const [cookie = ""] = (headers.get("Set-Cookie") ?? "").split(";", 1);
    const send = () => authorizationServer().approveConsent(new Request(url, { headers: { Cookie: cookie } }), handle);

    const sent = await Promise.allSettled([send(), send(), send()]);

    expect(sent.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const { reason } of sent.filter((one) => one.status === "rejected")) {
      expect(reason).toMatchObject({ name: "AuthorizationError", code: "invalid_request" });
    }
  });
});

describe("what piles up", () => {
  it("is 200 grants of a person at most: those go that were used least lately", async () => {
    const busy = await Person.signUp();
    await ownerQuery(
      `insert into oauth_grants (user_id, id, client_id, client_name, scopes, record, created_at, last_used_at)
       select $1, 'old-' || number, 'client', 'Client', '{tasks:read}', '{}', now() - interval '1 year',
         now() - make_interval(days => number)
       from generate_series(1, 205) as number`,
      [busy.id],
    );

    const { tokens } = await connect(busy);

    const kept = await ownerQuery("select id from oauth_grants where user_id = $1", [busy.id]);
    const ids = kept.map(({ id }) => id);
    expect(ids).toHaveLength(200);
    expect(ids).toContain("old-1");
    expect(ids).not.toContain("old-205");
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(200);
  });

  it("is nothing that has expired: each consent that begins takes some of it away", async () => {
    await ownerQuery(
      `insert into single_uses (name, value, expires_at)
       select 'expired-' || number, 'value', now() - interval '1 hour' from generate_series(1, 30) as number`,
    );
    const { client_id } = await register();
    const server = authorizationServer();
    const url = authorizationUrl({ client_id, code_challenge: newPkce().challenge });
    const request = await server.parseAuthRequest(new Request(url));

    for (let round = 0; round < 3; round += 1) await server.beginConsent(request);

    expect(await ownerQuery("select name from single_uses where name like 'expired-%'")).toEqual([]);
  });
});

describe("a refresh token", () => {
  it("goes on counting while its successor, whose answer was lost, is not used", async () => {
    const { clientId, tokens } = await connect(person);
    await tokensOf(await refresh(clientId, tokens.refresh_token));
    await minutesGoBy(24 * 60);

    const again = await tokensOf(await refresh(clientId, tokens.refresh_token));

    expect((await callTool(again.access_token, "list_tasks")).status).toBe(200);
  });

  it("has two successors that both live where two refresh with it at once, however they go on", async () => {
    const { clientId, tokens } = await connect(person);
    const both = await Promise.all([refresh(clientId, tokens.refresh_token), refresh(clientId, tokens.refresh_token)]);
    let [one, other] = await Promise.all(both.map(tokensOf));

    for (let round = 0; round < 3; round += 1) {
      one = await tokensOf(await refresh(clientId, one?.refresh_token ?? ""));
      await minutesGoBy(60);
      other = await tokensOf(await refresh(clientId, other?.refresh_token ?? ""));
      await minutesGoBy(60);
    }

    for (const { access_token: token } of [one, other].filter((kept) => kept !== undefined)) {
      expect((await callTool(token, "list_tasks")).status).toBe(200);
    }
  });

  it("counts for ten minutes more once a successor was used, and not longer", async () => {
    const { clientId, tokens } = await connect(person);
    const next = await tokensOf(await refresh(clientId, tokens.refresh_token));
    await tokensOf(await refresh(clientId, next.refresh_token));
    await minutesGoBy(9);
    await tokensOf(await refresh(clientId, tokens.refresh_token));

    await minutesGoBy(2);

    expect(await errorOf(await refresh(clientId, tokens.refresh_token))).toEqual([400, "invalid_grant"]);
    await tokensOf(await refresh(clientId, next.refresh_token));
  });

  it("that is dead ends nothing: the grant goes on", async () => {
    const { clientId, tokens } = await connect(person);
    const next = await tokensOf(await refresh(clientId, tokens.refresh_token));
    const last = await tokensOf(await refresh(clientId, next.refresh_token));
    await minutesGoBy(11);
    expect(await errorOf(await refresh(clientId, tokens.refresh_token))).toEqual([400, "invalid_grant"]);

    await tokensOf(await refresh(clientId, last.refresh_token));
  });

  it("has as many successors as there are that refresh with it at once, and each goes on an hour later", async () => {
    const { clientId, tokens } = await connect(person);
    const answers = await Promise.all(Array.from({ length: 14 }, () => refresh(clientId, tokens.refresh_token)));
    const given = await Promise.all(answers.map(tokensOf));
    await minutesGoBy(60);

    const gone = await Promise.all(given.map((one) => refresh(clientId, one.refresh_token)));

    expect(gone.map(({ status }) => status)).toEqual(Array.from({ length: 14 }, () => 200));
  });

  const countOf = async ({ refresh_token: token }: { readonly refresh_token: string }) => {
    const [, grantId] = token.split(":");
    const [row] = await ownerQuery("select count(*)::integer from oauth_refresh_tokens where grant_id = $1", [grantId]);
    return row?.count;
  };

  it("has ten successors at most after two hours, for a client that never learns of them", async () => {
    const { clientId, tokens } = await connect(person);
    for (let round = 0; round < 15; round += 1) await tokensOf(await refresh(clientId, tokens.refresh_token));
    expect(await countOf(tokens)).toBe(16);
    await minutesGoBy(121);

    await tokensOf(await refresh(clientId, tokens.refresh_token));

    expect(await countOf(tokens)).toBe(11);
  });

  it("is given no successor where a grant has 200 tokens that may still be used, and none of these ends", async () => {
    const { clientId, tokens } = await connect(person);
    const next = await tokensOf(await refresh(clientId, tokens.refresh_token));
    const [, grantId] = tokens.refresh_token.split(":");
    await ownerQuery(
      `insert into oauth_refresh_tokens (user_id, grant_id, hash, wrapped_key, parent_hash)
       select user_id, grant_id, 'made-' || number, wrapped_key, hash from oauth_refresh_tokens, generate_series(1, 198) as number
       where grant_id = $1 and parent_hash is null`,
      [grantId],
    );

    const refused = await refresh(clientId, tokens.refresh_token);

    expect(await errorOf(refused)).toEqual([429, "temporarily_unavailable"]);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await countOf(tokens)).toBe(200);
    await minutesGoBy(121);
    await tokensOf(await refresh(clientId, next.refresh_token));
  });
});
