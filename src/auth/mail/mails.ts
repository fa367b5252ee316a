import { LINK_MINUTES, type LinkKind, linkUrl, type NewLink } from "../link-token.ts";

/** A mail, as MAIL_WEBHOOK_URL is posted it. Nothing that a stranger can choose stands in it but the e-mail it goes to. */
export interface Mail {
  readonly kind: "password_reset" | "email_verification" | "password_changed" | "email_changed";
  readonly to: string;
  readonly subject: string;
  /** Plain text, the link among it. */
  readonly text: string;
  /** What the text asks to open, for who writes a text of their own. */
  readonly link?: string;
}

/** The mail with the link by which a person sets a new password. */
export function passwordResetMail(to: string, baseUrl: string, link: NewLink): Mail {
  return linkMail("password_reset", to, baseUrl, {
    subject: "Set a new password",
    why: `Somebody asked to set a new password for your account at ${baseUrl}.`,
    what: "It ends every sign-in, every connected client and every personal token of the account.",
    kind: "reset_password",
    link,
  });
}

/** The mail with the link that shows that an e-mail is a person's own. */
export function emailVerificationMail(to: string, baseUrl: string, link: NewLink): Mail {
  return linkMail("email_verification", to, baseUrl, {
    subject: "Confirm your e-mail",
    why: `Somebody wants this e-mail to be that of their account at ${baseUrl}.`,
    what: "From then on the account is signed in to with this e-mail.",
    kind: "change_email",
    link,
  });
}

/** Tells the owner of an account that its password is another. */
export function passwordChangedMail(to: string, baseUrl: string): Mail {
  return notice("password_changed", to, "Your password was changed", [
    `The password of your account at ${baseUrl} was changed.`,
    "Was it not you? Then set a new password by a link to this e-mail, which ends everything that was signed in.",
  ]);
}

/** Tells the owner of an account, by its e-mail until now, that it has another. */
export function emailChangedMail(to: string, baseUrl: string): Mail {
  return notice("email_changed", to, "The e-mail of your account was changed", [
    `Your account at ${baseUrl} has another e-mail now; this one no longer signs in to it.`,
    "Was it not you? Then somebody knows your password: tell the operator of this server.",
  ]);
}

interface LinkText {
  readonly subject: string;
  readonly why: string;
  readonly what: string;
  readonly kind: LinkKind;
  readonly link: NewLink;
}

function linkMail(
  kind: Mail["kind"],
  to: string,
  baseUrl: string,
  { subject, why, what, ...opened }: LinkText,
): Mail & { readonly link: string } {
  const link = linkUrl(baseUrl, opened.kind, opened.link);
  const lines = [
    `${why} If it was you, open this link within ${LINK_MINUTES} minutes:`,
    link,
    what,
    "If it was not you, there is nothing to do: nothing changes unless the link is opened.",
  ];
  return { kind, to, subject, text: `${lines.join("\n\n")}\n`, link };
}

function notice(kind: Mail["kind"], to: string, subject: string, lines: readonly string[]): Mail {
  return { kind, to, subject, text: `${lines.join("\n\n")}\n` };
}
