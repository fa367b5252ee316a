import { deleteAccount, readAccount, type SignedIn, signIn, signUp, type User } from "../auth/accounts.ts";
import { signOut, signOutEverywhere } from "../auth/sign-out.ts";
import { beginningOf } from "../excerpt.ts";
import { parseInput } from "../input.ts";
import { deleteAccountSchema, LONGEST_NAME, signInSchema, signOutSchema, signUpSchema } from "./account-input.ts";
import { addressKey } from "./address.ts";
import { type ApplicationContext, timeZoneOf } from "./application.ts";
import { askerOf, confirmOwner, countGuess } from "./confirm-owner.ts";
import { readJsonBody } from "./json-body.ts";
import { openSession } from "./open-session.ts";
import { requireFull } from "./require-caller.ts";

/** Makes an account, and answers with it and a token. */
export async function answerSignUp(context: ApplicationContext): Promise<Response> {
  const user = await makeAccount(context, await readJsonBody(context));
  return context.json((await openSession(context, user)).session, 201);
}

/** Answers with an account and a token for it. */
export async function answerSignIn(context: ApplicationContext): Promise<Response> {
  const { user, since } = await findAccount(context, await readJsonBody(context));
  return context.json((await openSession(context, user, since)).session);
}

/**
 * Makes the account that somebody asks for, within what their address may.
 *
 * @param input as `signUpSchema` takes it
 * @throws ApplicationError as `parseInput` and `signUp` do
 */
export async function makeAccount(context: ApplicationContext, input: unknown): Promise<User> {
  const { email, password, name, time_zone: given, week_start: weekStart } = parseInput(signUpSchema, input);
  const ofConnection = signUpSchema.shape.time_zone.safeParse(timeZoneOf(context)).data;
  const zone = { timeZone: given ?? ofConnection ?? "UTC", isTimeZoneGiven: given !== undefined };
  const address = { key: addressKey(context), maximum: context.var.configuration.SIGN_UPS_PER_ADDRESS };
  const account = { email, password, ...zone, weekStart, name: name ?? nameFrom(email), address };
  const user = await signUp(context.var.database, account, askerOf(context));
  context.var.log.info("sign_up", { user_id: user.id });
  return user;
}

/**
 * Finds the account that somebody signs in to; the guess is counted against it.
 *
 * @param input as `signInSchema` takes it
 * @throws ApplicationError as `parseInput`, `countAgainst` and `signIn` do
 */
export async function findAccount(context: ApplicationContext, input: unknown): Promise<SignedIn> {
  const { email, password } = parseInput(signInSchema, input);
  if (email !== undefined) await countGuess(context, email);
  const signedIn = await signIn(context.var.database, { email, password }, askerOf(context));
  context.var.log.info("sign_in", { user_id: signedIn.user.id });
  return signedIn;
}

/** Ends the credential that was sent, or every sign-in of its user, or all that they have connected too. */
export async function answerSignOut(context: ApplicationContext): Promise<Response> {
  const { everywhere, cut_off: cutsOff } = parseInput(signOutSchema, await readJsonBody(context));
  const { userDatabase, caller } = context.var;
  if (everywhere) {
    requireFull(caller);
    await signOutEverywhere(userDatabase, cutsOff);
  } else await signOut(userDatabase, caller.credential);
  return context.body(null, 204);
}

/** Answers with the caller's account. */
export async function answerMe(context: ApplicationContext): Promise<Response> {
  return context.json({ user: await readAccount(context.var.userDatabase) });
}

/** Deletes the caller's account, with all that is in it. */
export async function answerDeletion(context: ApplicationContext): Promise<Response> {
  const { password } = parseInput(deleteAccountSchema, await readJsonBody(context));
  const { database, userDatabase, caller, log } = context.var;
  const { email } = await confirmOwner(context, password);
  await deleteAccount(database, userDatabase, email);
  log.info("account_deleted", { user_id: caller.userId });
  return context.body(null, 204);
}

function nameFrom(email: string): string {
  const localPart = email.slice(0, email.lastIndexOf("@"));
  return beginningOf(localPart, LONGEST_NAME);
}
