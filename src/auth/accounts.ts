import { eq, sql } from "drizzle-orm";
import * as z from "zod";
import { callFunction } from "../database/call-function.ts";
import type { Database } from "../database/database.ts";
import { sqlState, toDatabaseError, unavailable } from "../database/database-error.ts";
import { users } from "../database/schema.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { ApplicationError, refusedField } from "../errors.ts";
import { metrics } from "../observability/metrics.ts";
import { confirmSignIn } from "./confirm-sign-in.ts";
import { type HashAsker, HashQueue } from "./hash-queue.ts";
import { hashPassword, verifyPassword } from "./password.ts";

/** SQLSTATE of an e-mail that another account has. */
export const UNIQUE_VIOLATION = "23505";
const INVALID_PARAMETER_VALUE = "22023";

/** A person as the API shows them to themselves. */
export const userSchema = z.object({ id: z.int(), email: z.string(), name: z.string(), time_zone: z.string() });

/** A person as they see themselves. */
export type User = z.output<typeof userSchema>;

/** The days that a week can begin with. */
export const weekStartSchema = z.enum(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]);

/** An account with its settings. */
export const accountSchema = userSchema.extend({ week_start: weekStartSchema });

/** An account with its settings. */
export type Account = z.output<typeof accountSchema>;

/** All that is hashed in this isolate. */
const hashes = new HashQueue();

const credentialsSchema = userSchema.extend({ password_hash: z.string() });

interface NewAccount {
  readonly email: string;
  readonly name: string;
  /** An IANA time zone, and whether the person has given it: one that Postgres does not know is UTC otherwise. */
  readonly timeZone: string;
  readonly isTimeZoneGiven: boolean;
  readonly weekStart: Account["week_start"];
  readonly password: string;
  /** Who asks for it, as `addressKey` names them, and how many accounts they may make in a day. */
  readonly address: { readonly key: string; readonly maximum: number };
}

interface Password {
  readonly email: string;
  readonly password: string;
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
  { email, name, timeZone, isTimeZoneGiven, weekStart, password, address }: NewAccount,
  asker: HashAsker,
): Promise<User> {
  await requireSignUpsLeft(database, address);
  const passwordHash = await hashNewPassword(password, asker);
  // By its key a repeat finds the account that was made by an attempt whose answer was lost.
  const key = crypto.randomUUID();
  const make = async (zone: string) => {
    const [row] = await database.callFunction(
      "writes",
      (deadline) =>
        sql`select id, email, name, time_zone
          from sign_up(
            ${email}, ${name}, ${zone}, ${passwordHash}, ${key}, ${deadline}, ${address.key}, ${address.maximum},
            ${weekStart}
          )`,
    );
    return userSchema.parse(row);
  };
  try {
    return await make(timeZone).catch((error: unknown) => {
      if (!isTimeZoneGiven && sqlState(error) === INVALID_PARAMETER_VALUE) return make("UTC");
      throw error;
    });
  } catch (error) {
    const state = sqlState(error);
    if (state === UNIQUE_VIOLATION) throw refusedField("conflict", "email", "already has an account; sign in instead");
    if (state === INVALID_PARAMETER_VALUE)
      throw refusedField("invalid_input", "time_zone", "must be an IANA time zone");
    throw toDatabaseError(error);
  }
}

/** Hashes a password that an account is to have. @throws what `HashQueue` throws */
export function hashNewPassword(password: string, asker: HashAsker): Promise<string> {
  return hashes.run(() => hashPassword(password), asker);
}

async function requireSignUpsLeft(database: Database, { key, maximum }: NewAccount["address"]): Promise<void> {
  await callFunction(database, "reads", () => sql`select require_sign_ups_left(${key}, ${maximum})`);
}

const userColumns = { id: users.id, email: users.email, name: users.name, time_zone: users.timeZone };

/** What an `Account` is read from. */
export const accountColumns = { ...userColumns, week_start: users.weekStart };

/** A person who has given their password, and since when they are signed in: what ends sign-ins later ends this one. */
export interface SignedIn {
  readonly user: User;
  readonly since: Date;
}

/**
 * Signs a person in to the account that an e-mail and a password belong to; takes the same time whether the e-mail is known or
 * not, as long as it fails.
 *
 * @param email undefined for what no account can have, for which nothing is hashed
 * @throws ApplicationError `unauthenticated`, also where the password has become another meanwhile; and what `HashQueue` throws
 */
export async function signIn(
  database: Database,
  { email, password }: { readonly email: string | undefined; readonly password: string },
  asker: HashAsker,
): Promise<SignedIn> {
  const askedAt = new Date();
  const account = email === undefined ? undefined : await matchPassword(database, { email, password }, asker);
  if (account === undefined) throw signInFailure();
  const { id: userId, password_hash: passwordHash } = account;
  const since = await confirmSignIn(database, { userId, passwordHash, askedAt, outlasts: false });
  if (since === undefined) throw signInFailure();
  return { user: userSchema.parse(account), since };
}

/**
 * Makes sure that the person who asks for something knows the account's password.
 *
 * @returns the hash that it was compared with
 * @throws ApplicationError `forbidden` where it is wrong; and what `HashQueue` throws
 */
export async function confirmPassword(
  database: Database,
  user: Pick<User, "id" | "email">,
  password: string,
  asker: HashAsker,
): Promise<string> {
  const matched = await matchPassword(database, { email: user.email, password }, asker);
  if (matched?.id === user.id) return matched.password_hash;
  metrics.count("sign_in_failures_total", {});
  throw new ApplicationError("forbidden", "The password is wrong.");
}

/** The account of an e-mail, where the password is its own; takes the same time where there is no such account. */
async function matchPassword(database: Database, { email, password }: Password, asker: HashAsker) {
  const account = await findCredentials(database, email);
  const isRight = await hashes.run(() => verifyPassword(password, account?.password_hash), asker);
  return isRight ? account : undefined;
}

function signInFailure(): ApplicationError {
  metrics.count("sign_in_failures_total", {});
  return new ApplicationError("unauthenticated", "The e-mail or the password is wrong.");
}

/** @throws ApplicationError `unauthenticated` */
export async function readUser(database: UserDatabase): Promise<User> {
  const { results } = await database.read((query) => [
    query.select(userColumns).from(users).where(eq(users.id, database.userId)),
  ]);
  return userSchema.parse(results[0][0]);
}

/** @throws ApplicationError `unauthenticated` */
export async function readAccount(database: UserDatabase): Promise<Account> {
  const { results } = await database.read((query) => [
    query.select(accountColumns).from(users).where(eq(users.id, database.userId)),
  ]);
  return accountSchema.parse(results[0][0]);
}

/**
 * Deletes the caller's account with everything in it.
 *
 * @param email the account's
 * @throws ApplicationError `unauthenticated` for a credential that does not count
 */
export async function deleteAccount(database: Database, own: UserDatabase, email: string): Promise<void> {
  try {
    await own.write("delete_account", (query) => [query.execute(sql`select delete_account()`)], {
      ends: "all credentials",
    });
  } catch (error) {
    // An attempt whose answer was lost may have deleted it, and with it the key by which a repeat would have been known.
    if (!(error instanceof ApplicationError && error.kind === "unauthenticated")) throw error;
    const account = await findCredentials(database, email).catch((cause: unknown) => {
      throw unavailable({ isRead: false, isKeyed: false, mayBeDone: true }, cause);
    });
    if (account?.id === own.userId) throw error;
  }
}

async function findCredentials(database: Database, email: string) {
  const [row] = await callFunction(
    database,
    "reads",
    () => sql`select id, email, name, time_zone, password_hash from find_credentials(${email})`,
  );
  return row === undefined ? undefined : credentialsSchema.parse(row);
}

/** The error of an e-mail that another account has. */
export function emailTaken(): ApplicationError {
  return refusedField("conflict", "email", "already has an account");
}
