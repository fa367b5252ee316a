import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { connectClient, connectionsOf, statusOf } from "../support/connections.ts";
import { Mailbox } from "../support/mailbox.ts";
import { callTool, connect, refresh } from "../support/oauth.ts";
import { ownerQuery } from "../support/owner.ts";
import { PASSWORD, Person, problemOf, send } from "../support/person.ts";
import { sessionClaims, signWithSecret } from "../support/site.ts";

// What each kind of credential may do to the account itself, and what ends it.

const NEW_PASSWORD = "staple that nobody knows";

const clientsSchema = z.object({
  clients: z.array(z.object({ id: z.string(), name: z.string(), last_used_at: z.string().nullable() })),
});
const clientsOf = async (person: Person) =>
  clientsSchema.parse(await (await person.send("/api/auth/clients")).json()).clients;

/** Everything that changes an account, or tells more of it than who it is, as a request that would be carried out. */
const requests: readonly (readonly [method: string, path: string, body?: Record<string, unknown>])[] = [
  ["PATCH", "/api/auth/me", { name: "Eve" }],
  ["PATCH", "/api/auth/me", { email: "eve@example.com", password: PASSWORD }],
  ["DELETE", "/api/auth/me", { password: PASSWORD }],
  ["POST", "/api/auth/password", { password: PASSWORD, new_password: NEW_PASSWORD }],
  ["POST", "/api/auth/signout", { everywhere: true }],
  ["POST", "/api/auth/signout", { everywhere: true, cut_off: true }],
  ["GET", "/api/auth/clients"],
  ["DELETE", "/api/auth/clients"],
  ["DELETE", "/api/auth/clients/any"],
  ["GET", "/api/auth/tokens"],
  ["POST", "/api/auth/tokens", { name: "Eve", password: PASSWORD }],
  ["GET", "/api/export"],
];

describe("a credential with scopes", () => {
  let person: Person;
  let tokens: Record<string, string>;

  beforeAll(async () => {
    person = await Person.signUp({ name: "Ada" });
    const body = { name: "Both", scopes: ["tasks:read", "tasks:write"], password: PASSWORD };
    const made = await person.send("/api/auth/tokens", { method: "POST", body });
    const { token } = z.object({ token: z.string() }).parse(await made.json());
    tokens = { personal: token, oauth: (await connect(person)).tokens.access_token };
  });

  it.each(
    requests.flatMap(([method, path, body]) =>
      (["personal", "oauth"] as const).map((kind) => [kind, method, path, body] as const),
    ),
  )("of kind %s is not let in: %s %s %j", async (kind, method, path, body) => {
    const everything = async () => [
      (await ownerQuery("select * from users where id = $1", [person.id]))[0],
      await connectionsOf(person),
    ];
    const before = await everything();
    const headers = { Authorization: `Bearer ${tokens[kind]}` };
    const response = await send(path, { method, headers, ...(body !== undefined && { body }) });

    expect(response.status).toBe(403);
    await problemOf(response);
    expect(await everything()).toEqual(before);
  });
});

describe("a connected client", () => {
  it("stands in the list with its last use, and is cut off at its next call, with what it refreshes by", async () => {
    const person = await Person.signUp();
    const { clientId, tokens } = await connect(person);
    const other = await connect(person);
    expect(await clientsOf(person)).toMatchObject([{ last_used_at: null }, { last_used_at: null }]);
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(200);
    const [used, unused] = await clientsOf(person);
    expect(used).toMatchObject({ name: "Test client", last_used_at: expect.any(String) });
    expect(unused).toMatchObject({ last_used_at: null });

    expect((await person.send(`/api/auth/clients/${used?.id}`, { method: "DELETE" })).status).toBe(204);
    const refused = await callTool(tokens.access_token, "list_tasks");
    expect(refused.status).toBe(401);
    expect(refused.headers.get("WWW-Authenticate")).toContain("resource_metadata=");
    const refreshed = await refresh(clientId, tokens.refresh_token);
    expect([refreshed.status, await refreshed.json()]).toMatchObject([400, { error: "invalid_grant" }]);
    expect((await callTool(other.tokens.access_token, "list_tasks")).status).toBe(200);
  });

  it("goes on where the password is changed, and ends where it is set by a link", async () => {
    const mailbox = Mailbox.open();
    const person = await Person.signUp();
    const { clientId, tokens } = await connect(person);
    const body = { password: PASSWORD, new_password: NEW_PASSWORD };
    const changed = await person.send("/api/auth/password", { method: "POST", body });
    expect(await changed.json()).toMatchObject({ connected: { clients: 1, tokens: 0 } });
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(200);

    const { email } = person.session.user;
    await send("/api/auth/password/forgot", { method: "POST", body: { email } });
    const token = await mailbox.token("password_reset", email);
    await send("/api/auth/password/reset", { method: "POST", body: { token, new_password: "a third one" } });
    expect((await callTool(tokens.access_token, "list_tasks")).status).toBe(401);
    expect((await refresh(clientId, tokens.refresh_token)).status).toBe(400);
  });

  it("that signs itself out ends alone", async () => {
    const person = await Person.signUp();
    await connectClient(person);
    const { tokens } = await connect(person);
    const headers = { Authorization: `Bearer ${tokens.access_token}` };

    expect((await send("/api/auth/signout", { method: "POST", body: {}, headers })).status).toBe(204);
    expect(await statusOf(tokens.access_token)).toBe(401);
    expect(await connectionsOf(person)).toEqual({ clients: 1, tokens: 0 });
    expect(await statusOf(person.session.token)).toBe(200);
  });
});

describe("a person of another site, who has no password here", () => {
  const signInAtSite = (id?: string) => signWithSecret(sessionClaims(id));
  const as = (token: string, method: string, path: string, body: Record<string, unknown>) =>
    send(path, { method, body, headers: { Authorization: `Bearer ${token}` } });

  it("deletes the account without one", async () => {
    const token = await signInAtSite();
    expect(await statusOf(token)).toBe(200);

    expect((await as(token, "DELETE", "/api/auth/me", {})).status).toBe(204);
    expect(await statusOf(token)).toBe(401);
  });

  it("gets an e-mail of their own, and by it a password", async () => {
    const mailbox = Mailbox.open();
    const id = crypto.randomUUID();
    const token = await signInAtSite(id);
    const email = `${crypto.randomUUID()}@example.com`;
    const refused = await as(token, "POST", "/api/auth/password", { new_password: NEW_PASSWORD });
    expect(refused.status).toBe(403);
    expect((await problemOf(refused)).detail).toContain("none until a link has set one");

    expect((await as(token, "PATCH", "/api/auth/me", { email })).status).toBe(200);
    const confirmation = { token: await mailbox.token("email_verification", email) };
    expect((await send("/api/auth/email", { method: "POST", body: confirmation })).status).toBe(200);
    await send("/api/auth/password/forgot", { method: "POST", body: { email } });
    const reset = { token: await mailbox.token("password_reset", email), new_password: NEW_PASSWORD };
    expect((await send("/api/auth/password/reset", { method: "POST", body: reset })).status).toBe(200);
    expect(await statusOf(token)).toBe(401);
    const signIn = { email, password: NEW_PASSWORD };
    expect((await send("/api/auth/signin", { method: "POST", body: signIn })).status).toBe(200);

    const change = { password: NEW_PASSWORD, new_password: `${NEW_PASSWORD} either` };
    expect((await as(await signInAtSite(id), "POST", "/api/auth/password", change)).status).toBe(200);
  });
});
