import * as z from "zod";
import { type AccountLink, readLink } from "../auth/account-links.ts";
import { ConfirmEmailPage } from "../auth/account-pages/confirm-email-page.tsx";
import { ForgottenPasswordPage } from "../auth/account-pages/forgotten-password-page.tsx";
import { ResetPasswordPage } from "../auth/account-pages/reset-password-page.tsx";
import type { FormErrors } from "../auth/consent/field.tsx";
import type { Page } from "../auth/consent/layout.tsx";
import { MessagePage } from "../auth/consent/message-page.tsx";
import { FORGOTTEN_PASSWORD_PATH, type LinkKind, linkTokenSchema } from "../auth/link-token.ts";
import { passwordSchema } from "../auth/password.ts";
import { ApplicationError, type ErrorKind, errorKinds, toApplicationError } from "../errors.ts";
import { parseInput } from "../input.ts";
import { logFailure } from "../observability/log-failure.ts";
import { forgottenPasswordSchema } from "./account-input.ts";
import { confirmEmailByLink, requireMails, sendResetLink, setPasswordByLink } from "./account-links.ts";
import { type ApplicationContext, requestLogger } from "./application.ts";
import { answerPage, answerTo, formErrors } from "./consent-pages.ts";
import { readFormBody } from "./form-body.ts";
import { requireOwnPage } from "./own-page.ts";

/** What a form shows again, with what must be put right. */
const MENDABLE: readonly ErrorKind[] = ["invalid_input", "rate_limited", "unavailable"];

const LONGEST_EMAIL = 254;

/** Shows the form that asks for a link. */
export function answerForgottenPage(context: ApplicationContext): Promise<Response> {
  requireMails(context);
  return answerPage(context, ForgottenPasswordPage({}));
}

/** Has a link sent, and says so whether the e-mail has an account or not. */
export async function answerForgottenForm(context: ApplicationContext): Promise<Response> {
  const { email: typed = "" } = await readOwnForm(context);
  const send = async () => {
    await sendResetLink(context, parseInput(forgottenPasswordSchema, { email: typed }).email);
    const text =
      "Where the e-mail has an account, a link to set a new password is on its way. It counts for 30 minutes.";
    return MessagePage({ title: "Look into your mails", text });
  };
  return answerWith(context, send, (errors) => ForgottenPasswordPage({ email: typed.slice(0, LONGEST_EMAIL), errors }));
}

/** Shows the form that a link to set a new password leads to; the link is not used up by that. */
export async function answerResetPage(context: ApplicationContext): Promise<Response> {
  const { token, email } = await requireLink(context, "reset_password", context.req.query("token"));
  return answerPage(context, ResetPasswordPage({ token, email }));
}

/** Sets a new password by a link. */
export async function answerResetForm(context: ApplicationContext): Promise<Response> {
  const typed = await readOwnForm(context);
  const { token, email } = await requireLink(context, "reset_password", typed.token);
  const set = async () => {
    const { password } = parseInput(z.object({ password: passwordSchema }), typed);
    await setPasswordByLink(context, { token, password });
    const text =
      "Everything that was signed in or connected to this account has ended. Sign in again where you need it.";
    return MessagePage({ title: "Your password is set", text });
  };
  return answerWith(context, set, (errors) => ResetPasswordPage({ token, email, errors }));
}

/** Shows the form that a link to confirm an e-mail leads to; the link is not used up by that. */
export async function answerConfirmationPage(context: ApplicationContext): Promise<Response> {
  return answerPage(context, ConfirmEmailPage(await requireLink(context, "change_email", context.req.query("token"))));
}

/** Gives the account the e-mail that a link was sent to. */
export async function answerConfirmationForm(context: ApplicationContext): Promise<Response> {
  const { token: typed } = await readOwnForm(context);
  const link = await requireLink(context, "change_email", typed);
  const confirm = async () => {
    const { email } = await confirmEmailByLink(context, link.token);
    return MessagePage({ title: "Your e-mail is confirmed", text: `You sign in with ${email} from now on.` });
  };
  return answerWith(context, confirm, (errors) => ConfirmEmailPage({ ...link, errors }));
}

/** Says on a page what has failed, and how to begin again. */
export function answerPageFailure(thrown: unknown, context: ApplicationContext): Promise<Response> {
  const error = toApplicationError(thrown);
  logFailure(requestLogger(context), error);
  const isLink = error instanceof UnusableLink;
  const page = MessagePage({
    title: isLink ? "This link does not count any more" : errorKinds[error.kind].title,
    text: error.message,
    isFailure: true,
    ...(isLink &&
      error.wanted === "reset_password" && { next: { label: "Ask for another link", url: FORGOTTEN_PASSWORD_PATH } }),
  });
  return answerPage(context, page, answerTo(error));
}

/** A link that was used or has expired, or that never was one. */
class UnusableLink extends ApplicationError {
  readonly wanted: LinkKind;

  constructor(wanted: LinkKind) {
    super("invalid_input", "It was used or has expired: a link counts once, for 30 minutes. Nothing was changed.");
    this.wanted = wanted;
  }
}

/** @throws UnusableLink */
async function requireLink<Kind extends LinkKind>(
  { var: { database } }: ApplicationContext,
  kind: Kind,
  typed: string | undefined,
): Promise<Extract<AccountLink, { kind: Kind }> & { readonly token: string }> {
  const { data: token } = linkTokenSchema.safeParse(typed);
  const link = token === undefined ? undefined : await readLink(database, token);
  if (token === undefined || link === undefined || !isOfKind(link, kind)) throw new UnusableLink(kind);
  return { ...link, token };
}

function isOfKind<Kind extends LinkKind>(link: AccountLink, kind: Kind): link is Extract<AccountLink, { kind: Kind }> {
  return link.kind === kind;
}

function readOwnForm(context: ApplicationContext): Promise<Record<string, string>> {
  requireOwnPage(context);
  return readFormBody(context);
}

/** Answers with what comes of a form, or with the form again where something must be put right. */
async function answerWith(
  context: ApplicationContext,
  act: () => Promise<Page>,
  again: (errors: FormErrors) => Page,
): Promise<Response> {
  try {
    return await answerPage(context, await act());
  } catch (error) {
    const isMendable =
      error instanceof ApplicationError && (MENDABLE.includes(error.kind) || error.kind === "conflict");
    if (!isMendable || error.fields.some(({ field }) => field === "token")) throw error;
    logFailure(requestLogger(context), error);
    return answerPage(context, again(formErrors(error)), answerTo(error));
  }
}
