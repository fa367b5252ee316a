import { and, eq, lt, sql } from "drizzle-orm";
import * as z from "zod";
import type { Credential } from "../caller.ts";
import { oauthGrants, personalTokens, revokedTokens } from "../database/schema.ts";
import type { QueryBuilder } from "../database/statement.ts";
import type { Queries, UserDatabase } from "../database/user-database.ts";
import { countingOf } from "./counting.ts";

/** Until when it is kept that a credential was signed out which does not expire, or comes again in another token. */
const FAR_OFF = new Date("9999-12-31T23:59:59Z");

/** How many clients and personal tokens of a person count. */
export const connectedSchema = z.object({
  clients: z.int().meta({ description: "Connected clients: GET /api/auth/clients lists them." }),
  tokens: z.int().meta({ description: "Personal tokens: GET /api/auth/tokens lists them." }),
});

/** How many clients and personal tokens of a person count. */
export type Connected = z.output<typeof connectedSchema>;

/**
 * Ends the credential that a request has come with.
 *
 * @throws ApplicationError `unauthenticated` where it was ended already
 */
export async function signOut(own: UserDatabase, credential: Credential): Promise<void> {
  await own.write("sign_out", (query) => endCredential(query, own.userId, credential), { ends: "this credential" });
}

/**
 * Ends every sign-in of the user until now, and the links that were sent to them.
 *
 * @param cutsOff whether their connected clients and personal tokens end too
 * @throws ApplicationError `unauthenticated` where the credential does not count
 */
export async function signOutEverywhere(own: UserDatabase, cutsOff: boolean): Promise<void> {
  const endedAt = new Date().toISOString();
  await own.write(
    "sign_out_everywhere",
    (query) => [query.execute(sql`select sign_out_everywhere(${endedAt}, ${cutsOff})`)],
    { ends: cutsOff ? "all credentials" : "sign-ins" },
  );
}

/** Counts what goes on when somebody is signed out everywhere. */
export async function countConnected(own: UserDatabase): Promise<Connected> {
  const { results } = await own.read((query) => [
    query.select({ id: oauthGrants.id }).from(oauthGrants).where(countingOf(own, oauthGrants)),
    query.select({ id: personalTokens.id }).from(personalTokens).where(countingOf(own, personalTokens)),
  ]);
  const [clients, tokens] = results;
  return { clients: clients.length, tokens: tokens.length };
}

function endCredential(query: QueryBuilder, userId: number, credential: Credential): Queries {
  const { kind, id, expiresAt, sessionBegan } = credential;
  switch (kind) {
    case "personal":
      return [query.delete(personalTokens).where(and(eq(personalTokens.userId, userId), eq(personalTokens.id, id)))];
    case "oauth":
      return [query.delete(oauthGrants).where(and(eq(oauthGrants.userId, userId), eq(oauthGrants.id, id)))];
    case "sign_in":
    case "site":
      return [
        query
          .insert(revokedTokens)
          // A site's session, where its token tells of one, goes on with another token of the same id.
          .values({ tokenId: id, userId, expiresAt: sessionBegan === undefined ? (expiresAt ?? FAR_OFF) : FAR_OFF })
          .onConflictDoNothing(),
        query
          .delete(revokedTokens)
          .where(and(eq(revokedTokens.userId, userId), lt(revokedTokens.expiresAt, sql`now()`))),
      ];
  }
}
