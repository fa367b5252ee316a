import { confirmEmail, requestPasswordReset, resetPassword } from "../auth/account-links.ts";
import type { SignedIn, User } from "../auth/accounts.ts";
import { makeLink } from "../auth/link-token.ts";
import { emailChangedMail, passwordChangedMail, passwordResetMail } from "../auth/mail/mails.ts";
import { sendMail, sendsMails } from "../auth/mail/send-mail.ts";
import { ApplicationError } from "../errors.ts";
import { addressOf, mailboxKey } from "./address.ts";
import { type ApplicationContext, mailServicesOf } from "./application.ts";
import { askerOf } from "./confirm-owner.ts";

// What is done by links, for the JSON routes and for the pages.

/** Makes sure that links can be sent. @throws ApplicationError `not_found`, which says whom to ask instead */
export function requireMails({ var: { configuration } }: ApplicationContext): void {
  if (sendsMails(configuration)) return;
  throw new ApplicationError(
    "not_found",
    "This server sends no mails: ask its operator for a link to set a new password.",
  );
}

/**
 * Sends a link to set a new password to the owner of an e-mail, where there is one and they have none of the last ten minutes;
 * that is told by nothing. What is counted by the day is what one address asks for, so that a stranger spends none of theirs.
 *
 * @throws ApplicationError `not_found` where no mails are sent, `rate_limited`, `unavailable`
 */
export async function sendResetLink(context: ApplicationContext, email: string): Promise<void> {
  requireMails(context);
  const { configuration, database, log } = context.var;
  const link = makeLink();
  const own = await requestPasswordReset(
    database,
    { email, mailbox: mailboxKey(context, email, addressOf(context)) },
    link,
  );
  if (own === undefined) return;
  log.info("password_reset_requested");
  sendMail(passwordResetMail(own, configuration.BASE_URL, link), mailServicesOf(context));
}

/** Sets a new password by a link, and tells the account's owner. @throws ApplicationError as `resetPassword` does */
export async function setPasswordByLink(
  context: ApplicationContext,
  link: { readonly token: string; readonly password: string },
): Promise<SignedIn> {
  const { configuration, database, log } = context.var;
  const signedIn = await resetPassword(database, link, askerOf(context));
  const { user } = signedIn;
  log.info("password_reset", { user_id: user.id });
  sendMail(passwordChangedMail(user.email, configuration.BASE_URL), mailServicesOf(context));
  return signedIn;
}

/** Gives an account the e-mail that a link was sent to, and tells its owner at the old one. @throws as `confirmEmail` does */
export async function confirmEmailByLink(context: ApplicationContext, token: string): Promise<User> {
  const { configuration, database, log } = context.var;
  const { user, oldEmail } = await confirmEmail(database, token);
  log.info("email_changed", { user_id: user.id });
  sendMail(emailChangedMail(oldEmail, configuration.BASE_URL), mailServicesOf(context));
  return user;
}
