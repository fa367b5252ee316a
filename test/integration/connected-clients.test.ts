import { expect, it } from "vitest";
import { connectClient, connectionsOf } from "../support/connections.ts";
import { allow, authorizationUrl, newPkce, post, register, tokensOf } from "../support/oauth.ts";
import { ownerQuery } from "../support/owner.ts";
import { PASSWORD, Person, problemOf } from "../support/person.ts";

const PATH = "/api/auth/clients";

it("are listed with their last use, the one that was used last first, and nobody else's", async () => {
  const person = await Person.signUp();
  const neighbour = await Person.signUp();
  await connectClient(neighbour, "Cursor");
  const never = await connectClient(person, "Codex");
  const expired = await connectClient(person, "Cline");
  await ownerQuery("update oauth_grants set expires_at = now() - interval '1 second' where id = $1", [expired]);
  const used = await connectClient(person, "Claude");
  await ownerQuery(
    `update oauth_grants set last_used_at = now() + interval '1 hour', last_client = 'claude-ai', record = '{"secret": "s"}',
       expires_at = '2027-01-01T00:00:00Z' where id = $1`,
    [used],
  );
  const response = await person.send(PATH);
  const common = {
    host: "claude.example",
    redirect_host: "claude.example",
    scopes: ["tasks:read", "tasks:write"],
    created_at: expect.stringMatching(/^\d{4}-.*Z$/),
  };

  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({
    clients: [
      {
        id: used,
        name: "Claude",
        ...common,
        expires_at: "2027-01-01T00:00:00.000Z",
        last_used_at: expect.stringMatching(/^\d{4}-.*Z$/),
        last_client: "claude-ai",
      },
      { id: never, name: "Codex", ...common, expires_at: null, last_used_at: null, last_client: null },
    ],
  });
});

it("are connected once they have come for their tokens, and not while the code of a consent waits for them", async () => {
  const person = await Person.signUp();
  const { client_id } = await register();
  const { verifier, challenge } = newPkce();
  const callback = await allow(person, authorizationUrl({ client_id, code_challenge: challenge }));
  const listed = async () => (await (await person.send(PATH)).json<{ clients: unknown[] }>()).clients;
  expect(await listed()).toEqual([]);
  const password = { password: PASSWORD, new_password: PASSWORD };
  const changed = await person.send("/api/auth/password", { method: "POST", body: password });
  expect(await changed.json()).toMatchObject({ connected: { clients: 0, tokens: 0 } });

  const code = callback.searchParams.get("code") ?? "";
  await tokensOf(
    await post("/oauth/token", { grant_type: "authorization_code", code, code_verifier: verifier, client_id }),
  );

  const again = await person.signInAgain();
  expect((await (await again.send(PATH)).json<{ clients: unknown[] }>()).clients).toMatchObject([
    { name: "Test client" },
  ]);
});

it("are cut off one by one, by their owner alone", async () => {
  const person = await Person.signUp();
  const neighbour = await Person.signUp();
  const [first] = [await connectClient(person), await connectClient(person)];

  const foreign = await neighbour.send(`${PATH}/${first}`, { method: "DELETE" });
  expect(foreign.status).toBe(404);
  expect((await problemOf(foreign)).detail).toBe("Client not found");
  expect(await connectionsOf(person)).toEqual({ clients: 2, tokens: 0 });
  expect((await person.send(`${PATH}/${first}`, { method: "DELETE" })).status).toBe(204);
  expect((await person.send(`${PATH}/${first}`, { method: "DELETE" })).status).toBe(404);
  expect(await connectionsOf(person)).toEqual({ clients: 1, tokens: 0 });
});

it("are cut off all at once", async () => {
  const person = await Person.signUp();
  const neighbour = await Person.signUp();
  for (const one of [person, person, neighbour]) await connectClient(one);

  expect((await person.send(PATH, { method: "DELETE" })).status).toBe(204);
  expect(await connectionsOf(person)).toEqual({ clients: 0, tokens: 0 });
  expect(await connectionsOf(neighbour)).toEqual({ clients: 1, tokens: 0 });
});

it("are not found by an id that Postgres cannot keep", async () => {
  const person = await Person.signUp();

  expect((await person.send(`${PATH}/a%00b`, { method: "DELETE" })).status).toBe(404);
});
