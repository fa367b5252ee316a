import * as z from "zod";
import { deleteAccount, readUser, signIn, signOut, signUp, type User } from "../auth/accounts.ts";
import type { HashAsker } from "../auth/hash-queue.ts";
import { passwordSchema } from "../auth/password.ts";
import { issueToken, SESSION_TOKEN_LIFETIME } from "../auth/token.ts";
import { beginningOf } from "../excerpt.ts";
import { parseInput } from "../input.ts";
import { line } from "../text.ts";
import { addressKey, addressOf } from "./address.ts";
import { type ApplicationContext, waitUntilOf } from "./application.ts";
import { readJsonBody } from "./json-body.ts";
import { countAgainst } from "./rate-limit.ts";

const emailSchema = z
  .string()
  .trim()
  .max(254, { abort: true })
  .refine((value) => z.email().safeParse(value).success, { error: "must be an e-mail address" });

/** The longest name that an account can have. */
const LONGEST_NAME = 100;

const timeZoneSchema = z.string().max(64, { abort: true }).refine(isTimeZone, {
  error: "must be an IANA time zone such as Europe/Berlin",
});

/** The body of a sign-up. */
export const signUpSchema = z.strictObject({
  email: emailSchema,
  password: passwordSchema,
  name: line({ maximum: LONGEST_NAME }).optional(),
  time_zone: timeZoneSchema.default("UTC"),
});

/**
 * The body of a sign-in. Whatever was typed is compared, so that password rules may change after an account was made.
 * An e-mail that no account can have is undefined: to Postgres, whose lower case is not JavaScript's, it might be
 * another's.
 */
export const signInSchema = z.strictObject({
  email: z
    .string()
    .trim()
    .max(254)
    .transform((typed) => emailSchema.safeParse(typed).data),
  password: z
    .string()
    .max(1000)
    .transform((password) => password.normalize("NFKC")),
});

/** The body of a request to delete an account. */
export const deleteAccountSchema = signInSchema.pick({ password: true });

/** The body of a sign-out. */
export const signOutSchema = z.strictObject({ everywhere: z.boolean().default(false) });

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
  const user = await signIn(context.var.database, { email, password }, askerOf(context));
  context.var.log.info("sign_in", { user_id: user.id });
  return context.json(await session(context, user));
}

/** Signs the token out that was sent, or all tokens of its user. */
export async function answerSignOut(context: ApplicationContext): Promise<Response> {
  const { everywhere } = parseInput(signOutSchema, await readJsonBody(context));
  await signOut(context.var.userDatabase, context.var.caller.credential, everywhere);
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
async function session(context: ApplicationContext, user: User) {
  const { JWT_SECRET: secret, BASE_URL: issuer } = context.var.configuration;
  const { token } = await issueToken(user.id, SESSION_TOKEN_LIFETIME, { secret, issuer });
  return { token, token_type: "Bearer", expires_in: SESSION_TOKEN_LIFETIME, user };
}

/**
 * Whether a name means the same to JavaScript and to Postgres. An offset does not: Postgres reads its sign the other
 * way round. Nor do three letters: Postgres takes CET for its winter's offset, all year, and IST for Israel's.
 */
function isTimeZone(name: string): boolean {
  if (/^[+-]|^(?!UTC|GMT)[a-z]{3}$/i.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
