import { env } from "cloudflare:workers";
import { makePersonalToken } from "../../src/auth/personal-token.ts";
import { requireTokenSecrets } from "../../src/auth/token-secrets.ts";
import { readAccess } from "../../src/caller.ts";
import { readConfiguration } from "../../src/config.ts";
import { ownerQuery } from "./owner.ts";

/** Makes a personal token in the database, which nobody has to confirm. */
export async function insertPersonalToken(
  userId: number,
  scopes?: readonly string[],
): Promise<{ token: string; id: string }> {
  const id = crypto.randomUUID();
  const access = readAccess(scopes ?? "full");
  await ownerQuery("insert into personal_tokens (user_id, id, name, scopes) values ($1, $2, 'Laptop', $3)", [
    userId,
    id,
    scopes ?? null,
  ]);
  const secrets = requireTokenSecrets("Personal tokens", "unavailable", readConfiguration(env));
  return { id, token: makePersonalToken({ id, userId, access, issuedAt: new Date(), expiresAt: undefined }, secrets) };
}
