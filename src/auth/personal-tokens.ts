import { and, desc, eq } from "drizzle-orm";
import * as z from "zod";
import { readAccess, scopes } from "../caller.ts";
import { personalTokens } from "../database/schema.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { found } from "../errors.ts";
import { line } from "../text.ts";
import { makePersonalToken } from "./personal-token.ts";
import type { TokenSecrets } from "./token-secrets.ts";

const DAY = 24 * 60 * 60 * 1000;

/** A personal token as its person sees it, which is not what it is used by. */
export const personalTokenSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  scopes: z.array(z.string()).nullable().meta({ description: "What it may do; null for everything." }),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable().meta({ description: "null where it does not expire." }),
  last_used_at: z.iso.datetime().nullable().meta({ description: "Exact to five minutes." }),
  last_client: z.string().nullable().meta({ description: "The name that its last client gave itself." }),
});

/** What a personal token is to be. */
export const newTokenSchema = z.strictObject({
  name: line({ maximum: 100 }),
  scopes: z
    .array(z.enum(scopes))
    .min(1)
    .max(scopes.length)
    .optional()
    .meta({ description: "What it may do; everything where this is left out." }),
  expires_in_days: z
    .int()
    .min(1)
    .max(3650)
    .optional()
    .meta({ description: "It does not expire where this is left out." }),
});

type PersonalTokenDescription = z.output<typeof personalTokenSchema>;

const columns = {
  id: personalTokens.id,
  name: personalTokens.name,
  scopes: personalTokens.scopes,
  createdAt: personalTokens.createdAt,
  expiresAt: personalTokens.expiresAt,
  lastUsedAt: personalTokens.lastUsedAt,
  lastClient: personalTokens.lastClient,
};

/** The caller's personal tokens, the newest first; those too that have expired. */
export async function listPersonalTokens(own: UserDatabase): Promise<PersonalTokenDescription[]> {
  const { results } = await own.read((query) => [
    query
      .select(columns)
      .from(personalTokens)
      .where(eq(personalTokens.userId, own.userId))
      .orderBy(desc(personalTokens.createdAt), personalTokens.id),
  ]);
  return results[0].map(describe);
}

/**
 * Makes a personal token of the caller's.
 *
 * @returns the token, which nobody can be told again, and what is kept of it
 * @throws ApplicationError `conflict` where they have as many as there can be
 */
export async function addPersonalToken(
  own: UserDatabase,
  { name, scopes: asked, expires_in_days: days }: z.output<typeof newTokenSchema>,
  secrets: TokenSecrets,
): Promise<PersonalTokenDescription & { token: string }> {
  const { userId } = own;
  const id = crypto.randomUUID();
  // In whole seconds, as it stands in the token.
  const now = Math.floor(Date.now() / 1000) * 1000;
  const issuedAt = new Date(now);
  const expiresAt = days === undefined ? undefined : new Date(now + days * DAY);
  const access = readAccess(asked ?? "full");
  const row = {
    id,
    name,
    scopes: access === "full" ? null : [...access].sort(),
    createdAt: issuedAt,
    expiresAt: expiresAt ?? null,
  };
  await own.write("add_personal_token", (query) => [query.insert(personalTokens).values({ userId, ...row })]);
  const token = makePersonalToken({ id, userId, access, issuedAt, expiresAt }, secrets);
  return { token, ...describe({ ...row, lastUsedAt: null, lastClient: null }) };
}

/**
 * Cuts a personal token off, from the next call on.
 *
 * @throws ApplicationError `not_found`
 */
export async function deletePersonalToken(own: UserDatabase, id: string): Promise<void> {
  const { results } = await own.write("delete_personal_token", (query) => [
    query
      .delete(personalTokens)
      .where(and(eq(personalTokens.userId, own.userId), eq(personalTokens.id, id)))
      .returning({ id: personalTokens.id }),
  ]);
  // What an attempt has deleted whose answer was lost was there.
  if (results !== undefined) found(results[0][0], "Token");
}

function describe(row: Pick<typeof personalTokens.$inferSelect, keyof typeof columns>): PersonalTokenDescription {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes,
    created_at: row.createdAt.toISOString(),
    expires_at: row.expiresAt?.toISOString() ?? null,
    last_used_at: row.lastUsedAt?.toISOString() ?? null,
    last_client: row.lastClient,
  };
}
