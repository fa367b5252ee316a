import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, inject, it } from "vitest";
import type { Caller, Credential } from "../../src/caller.ts";
import { readConfiguration } from "../../src/config.ts";
import { openDatabase } from "../../src/database/database.ts";
import { holdRows, ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";

const { DATABASE_URL, NEON_FETCH_ENDPOINT, DATABASE_TIMEOUT } = readConfiguration(env);
const database = openDatabase(DATABASE_URL, NEON_FETCH_ENDPOINT, DATABASE_TIMEOUT);

let person: Person;
let other: Person;

beforeAll(async () => {
  [person, other] = await Promise.all([Person.signUp(), Person.signUp()]);
});

type Kind = "personal" | "oauth" | "site";

/** Makes what stands for a credential in the database, and the credential. */
async function makeCredential(kind: Kind, { expiresIn }: { expiresIn?: string } = {}): Promise<Credential> {
  const id = crypto.randomUUID();
  const identity = { issuer: "https://site.example", subject: id };
  const expires = expiresIn === undefined ? "null" : `now() + interval '${expiresIn}'`;
  const made = {
    personal: [
      `insert into personal_tokens (user_id, id, name, expires_at) values ($1, $2, 'laptop', ${expires})`,
      [person.id, id],
    ],
    oauth: [
      `insert into oauth_grants (user_id, id, client_id, client_name, scopes, expires_at)
       values ($1, $2, 'client', 'Claude', '{tasks:read}', ${expires})`,
      [person.id, id],
    ],
    site: [
      "insert into site_identities (user_id, issuer, subject) values ($1, $2, $3)",
      [person.id, identity.issuer, id],
    ],
  } as const;
  const [query, values] = made[kind];
  await ownerQuery(query, [...values]);
  return { kind, id, issuedAt: new Date(), expiresAt: undefined, ...(kind === "site" && { identity }) };
}

const asCaller = (credential: Credential, userId = person.id, client?: string) =>
  database.as({ userId, credential, access: "full" } satisfies Caller, { via: "mcp", client, requestId: "test" });
const use = (credential: Credential, userId?: number) => asCaller(credential, userId).checkCredential("now");
const refusal = { kind: "unauthenticated" };

const ROWS = { personal: "personal_tokens", oauth: "oauth_grants" } as const;

describe.each<Kind>(["personal", "oauth", "site"])("a credential of kind %s", (kind) => {
  it("counts while its row is there, for its own user", async () => {
    const credential = await makeCredential(kind);

    await expect(use(credential)).resolves.toBeUndefined();
    await expect(use(credential, other.id)).rejects.toMatchObject(refusal);
  });

  it("does not count without a row", async () => {
    const id = crypto.randomUUID();
    const identity = { issuer: "https://site.example", subject: id };

    await expect(use({ kind, id, issuedAt: new Date(), expiresAt: undefined, identity })).rejects.toMatchObject(
      refusal,
    );
  });

  it("goes with its account", async () => {
    const credential = await makeCredential(kind);
    const leaving = await Person.signUp();
    const [table, column] = kind === "site" ? ["site_identities", "subject"] : [ROWS[kind], "id::text"];
    await ownerQuery(`update ${table} set user_id = $1 where ${column} = $2`, [leaving.id, credential.id]);
    await expect(use(credential, leaving.id)).resolves.toBeUndefined();
    await ownerQuery("delete from users where id = $1", [leaving.id]);

    await expect(use(credential, leaving.id)).rejects.toMatchObject(refusal);
  });
});

describe.each(["personal", "oauth"] as const)("a credential of kind %s", (kind) => {
  it("does not count once it has expired", async () => {
    await expect(use(await makeCredential(kind, { expiresIn: "1 minute" }))).resolves.toBeUndefined();
    await expect(use(await makeCredential(kind, { expiresIn: "-1 second" }))).rejects.toMatchObject(refusal);
  });

  it("does not count from the call on after its row was deleted", async () => {
    const credential = await makeCredential(kind);
    await use(credential);
    await ownerQuery(`delete from ${ROWS[kind]} where id::text = $1`, [credential.id]);

    await expect(use(credential)).rejects.toMatchObject(refusal);
  });

  it("outlasts its user's signing out everywhere", async () => {
    const credential = await makeCredential(kind);
    await ownerQuery("update users set signed_out_at = now() where id = $1", [person.id]);

    await expect(use(credential)).resolves.toBeUndefined();
  });

  it("has its last use and client noted, every five minutes at most", async () => {
    const credential = await makeCredential(kind);
    const lastUse = async () => {
      const [row] = await ownerQuery(`select last_used_at::text, last_client from ${ROWS[kind]} where id::text = $1`, [
        credential.id,
      ]);
      return row;
    };
    expect(await lastUse()).toEqual({ last_used_at: null, last_client: null });
    await asCaller(credential, person.id, "claude-ai").checkCredential("now");
    const first = await lastUse();
    expect(first).toMatchObject({ last_used_at: expect.any(String), last_client: "claude-ai" });
    await asCaller(credential, person.id, "cursor").checkCredential("now");
    expect(await lastUse()).toEqual(first);
    await ownerQuery(`update ${ROWS[kind]} set last_used_at = now() - interval '6 minutes' where id::text = $1`, [
      credential.id,
    ]);
    await asCaller(credential).checkCredential("now");
    const next = await lastUse();
    expect(next?.last_client).toBe("claude-ai");
    expect(next?.last_used_at).not.toBe(first?.last_used_at);
  });

  // PGlite has one connection, so that everybody waits for who holds it.
  it.skipIf(inject("databaseName") === "pglite")(
    "waits for no other call that notes its use (needs PostgreSQL)",
    async () => {
      const credential = await makeCredential(kind);
      const { released } = await holdRows(`${ROWS[kind]} where id::text = '${credential.id}' for update`);
      const first = await Promise.race([use(credential).then(() => "the call"), released.then(() => "the lock")]);
      await released;

      expect(first).toBe("the call");
    },
  );
});

describe("a site's session", () => {
  it("ends with its user's signing out everywhere, and one that began later counts", async () => {
    const credential = await makeCredential("site");
    await ownerQuery("update users set signed_out_at = now() where id = $1", [person.id]);

    await expect(use({ ...credential, issuedAt: new Date(Date.now() - 60_000) })).rejects.toMatchObject(refusal);
    await expect(use({ ...credential, issuedAt: new Date(Date.now() + 60_000) })).resolves.toBeUndefined();
  });

  it("counts for its own issuer and subject alone", async () => {
    const credential = await makeCredential("site");
    const { issuer, subject } = credential.identity ?? { issuer: "", subject: "" };

    const elsewhere = { issuer: "https://other.example", subject };
    await expect(use({ ...credential, identity: elsewhere })).rejects.toMatchObject(refusal);
    await expect(use({ ...credential, identity: { issuer, subject: "another" } })).rejects.toMatchObject(refusal);
    await expect(use({ ...credential, identity: undefined })).rejects.toMatchObject(refusal);
  });
});

describe("the worker's role", () => {
  it("may not read what the OAuth library keeps of a grant, nor write one", async () => {
    const own = asCaller(await makeCredential("oauth"));

    await expect(own.read((query) => [query.execute("select record from oauth_grants")])).rejects.toThrow();
    await expect(
      own.write("test", (query) => [query.execute("update oauth_grants set scopes = '{tasks:write}'")]),
    ).rejects.toThrow();
    await expect(
      own.write("test", (query) => [query.execute("update personal_tokens set expires_at = null")]),
    ).rejects.toThrow();
  });

  it("sees its own user's rows alone", async () => {
    await makeCredential("personal");
    await makeCredential("oauth");
    await makeCredential("site");
    const credential = await makeCredential("oauth");
    await ownerQuery("update oauth_grants set user_id = $1 where id = $2", [other.id, credential.id]);

    const { results } = await asCaller(credential, other.id).read((query) => [
      query.execute(
        `select (select count(*) from personal_tokens)::int as tokens, (select count(*) from oauth_grants)::int as grants,
          (select count(*) from site_identities)::int as identities`,
      ),
    ]);
    expect(results[0].rows).toEqual([{ tokens: 0, grants: 1, identities: 0 }]);
  });
});
