import { and, eq, sql } from "drizzle-orm";
import type { Database } from "../database/database.ts";
import { sqlState } from "../database/database-error.ts";
import { users } from "../database/schema.ts";
import type { QueryBuilder } from "../database/statement.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { ApplicationError, refusedField } from "../errors.ts";
import {
  type Account,
  accountColumns,
  accountSchema,
  emailTaken,
  hashNewPassword,
  readAccount,
  UNIQUE_VIOLATION,
} from "./accounts.ts";
import { confirmNewPassword } from "./confirm-sign-in.ts";
import type { HashAsker } from "./hash-queue.ts";
import { type Connected, connectedSchema } from "./sign-out.ts";

const INVALID_PARAMETER_VALUE = "22023";
/** Of our own change_password: the password is another than the one that was compared. */
const CHANGED_MEANWHILE = "TS005";

/** What is to change of an account; what is undefined stays as it is. */
interface AccountChange {
  readonly name?: string | undefined;
  /** An IANA time zone. */
  readonly timeZone?: string | undefined;
  readonly weekStart?: Account["week_start"] | undefined;
  /** An e-mail that the account gets once a link was opened that is sent there. */
  readonly email?: { readonly wanted: string; readonly mailbox: string; readonly linkHash: string } | undefined;
}

/**
 * Changes the caller's name, time zone or first day of the week at once, and has a link count for another e-mail; all of it or nothing.
 *
 * @returns the account as it is then
 * @throws ApplicationError `invalid_input` for a time zone that Postgres does not know; `conflict` for an e-mail that is
 * taken; `rate_limited` where it was sent as many links today as may be; and what `write` throws
 */
export async function changeAccount(
  own: UserDatabase,
  { name, timeZone, weekStart, email }: AccountChange,
): Promise<Account> {
  // Postgres looks at the name of a time zone only where it is used.
  const isKnown = timeZone === undefined ? undefined : sql`now() at time zone ${timeZone} is not null`;
  const change = (query: QueryBuilder) =>
    query
      .update(users)
      .set({ name, timeZone, weekStart, updatedAt: sql`now()` })
      .where(and(eq(users.id, own.userId), isKnown))
      .returning(accountColumns);
  try {
    const { results } = await own.write("change_account", (query) =>
      email === undefined
        ? [change(query)]
        : [
            change(query),
            query.execute(sql`select request_email_change(${email.wanted}, ${email.mailbox}, ${email.linkHash})`),
          ],
    );
    return results === undefined ? await readAccount(own) : accountSchema.parse(results[0][0]);
  } catch (error) {
    const state = sqlState(error);
    if (state === UNIQUE_VIOLATION) throw emailTaken();
    if (state === INVALID_PARAMETER_VALUE)
      throw refusedField("invalid_input", "time_zone", "must be an IANA time zone");
    throw error;
  }
}

interface PasswordChange {
  /** Of the password that was compared. */
  readonly comparedHash: string;
  readonly password: string;
  /** Whether connected clients and personal tokens end too. */
  readonly cutsOff: boolean;
}

/**
 * Gives the caller another password, ends every sign-in until now, and begins one.
 *
 * @returns since when that counts; what goes on, undefined where it is not told
 * @throws ApplicationError `conflict` where the password has become another since it was compared, or since it was set; and what
 * `HashQueue` and `write` throw
 */
export async function changePassword(
  database: Database,
  own: UserDatabase,
  { comparedHash, password, cutsOff }: PasswordChange,
  asker: HashAsker,
): Promise<{ readonly since: Date; readonly connected: Connected | undefined }> {
  const newHash = await hashNewPassword(password, asker);
  const endedAt = new Date().toISOString();
  try {
    const { results } = await own.write(
      "change_password",
      (query) => [
        query.execute<{ connected: unknown }>(
          sql`select change_password(${comparedHash}, ${newHash}, ${endedAt}, ${cutsOff}) as connected`,
        ),
      ],
      { ends: cutsOff ? "all credentials" : "sign-ins" },
    );
    const since = await confirmNewPassword(database, own.userId, newHash);
    return { since, connected: results && connectedSchema.parse(results[0].rows[0]?.connected) };
  } catch (error) {
    if (sqlState(error) !== CHANGED_MEANWHILE) throw error;
    throw new ApplicationError("conflict", "The password was changed by another request meanwhile, not by this one.", {
      cause: error,
    });
  }
}
