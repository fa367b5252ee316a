import { and, desc, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { oauthGrants } from "../database/schema.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { found } from "../errors.ts";
import { countingOf } from "./counting.ts";

/** How many clients are listed: those that were used last. */
const MOST_LISTED = 1_000;

/** A client that a person has let in, as they see it. */
export const clientSchema = z.object({
  id: z.string(),
  name: z.string().meta({ description: "What the client calls itself." }),
  host: z.string().nullable().meta({ description: "The host that vouches for the name; null where none does." }),
  redirect_host: z.string().nullable().meta({ description: "Where the answer of the consent went." }),
  scopes: z.array(z.string()),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  last_used_at: z.iso
    .datetime()
    .nullable()
    .meta({ description: "Exact to five minutes; null where it was never used." }),
  last_client: z.string().nullable().meta({ description: "The name by which it came then." }),
});

/** A client that a person has let in, as they see it. */
export type ConnectedClient = z.output<typeof clientSchema>;

/** Lists the clients of the caller that still count, the one that was used last first. */
export async function listClients(own: UserDatabase): Promise<ConnectedClient[]> {
  const {
    results: [rows],
  } = await own.read((query) => [
    query
      .select()
      .from(oauthGrants)
      .where(countingOf(own, oauthGrants))
      .orderBy(desc(sql`coalesce(${oauthGrants.lastUsedAt}, ${oauthGrants.createdAt})`), desc(oauthGrants.id))
      .limit(MOST_LISTED),
  ]);
  return rows.map((row) => ({
    id: row.id,
    name: row.clientName,
    host: row.clientHost,
    redirect_host: row.redirectHost,
    scopes: row.scopes,
    created_at: row.createdAt.toISOString(),
    expires_at: row.expiresAt?.toISOString() ?? null,
    last_used_at: row.lastUsedAt?.toISOString() ?? null,
    last_client: row.lastClient,
  }));
}

/**
 * Cuts a client off, as of its next call.
 *
 * @throws ApplicationError `not_found`
 */
export async function cutOffClient(own: UserDatabase, id: string): Promise<void> {
  const { results } = await own.write("cut_off_client", (query) => [
    query
      .delete(oauthGrants)
      .where(and(eq(oauthGrants.userId, own.userId), eq(oauthGrants.id, id)))
      .returning({ id: oauthGrants.id }),
  ]);
  if (results !== undefined) found(results[0][0], "Client");
}

/** Cuts every client off. */
export async function cutOffClients(own: UserDatabase): Promise<void> {
  await own.write("cut_off_clients", (query) => [query.delete(oauthGrants).where(eq(oauthGrants.userId, own.userId))]);
}
