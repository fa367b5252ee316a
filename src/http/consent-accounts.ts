import { readUser, type SignedIn } from "../auth/accounts.ts";
import { beginConsentSession, type ConsentSecrets, readConsentSession } from "../auth/consent/consent-session.ts";
import type { FormErrors } from "../auth/consent/field.tsx";
import type { Page } from "../auth/consent/layout.tsx";
import { SignInPage } from "../auth/consent/sign-in-page.tsx";
import { SignUpPage } from "../auth/consent/sign-up-page.tsx";
import { timeZonesWith } from "../auth/consent/time-zones.ts";
import { ApplicationError, type ErrorKind } from "../errors.ts";
import { logFailure } from "../observability/log-failure.ts";
import { findAccount, makeAccount } from "./account-handlers.ts";
import { signUpSchema } from "./account-input.ts";
import { type ApplicationContext, originOf, requestLogger, timeZoneOf } from "./application.ts";
import type { AskedConsent } from "./asked-consent.ts";
import { answerPage, answerTo, formErrors } from "./consent-pages.ts";

const LONGEST_EMAIL = 254;

/** What a form shows again, with what must be put right; whatever else fails is no matter of the form. */
const MENDABLE: readonly ErrorKind[] = ["invalid_input", "unauthenticated", "conflict", "rate_limited", "unavailable"];

/** What somebody has typed into the form of one of these pages. */
type Typed = Readonly<Record<string, string>>;

/** The page on which somebody signs in, with what they have typed. */
export function signInPage({ client, links }: AskedConsent, email: string, errors: FormErrors = {}): Page {
  return SignInPage({ client, links, email: email.slice(0, LONGEST_EMAIL), errors });
}

/** The page on which somebody makes an account, with what they have typed; the time zone is first that of their connection. */
export function signUpPage(
  context: ApplicationContext,
  { client, links }: AskedConsent,
  { email = "", time_zone: chosen }: Typed,
  errors: FormErrors = {},
): Page {
  const ofConnection = timeZoneOf(context);
  const known = signUpSchema.shape.time_zone.safeParse(chosen ?? ofConnection);
  const timeZone = known.data ?? "UTC";
  return SignUpPage({
    client,
    links,
    email: email.slice(0, LONGEST_EMAIL),
    timeZone,
    isOfConnection: chosen === undefined && timeZone === ofConnection,
    timeZones: timeZonesWith(timeZone),
    errors,
  });
}

/** Signs somebody in on these pages, or shows the form again. */
export function answerSigningIn(context: ApplicationContext, asked: AskedConsent, typed: Typed): Promise<Response> {
  const { email = "", password } = typed;
  return answerWithAccount(context, asked, () => findAccount(context, { email, password }), {
    again: (errors) => signInPage(asked, email, errors),
  });
}

/** Makes an account and signs its person in on these pages, or shows the form again. */
export function answerSigningUp(context: ApplicationContext, asked: AskedConsent, typed: Typed): Promise<Response> {
  const { email = "", password, time_zone } = typed;
  const make = async () => {
    const user = await makeAccount(context, { email, password, time_zone });
    return { user, since: new Date() };
  };
  return answerWithAccount(context, asked, make, { again: (errors) => signUpPage(context, asked, typed, errors) });
}

/** Who is signed in on these pages, where somebody still is, and since when. */
export async function readSignedIn(context: ApplicationContext): Promise<SignedIn | undefined> {
  const caller = readConsentSession(context.req.header("Cookie"), secretsOf(context));
  if (caller === undefined) return undefined;
  try {
    const user = await readUser(context.var.database.as(caller, originOf(context, "page")));
    return { user, since: caller.credential.issuedAt };
  } catch (error) {
    if (error instanceof ApplicationError && error.kind === "unauthenticated") return undefined;
    throw error;
  }
}

async function answerWithAccount(
  context: ApplicationContext,
  { links }: AskedConsent,
  find: () => Promise<SignedIn>,
  { again }: { readonly again: (errors: FormErrors) => Page },
): Promise<Response> {
  try {
    const { user, since } = await find();
    context.header("Set-Cookie", beginConsentSession(user.id, since, secretsOf(context)));
    return context.redirect(links.form, 303);
  } catch (error) {
    if (!(error instanceof ApplicationError && MENDABLE.includes(error.kind))) throw error;
    logFailure(requestLogger(context), error);
    return answerPage(context, again(formErrors(error)), answerTo(error));
  }
}

function secretsOf({ var: { configuration } }: ApplicationContext): ConsentSecrets {
  const { TOKEN_SECRET: secret, TOKEN_SECRET_PREVIOUS: previousSecret } = configuration;
  if (secret === undefined) throw new Error("these pages are there only where TOKEN_SECRET is");
  return { secret, previousSecret };
}
