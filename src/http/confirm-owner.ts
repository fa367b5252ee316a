import { confirmPassword, readUser, type User } from "../auth/accounts.ts";
import type { HashAsker } from "../auth/hash-queue.ts";
import type { Credential } from "../caller.ts";
import { ApplicationError, refusedField } from "../errors.ts";
import { addressOf } from "./address.ts";
import { type ApplicationContext, waitUntilOf } from "./application.ts";
import { countAgainst } from "./rate-limit.ts";

/** For how long a site's session stands for a password that its person may not have: they have just signed in there. */
const FRESH_MINUTES = 10;

/**
 * Makes sure that the account's owner asks: a token that somebody else has got hold of is not enough. It is known by the
 * password; of a site's person, who may have none, by a session that has just begun.
 *
 * @throws ApplicationError as `confirmPasswordOf` does; `forbidden` for a site's session that has not just begun
 */
export function confirmOwner(context: ApplicationContext, password: string | undefined): Promise<User> {
  const { caller, userDatabase } = context.var;
  if (password !== undefined || caller.credential.kind !== "site") return confirmPasswordOf(context, password);
  requireFreshSession(caller.credential);
  return readUser(userDatabase);
}

function requireFreshSession({ sessionBegan }: Credential): void {
  if (sessionBegan === undefined) {
    throw new ApplicationError(
      "forbidden",
      `This token of your site does not say when you signed in there. Send the site's session within ${FRESH_MINUTES} minutes of signing in, or the account's password, if it has one.`,
    );
  }
  if (Date.now() - sessionBegan.getTime() <= FRESH_MINUTES * 60_000) return;
  throw new ApplicationError(
    "forbidden",
    `You signed in at your site more than ${FRESH_MINUTES} minutes ago. Sign in there again, then repeat this; or send the account's password, if it has one.`,
  );
}

/** The caller's account, whose password they know. */
interface ConfirmedPassword extends User {
  /** What the password was compared with. */
  readonly comparedHash: string;
}

/**
 * Makes sure that the caller knows the account's password.
 *
 * @throws ApplicationError `invalid_input` without a password, `forbidden` for a wrong one, `rate_limited`, and what `HashQueue` throws
 */
export async function confirmPasswordOf(
  context: ApplicationContext,
  password: string | undefined,
): Promise<ConfirmedPassword> {
  const { database, userDatabase } = context.var;
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
