import { changeAccount } from "../auth/account-changes.ts";
import { LINK_MINUTES, makeLink } from "../auth/link-token.ts";
import { emailVerificationMail } from "../auth/mail/mails.ts";
import { sendMail, sendsMails } from "../auth/mail/send-mail.ts";
import { refusedField } from "../errors.ts";
import { parseInput } from "../input.ts";
import { changeAccountSchema, confirmEmailSchema } from "./account-input.ts";
import { confirmEmailByLink } from "./account-links.ts";
import { mailboxKey } from "./address.ts";
import { type ApplicationContext, mailServicesOf } from "./application.ts";
import { confirmOwner } from "./confirm-owner.ts";
import { readJsonBody } from "./json-body.ts";

/**
 * Changes the caller's account, and answers with it. Another e-mail is the account's once a link was opened that goes
 * there: until then the answer says to which it went.
 */
export async function answerChange(context: ApplicationContext): Promise<Response> {
  const change = parseInput(changeAccountSchema, await readJsonBody(context));
  const { name, time_zone: timeZone, week_start: weekStart, email, password } = change;
  const { configuration, userDatabase } = context.var;
  if (email === undefined)
    return context.json({ user: await changeAccount(userDatabase, { name, timeZone, weekStart }) });
  if (!sendsMails(configuration)) {
    throw refusedField("invalid_input", "email", "cannot be changed: this server sends no mails to confirm it by");
  }
  await confirmOwner(context, password);
  const link = makeLink();
  const requested = { wanted: email, mailbox: mailboxKey(context, email), linkHash: link.hash };
  const user = await changeAccount(userDatabase, { name, timeZone, weekStart, email: requested });
  sendMail(emailVerificationMail(email, configuration.BASE_URL, link), mailServicesOf(context));
  context.var.log.info("email_change_requested");
  return context.json({ user, confirmation: { email, expires_in: LINK_MINUTES * 60 } });
}

/** Gives an account the e-mail that a link was sent to, tells its owner at the old one, and answers with the account. */
export async function answerEmailConfirmation(context: ApplicationContext): Promise<Response> {
  const { token } = parseInput(confirmEmailSchema, await readJsonBody(context));
  return context.json({ user: await confirmEmailByLink(context, token) });
}
