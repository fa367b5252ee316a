import { sql } from "drizzle-orm";
import * as z from "zod";
import { callFunction } from "../database/call-function.ts";
import type { Database } from "../database/database.ts";
import { sqlState } from "../database/database-error.ts";
import { ApplicationError, refusedField } from "../errors.ts";
import { hashNewPassword, type SignedIn, UNIQUE_VIOLATION, type User, userSchema } from "./accounts.ts";
import { confirmNewPassword } from "./confirm-sign-in.ts";
import type { HashAsker } from "./hash-queue.ts";
import { hashOf, type NewLink } from "./link-token.ts";

// A link is made, looked at and used by functions of the database before there is a caller: drizzle/0017_account_links.sql.
// It holds for 30 minutes and is used once; what is kept of it is the hash of its token.

/** What a link that may still be used is for. */
export type AccountLink =
  | { readonly kind: "reset_password"; readonly email: string }
  | { readonly kind: "change_email"; readonly email: string; readonly newEmail: string };

const linkSchema: z.ZodType<AccountLink, unknown> = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("reset_password"), email: z.string() }),
    z.object({ kind: z.literal("change_email"), email: z.string(), new_email: z.string() }),
  ])
  .transform((link) =>
    link.kind === "reset_password" ? link : { kind: link.kind, email: link.email, newEmail: link.new_email },
  );

/**
 * Has a link count by which the owner of an e-mail sets a new password, unless one of the last ten minutes does. It takes as long
 * where there is no such account.
 *
 * @param mailbox whose requests are counted, as `mailboxKey` names it
 * @returns the account's e-mail as its owner has written it; undefined where there is none or a link already, and no new one
 * @throws ApplicationError `rate_limited` where as many links were asked for today as may be; `unavailable`
 */
export async function requestPasswordReset(
  database: Database,
  { email, mailbox }: { readonly email: string; readonly mailbox: string },
  { hash }: NewLink,
): Promise<string | undefined> {
  const [row] = await callFunction(
    database,
    "writes",
    (deadline) => sql`select email from request_password_reset(${email}, ${mailbox}, ${hash}, ${deadline})`,
  );
  return row === undefined ? undefined : z.object({ email: z.string() }).parse(row).email;
}

/** Looks at a link without using it; undefined where it cannot be used. */
export async function readLink(database: Database, token: string): Promise<AccountLink | undefined> {
  const [row] = await callFunction(
    database,
    "reads",
    () => sql`select kind, email, new_email from find_account_link(${hashOf(token)})`,
  );
  return row === undefined ? undefined : linkSchema.parse(row);
}

/**
 * Sets a new password by a link, and ends everything that the account has let in: sign-ins, connected clients, personal
 * tokens, other links; and begins a sign-in.
 *
 * @returns whose password it is, and since when they are signed in
 * @throws ApplicationError `invalid_input` for a link that cannot be used, for which nothing is hashed; and what `HashQueue`
 * throws
 */
export async function resetPassword(
  database: Database,
  { token, password }: { readonly token: string; readonly password: string },
  asker: HashAsker,
): Promise<SignedIn> {
  const link = await readLink(database, token);
  if (link?.kind !== "reset_password") throw unusableLink();
  const passwordHash = await hashNewPassword(password, asker);
  const key = crypto.randomUUID();
  const endedAt = new Date().toISOString();
  const [row] = await callFunction(
    database,
    "writes",
    (deadline) =>
      sql`select id, email, name, time_zone
        from reset_password(${hashOf(token)}, ${passwordHash}, ${key}, ${endedAt}, ${deadline})`,
  );
  if (row === undefined) throw unusableLink();
  const user = userSchema.parse(row);
  return { user, since: await confirmNewPassword(database, user.id, passwordHash) };
}

const confirmedSchema = userSchema.extend({ old_email: z.string() });

/**
 * Gives an account the e-mail that a link was sent to.
 *
 * @returns the account, and its e-mail before
 * @throws ApplicationError `invalid_input` for a link that cannot be used; `conflict` where the e-mail has become another
 * person's since
 */
export async function confirmEmail(database: Database, token: string): Promise<{ user: User; oldEmail: string }> {
  const key = crypto.randomUUID();
  const [row] = await callFunction(
    database,
    "writes",
    (deadline) =>
      sql`select id, email, name, time_zone, old_email from confirm_email(${hashOf(token)}, ${key}, ${deadline})`,
  ).catch((error: unknown) => {
    if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
    const message = "The e-mail has become another account's meanwhile. Nothing was changed.";
    throw new ApplicationError("conflict", message, { cause: error });
  });
  if (row === undefined) throw unusableLink();
  const { old_email: oldEmail, ...user } = confirmedSchema.parse(row);
  return { user, oldEmail };
}

function unusableLink(): ApplicationError {
  return refusedField("invalid_input", "token", "was used or has expired; ask for another link");
}
