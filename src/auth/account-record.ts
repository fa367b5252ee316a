import { eq, sql } from "drizzle-orm";
import * as z from "zod";
import { users } from "../database/schema.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { accountColumns, accountSchema } from "./accounts.ts";

/** All that is kept of an account itself, but for its password's hash. */
export const accountRecordSchema = accountSchema.extend({
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  signed_in_at: z.iso.datetime().nullable().meta({ description: "When its password has signed somebody in last." }),
  signed_out_at: z.iso.datetime().nullable().meta({ description: "When everything was signed out last." }),
  site_identities: z
    .array(z.object({ issuer: z.string(), subject: z.string(), created_at: z.string() }))
    .meta({ description: "What other sites call this person." }),
  chat_tokens: z
    .array(z.object({ day: z.string(), tokens: z.number() }))
    .meta({ description: "How many of the model's tokens chats have used on each day (UTC)." }),
});

/** All that is kept of an account itself. */
export type AccountRecord = z.output<typeof accountRecordSchema>;

const rowsOf = <Row extends z.ZodType>(row: Row) =>
  z.tuple([z.object({ kept: z.array(row) })]).transform(([{ kept }]) => kept);

const { site_identities: identities, chat_tokens: chatTokens } = accountRecordSchema.shape;

const rowSchema = accountSchema.extend({
  createdAt: z.date(),
  updatedAt: z.date(),
  signedInAt: z.date().nullable(),
  signedOutAt: z.date().nullable(),
});

/** Reads the caller's account whole. @throws ApplicationError as `read` does */
export async function readAccountRecord(own: UserDatabase): Promise<AccountRecord> {
  const { results } = await own.read((query) => [
    query
      .select({
        ...accountColumns,
        createdAt: users.createdAt,
        updatedAt: users.updatedAt,
        signedInAt: users.latestSignInAt,
        signedOutAt: users.signedOutAt,
      })
      .from(users)
      .where(eq(users.id, own.userId)),
    query.execute(sql`
      select coalesce(jsonb_agg(to_jsonb(identity) - 'user_id' order by created_at), '[]') as kept
      from site_identities as identity where user_id = ${own.userId}`),
    query.execute(sql`
      select coalesce(jsonb_agg(to_jsonb(used) - 'user_id' order by day), '[]') as kept
      from token_usage as used where user_id = ${own.userId}`),
  ]);
  const [rows, sites, usage] = results;
  const [{ createdAt, updatedAt, signedInAt, signedOutAt, ...user }] = z.tuple([rowSchema]).parse(rows);
  return {
    ...user,
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
    signed_in_at: signedInAt?.toISOString() ?? null,
    signed_out_at: signedOutAt?.toISOString() ?? null,
    site_identities: rowsOf(identities.element).parse(sites.rows),
    chat_tokens: rowsOf(chatTokens.element).parse(usage.rows),
  };
}
