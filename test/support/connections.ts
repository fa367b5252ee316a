import { ownerQuery } from "./owner.ts";
import { type Person, send } from "./person.ts";
import { insertPersonalToken } from "./personal-token.ts";

/** Lets an OAuth client in, in the database. @returns its grant's id */
export async function connectClient(person: Person, name = "Claude"): Promise<string> {
  const id = crypto.randomUUID();
  await ownerQuery(
    `insert into oauth_grants (user_id, id, client_id, client_name, client_host, redirect_host, scopes)
     values ($1, $2, 'https://claude.example/client.json', $3, 'claude.example', 'claude.example', '{tasks:read,tasks:write}')`,
    [person.id, id, name],
  );
  return id;
}

/** Makes a personal token with full access. */
export function makeToken(person: Person): Promise<{ token: string; id: string }> {
  return insertPersonalToken(person.id);
}

/** How many clients and personal tokens a person has in the database. */
export async function connectionsOf({ id }: Person): Promise<unknown> {
  const [row] = await ownerQuery(
    `select (select count(*)::int from oauth_grants where user_id = $1) as clients,
       (select count(*)::int from personal_tokens where user_id = $1) as tokens`,
    [id],
  );
  return row;
}

/** What the status is of a request with a bearer token for its user's account. */
export async function statusOf(token: string): Promise<number> {
  return (await send("/api/auth/me", { headers: { Authorization: `Bearer ${token}` } })).status;
}
