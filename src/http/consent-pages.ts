import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { FormErrors } from "../auth/consent/field.tsx";
import type { Page } from "../auth/consent/layout.tsx";
import { MessagePage } from "../auth/consent/message-page.tsx";
import { showPolicies } from "../auth/consent/policy-links.tsx";
import { type ApplicationError, errorKinds, toApplicationError } from "../errors.ts";
import { logFailure } from "../observability/log-failure.ts";
import { type ApplicationContext, requestLogger } from "./application.ts";

interface PageAnswer {
  readonly status?: ContentfulStatusCode;
  readonly headers?: Headers;
}

/** Answers with a page that is for this person, now. */
export async function answerPage(
  context: ApplicationContext,
  page: Page,
  { status = 200, headers = new Headers() }: PageAnswer = {},
): Promise<Response> {
  headers.forEach((value, name) => {
    context.header(name, value, { append: true });
  });
  context.header("Cache-Control", "no-store");
  const { PRIVACY_URL: privacy, TERMS_URL: terms } = context.get("configuration") ?? {};
  return showPolicies({ privacy, terms }, () => context.html(page, status));
}

/**
 * Leads the person's browser back to the client. By a page and not by a redirect: browsers hold all that a form is led to to
 * its page's `form-action`, however often it is led on, and where a client leads to next only the client knows. An app that
 * opens leaves the page behind, which says that all is done.
 */
export function answerWithReturn(
  context: ApplicationContext,
  { title, text, redirectTo }: { readonly title: string; readonly text: string; readonly redirectTo: string },
  headers = new Headers(),
): Promise<Response> {
  headers.set("Refresh", `0; url=${redirectTo}`);
  headers.delete("Location");
  return answerPage(context, MessagePage({ title, text, next: { label: "Continue", url: redirectTo } }), { headers });
}

/** Answers with a page that says what has failed, and how to begin again. */
export function answerFailurePage(context: ApplicationContext, thrown: unknown): Promise<Response> {
  const error = toApplicationError(thrown);
  logFailure(requestLogger(context), error);
  const { title } = errorKinds[error.kind];
  const mayRepeat = context.req.query("client_id") !== undefined && error.kind !== "not_found";
  const page = MessagePage({
    title: error.kind === "invalid_input" ? "This cannot go on" : title,
    text: `${error.message} Nothing was shared.`,
    isFailure: true,
    ...(mayRepeat && { next: { label: "Start again", url: `/authorize${new URL(context.req.url).search}` } }),
  });
  return answerPage(context, page, answerTo(error));
}

/** How a form is answered that must be put right, or cannot be taken now. */
export function answerTo(error: ApplicationError): PageAnswer {
  const headers = new Headers();
  if (error.retryAfter !== undefined) headers.set("Retry-After", String(error.retryAfter));
  // A 401 would have to name a scheme that a browser signs in by (RFC 9110 section 15.5.2); the page is what signs in.
  const { status } = errorKinds[error.kind === "unauthenticated" ? "forbidden" : error.kind];
  return { status, headers };
}

const LABELS: Readonly<Record<string, string>> = {
  email: "The e-mail",
  password: "The password",
  time_zone: "The time zone",
};

/** What a form must show of an error, by field. */
export function formErrors({ message, fields }: ApplicationError): FormErrors {
  const shown = fields.map(({ field, message: wrong }) => [field, `${LABELS[field] ?? field} ${wrong}.`] as const);
  return shown.length > 0 ? Object.fromEntries(shown) : { form: message };
}
