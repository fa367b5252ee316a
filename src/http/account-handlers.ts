import { deleteAccount, readUser, signIn, signOut, signUp, type User } from "../auth/accounts.ts";
import type { HashAsker } from "../auth/hash-queue.ts";
import { issueToken, SESSION_TOKEN_LIFETIME } from "../auth/token.ts";
import { beginningOf } from "../excerpt.ts";
import { parseInput } from "../input.ts";
import { deleteAccountSchema, LONGEST_NAME, signInSchema, signOutSchema, signUpSchema } from "./account-input.ts";
import { addressKey, addressOf } from "./address.ts";
import { type ApplicationContext, waitUntilOf } from "./application.ts";
import { readJsonBody } from "./json-body.ts";
import { countAgainst } from "./rate-limit.ts";
import { requireFull } from "./require-caller.ts";

/** Makes an account, and answers with it and a token. */
export async function answerSignUp(context: ApplicationContext): Promise<Response> {
  const { email, password, name, time_zone: timeZone } = parseInput(signUpSchema, await readJsonBody(context));
  const address = { key: addressKey(context), maximum: context.var.configuration.SIGN_UPS_PER_ADDRESS };
  const account = { email, password, timeZone, name: name ?? nameFrom(email), address };
  const user = await signUp(context.var.database, account, askerOf(context));
  context.var.log.info("sign_up", { user_id: user.id });
  return context.json(await session(context, user), 201);
}

/** Answers with an account and a token for it. */
export async function answerSignIn(context: ApplicationContext): Promise<Response> {
  const { email, password } = parseInput(signInSchema, await readJsonBody(context));
  if (email !== undefined) await countGuess(context, email);
  const askedAt = new Date();
  const user = await signIn(context.var.database, { email, password }, askerOf(context));
  context.var.log.info("sign_in", { user_id: user.id });
  return context.json(await session(context, user, askedAt));
}

/** Signs the token out that was sent, or all tokens of its user. */
export async function answerSignOut(context: ApplicationContext): Promise<Response> {
  const { everywhere } = parseInput(signOutSchema, await readJsonBody(context));
  const { userDatabase, caller } = context.var;
  if (everywhere) requireFull(caller);
  await signOut(userDatabase, caller.credential, everywhere);
  return context.body(null, 204);
}

/** Answers with the caller's account. */
export async function answerMe(context: ApplicationContext): Promise<Response> {
  return context.json({ user: await readUser(context.var.userDatabase) });
}

/** Deletes the caller's account, with all that is in it. */
export async function answerDeletion(context: ApplicationContext): Promise<Response> {
  const { password } = parseInput(deleteAccountSchema, await readJsonBody(context));
  const { database, userDatabase, caller, log } = context.var;
  const { email } = await readUser(userDatabase);
  await countGuess(context, email);
  await deleteAccount(database, userDatabase, { email, password }, askerOf(context));
  log.info("account_deleted", { user_id: caller.userId });
  return context.body(null, 204);
}

function askerOf(context: ApplicationContext): HashAsker {
  return { address: addressOf(context), waitUntil: waitUntilOf(context) };
}

function nameFrom(email: string): string {
  const localPart = email.slice(0, email.lastIndexOf("@"));
  return beginningOf(localPart, LONGEST_NAME);
}

/** Counts a guess at an account's password, wherever it is made. */
function countGuess(context: ApplicationContext, email: string): Promise<void> {
  return countAgainst(context, "SIGN_IN_EMAIL_RATE_LIMITER", email.toLowerCase());
}

/** A new token of a user, as RFC 6749 section 5.1 names its parts. */
async function session(context: ApplicationContext, user: User, issuedAt?: Date) {
  const { JWT_SECRET: secret, BASE_URL: issuer } = context.var.configuration;
  const { token } = await issueToken(user.id, SESSION_TOKEN_LIFETIME, { secret, issuer }, issuedAt);
  return { token, token_type: "Bearer", expires_in: SESSION_TOKEN_LIFETIME, user };
}
