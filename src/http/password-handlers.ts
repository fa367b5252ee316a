import { changePassword } from "../auth/account-changes.ts";
import { passwordChangedMail } from "../auth/mail/mails.ts";
import { sendMail } from "../auth/mail/send-mail.ts";
import { countConnected } from "../auth/sign-out.ts";
import { ApplicationError } from "../errors.ts";
import { parseInput } from "../input.ts";
import { changePasswordSchema, forgottenPasswordSchema, resetPasswordSchema } from "./account-input.ts";
import { sendResetLink, setPasswordByLink } from "./account-links.ts";
import { type ApplicationContext, mailServicesOf, originOf } from "./application.ts";
import { askerOf, confirmPasswordOf } from "./confirm-owner.ts";
import { readJsonBody } from "./json-body.ts";
import { openSession } from "./open-session.ts";

/**
 * Gives the caller another password. Every sign-in ends, and the answer carries a new one; it counts the clients and
 * personal tokens that go on.
 */
export async function answerPasswordChange(context: ApplicationContext): Promise<Response> {
  const {
    password,
    new_password: newPassword,
    cut_off: cutsOff,
  } = parseInput(changePasswordSchema, await readJsonBody(context));
  const { caller: asking, configuration, database, userDatabase, log } = context.var;
  if (password === undefined && asking.credential.kind === "site") {
    throw new ApplicationError(
      "forbidden",
      "Send the account's password. One that came from another site has none until a link has set one: give it an e-mail by PATCH /api/auth/me, then have a link sent there by POST /api/auth/password/forgot.",
    );
  }
  const { comparedHash, ...user } = await confirmPasswordOf(context, password);
  const change = { comparedHash, password: newPassword, cutsOff };
  const { since, connected } = await changePassword(database, userDatabase, change, askerOf(context));
  log.info("password_changed");
  sendMail(passwordChangedMail(user.email, configuration.BASE_URL), mailServicesOf(context));
  const { caller, session } = await openSession(context, user, since);
  const goesOn = connected ?? (await countConnected(database.as(caller, originOf(context, "http"))));
  return context.json({ ...session, connected: goesOn });
}

/**
 * Sends a link to set a new password to the owner of an e-mail; answers the same, in the same time, where there is no such
 * account.
 */
export async function answerForgottenPassword(context: ApplicationContext): Promise<Response> {
  const { email } = parseInput(forgottenPasswordSchema, await readJsonBody(context));
  await sendResetLink(context, email);
  return context.json({ message: "Where the e-mail has an account, a link to set a new password is on its way." }, 202);
}

/** Sets a new password by a link, which ends everything that was signed in or connected; answers with a new sign-in. */
export async function answerPasswordReset(context: ApplicationContext): Promise<Response> {
  const { token, new_password: password } = parseInput(resetPasswordSchema, await readJsonBody(context));
  const { user, since } = await setPasswordByLink(context, { token, password });
  return context.json((await openSession(context, user, since)).session);
}
