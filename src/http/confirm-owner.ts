import { confirmPassword, readUser, type User } from "../auth/accounts.ts";
import type { HashAsker } from "../auth/hash-queue.ts";
import { refusedField } from "../errors.ts";
import { addressOf } from "./address.ts";
import { type ApplicationContext, waitUntilOf } from "./application.ts";
import { countAgainst } from "./rate-limit.ts";

/** The caller's account, confirmed to be asked for by its owner. */
interface ConfirmedOwner extends User {
  /** What the password was compared with; undefined for the session of another site, whose person has none. */
  readonly comparedHash: string | undefined;
}

/**
 * Makes sure that the account's owner asks, by its password: a token that somebody else has got hold of is not enough.
 *
 * @throws ApplicationError `invalid_input` without a password, `forbidden` for a wrong one, `rate_limited`, and what `HashQueue` throws
 */
export async function confirmOwner(context: ApplicationContext, password: string | undefined): Promise<ConfirmedOwner> {
  const { caller, database, userDatabase } = context.var;
  if (caller.credential.kind === "site") return { ...(await readUser(userDatabase)), comparedHash: undefined };
  if (password === undefined) throw refusedField("invalid_input", "password", "is required");
  const user = await readUser(userDatabase);
  await countGuess(context, user.email);
  return { ...user, comparedHash: await confirmPassword(database, user, password, askerOf(context)) };
}

/** Counts a guess at an account's password, wherever it is made. */
export function countGuess(context: ApplicationContext, email: string): Promise<void> {
  return countAgainst(context, "SIGN_IN_EMAIL_RATE_LIMITER", email.toLowerCase());
}

/** Who asks for a hash. */
export function askerOf(context: ApplicationContext): HashAsker {
  return { address: addressOf(context), waitUntil: waitUntilOf(context) };
}
