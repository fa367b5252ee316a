import { and, eq, lt, sql } from "drizzle-orm";
import * as z from "zod";
import type { Credential } from "../caller.ts";
import type { Database } from "../database/database.ts";
import { sqlState, toDatabaseError, unavailable } from "../database/database-error.ts";
import { oauthGrants, personalTokens, revokedTokens, users } from "../database/schema.ts";
import type { QueryBuilder } from "../database/statement.ts";
import type { Queries, UserDatabase } from "../database/user-database.ts";
import { ApplicationError } from "../errors.ts";
import { metrics } from "../observability/metrics.ts";
import { type HashAsker, HashQueue } from "./hash-queue.ts";
import { hashPassword, verifyPassword } from "./password.ts";

const UNIQUE_VIOLATION = "23505";
const INVALID_PARAMETER_VALUE = "22023";
/** Until when it is kept that a credential was signed out which does not expire. */
const FAR_OFF = new Date("9999-12-31T23:59:59Z");

/** A person as the API shows them to themselves. */
export const userSchema = z.object({ id: z.int(), email: z.string(), name: z.string(), time_zone: z.string() });

/** A person as they see themselves. */
export type User = z.output<typeof userSchema>;

/** All that is hashed in this isolate. */
const hashes = new HashQueue();

const credentialsSchema = userSchema.extend({ password_hash: z.string() });

interface NewAccount {
  readonly email: string;
  readonly name: string;
  /** An IANA time zone. */
  readonly timeZone: string;
  readonly password: string;
  /** Who asks for it, as `addressKey` names them, and how many accounts they may make in a day. */
  readonly address: { readonly key: string; readonly maximum: number };
}

/**
 * Makes an account.
 *
 * @throws ApplicationError `conflict` for an e-mail that is taken, in whatever case; `invalid_input` for a time zone
 * that Postgres does not know; `rate_limited` where the address has made as many as it may today, for which nothing is
 * hashed; and what `HashQueue` throws
 */
export async function signUp(
  database: Database,
  { email, name, timeZone, password, address }: NewAccount,
  asker: HashAsker,
): Promise<User> {
  await requireSignUpsLeft(database, address);
  const passwordHash = await hashes.run(() => hashPassword(password), asker);
  // By its key a repeat finds the account that was made by an attempt whose answer was lost.
  const key = crypto.randomUUID();
  try {
    const [row] = await database.callFunction(
      "writes",
      (deadline) =>
        sql`select id, email, name, time_zone
          from sign_up(
            ${email}, ${name}, ${timeZone}, ${passwordHash}, ${key}, ${deadline}, ${address.key}, ${address.maximum}
          )`,
    );
    return userSchema.parse(row);
  } catch (error) {
    const state = sqlState(error);
    if (state === UNIQUE_VIOLATION) throw refused("conflict", "email", "already has an account; sign in instead");
    if (state === INVALID_PARAMETER_VALUE) throw refused("invalid_input", "time_zone", "must be an IANA time zone");
    throw toDatabaseError(error);
  }
}

async function requireSignUpsLeft(database: Database, { key, maximum }: NewAccount["address"]): Promise<void> {
  await database
    .callFunction("reads", () => sql`select require_sign_ups_left(${key}, ${maximum})`)
    .catch((error: unknown) => {
      throw toDatabaseError(error);
    });
}

/**
 * Finds the account that an e-mail and a password belong to; takes the same time whether the e-mail is known or not.
 *
 * @param email undefined for what no account can have, for which nothing is hashed
 * @throws ApplicationError `unauthenticated`; and what `HashQueue` throws
 */
export async function signIn(
  database: Database,
  { email, password }: { readonly email: string | undefined; readonly password: string },
  asker: HashAsker,
): Promise<User> {
  if (email === undefined) throw signInFailure();
  const account = await findCredentials(database, email);
  const isRight = await hashes.run(() => verifyPassword(password, account?.password_hash), asker);
  if (account === undefined || !isRight) throw signInFailure();
  return userSchema.parse(account);
}

function signInFailure(): ApplicationError {
  metrics.count("sign_in_failures_total", {});
  return new ApplicationError("unauthenticated", "The e-mail or the password is wrong.");
}

/**
 * Signs a token out, or with `everywhere` every token the user has been given until now.
 *
 * @throws ApplicationError `unauthenticated` where it was signed out already
 */
export async function signOut(database: UserDatabase, credential: Credential, everywhere: boolean): Promise<void> {
  const { userId } = database;
  await database.write(
    "sign_out",
    (query) =>
      everywhere
        ? [query.update(users).set({ signedOutAt: new Date(), updatedAt: sql`now()` }).where(eq(users.id, userId))]
        : endCredential(query, userId, credential),
    { ends: everywhere ? "all credentials" : "this credential" },
  );
}

function endCredential(query: QueryBuilder, userId: number, { kind, id, expiresAt }: Credential): Queries {
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
          // A site's session goes on with another token of the same id.
          .values({ tokenId: id, userId, expiresAt: kind === "site" ? FAR_OFF : (expiresAt ?? FAR_OFF) })
          .onConflictDoNothing(),
        query
          .delete(revokedTokens)
          .where(and(eq(revokedTokens.userId, userId), lt(revokedTokens.expiresAt, sql`now()`))),
      ];
  }
}

/** @throws ApplicationError `unauthenticated` */
export async function readUser(database: UserDatabase): Promise<User> {
  const { results } = await database.read((query) => [
    query
      .select({ id: users.id, email: users.email, name: users.name, time_zone: users.timeZone })
      .from(users)
      .where(eq(users.id, database.userId)),
  ]);
  return userSchema.parse(results[0][0]);
}

/**
 * Deletes the caller's account with everything in it; its password confirms that its owner asks for it.
 *
 * @throws ApplicationError `forbidden` for a wrong password, `unauthenticated` for a token that does not count,
 * and what `HashQueue` throws
 */
export async function deleteAccount(
  database: Database,
  own: UserDatabase,
  credentials: { readonly email: string; readonly password: string },
  asker: HashAsker,
): Promise<void> {
  await signIn(database, credentials, asker).catch((error: unknown) => {
    if (!(error instanceof ApplicationError && error.kind === "unauthenticated")) throw error;
    throw new ApplicationError("forbidden", "The password is wrong.", { cause: error });
  });
  try {
    await own.write("delete_account", (query) => [query.execute(sql`select delete_account()`)], {
      ends: "all credentials",
    });
  } catch (error) {
    // An attempt whose answer was lost may have deleted it, and with it the key by which a repeat would have been known.
    if (!(error instanceof ApplicationError && error.kind === "unauthenticated")) throw error;
    const account = await findCredentials(database, credentials.email).catch((cause: unknown) => {
      throw unavailable({ isRead: false, isKeyed: false, mayBeDone: true }, cause);
    });
    if (account?.id === own.userId) throw error;
  }
}

async function findCredentials(database: Database, email: string) {
  const [row] = await database
    .callFunction("reads", () => sql`select id, email, name, time_zone, password_hash from find_credentials(${email})`)
    .catch((error: unknown) => {
      throw toDatabaseError(error);
    });
  return row === undefined ? undefined : credentialsSchema.parse(row);
}

/** The error of an account that cannot have what a field says. */
export function refused(kind: "conflict" | "invalid_input", field: string, message: string): ApplicationError {
  return new ApplicationError(kind, `${field} ${message}`, { fields: [{ field, message }] });
}
