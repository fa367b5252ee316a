import type { AuthRequest } from "@cloudflare/workers-oauth-provider";
import * as z from "zod";
import { accessChoices, grantedScopes, offeredChoices } from "../auth/consent/access.ts";
import { ConsentPage } from "../auth/consent/consent-page.tsx";
import { describeDestination } from "../auth/consent/destination.ts";
import { promptOf } from "../auth/consent/links.ts";
import { MessagePage } from "../auth/consent/message-page.tsx";
import { pageStyle } from "../auth/consent/style.ts";
import {
  type AuthorizationServer,
  type AuthorizationServices,
  openAuthorizationServer,
} from "../auth/oauth/authorization-server.ts";
import { ApplicationError } from "../errors.ts";
import { parseInput } from "../input.ts";
import type { ApplicationContext } from "./application.ts";
import { type AskedConsent, mayBeLedTo, RedirectedError, readAskedConsent, toConsentError } from "./asked-consent.ts";
import { answerSigningIn, answerSigningUp, readSignedIn, signInPage, signUpPage } from "./consent-accounts.ts";
import { answerFailurePage, answerPage, answerWithReturn } from "./consent-pages.ts";
import { readFormBody } from "./form-body.ts";
import { requireOwnPage } from "./own-page.ts";

/** Of what is kept of a request until its person has answered. */
const LONGEST_QUERY = 16_000;

const formSchema = z.object({
  action: z.enum(["sign_in", "sign_up", "allow", "deny"]),
  handle: z.string().max(200).default(""),
  account: z.string().max(20).default(""),
  access: z.enum(accessChoices).default("read"),
});

type ConsentForm = z.output<typeof formSchema>;

/** Answers a client's request with the page on which its person signs in or, once they have, says whether it may. */
export async function answerAuthorizationRequest(context: ApplicationContext): Promise<Response> {
  const oauth = openAuthorizationServer(servicesOf(context));
  const { searchParams } = authorizationUrl(context);
  const asked = await readAskedConsent(oauth, authorizationUrl(context));
  const email = searchParams.get("login_hint") ?? "";
  const prompt = promptOf(searchParams);
  if (prompt === "sign up") return answerPage(context, signUpPage(context, asked, { email }));
  const signedIn = prompt === undefined ? await readSignedIn(context) : undefined;
  if (signedIn === undefined) return answerPage(context, signInPage(asked, email));
  const { handle, headers } = await oauth.beginConsent(asked.request);
  // The policy of these pages is stricter.
  headers.delete("Content-Security-Policy");
  const { client, links, request } = asked;
  const choices = offeredChoices(request.scope);
  return answerPage(context, ConsentPage({ client, links, account: signedIn.user, handle, choices }), { headers });
}

/** Takes what a person has typed or chosen on one of these pages. */
export async function answerConsentForm(context: ApplicationContext): Promise<Response> {
  requireOwnPage(context);
  const oauth = openAuthorizationServer(servicesOf(context));
  const typed = await readFormBody(context);
  const form = parseInput(formSchema, typed);
  const asked = await readAskedConsent(oauth, authorizationUrl(context));
  switch (form.action) {
    case "sign_in":
      return answerSigningIn(context, asked, typed);
    case "sign_up":
      return answerSigningUp(context, asked, typed);
    case "allow":
      return answerApproval(context, oauth, asked, form);
    case "deny":
      return answerDenial(context, oauth, asked, form);
  }
}

/** Answers with the stylesheet of these pages. */
export function answerPageStyle(context: ApplicationContext): Response {
  const headers = { "Content-Type": "text/css; charset=utf-8", "Cache-Control": "public, max-age=300" };
  return context.body(pageStyle, 200, headers);
}

/** Tells of what has failed: the client where it may be told, or else the person. */
export function answerFailure(thrown: unknown, context: ApplicationContext): Response | Promise<Response> {
  const error = toConsentError(thrown);
  if (!(error instanceof RedirectedError)) return answerFailurePage(context, error);
  const { redirectTo, message } = error;
  const title = "This cannot go on";
  if (!mayBeLedTo(redirectTo, context.req.query("client_id"))) {
    const { shown } = describeDestination(redirectTo);
    const text = `The app that has sent you here has asked for something wrong: ${message} Nothing was shared.`;
    const next = { label: `Back to ${shown}`, url: redirectTo };
    return answerPage(context, MessagePage({ title, text, isFailure: true, next }), { status: 400 });
  }
  if (context.req.method === "GET") return context.redirect(redirectTo, 302);
  return answerWithReturn(context, { title, text: "The app is told why.", redirectTo });
}

async function answerApproval(
  context: ApplicationContext,
  oauth: AuthorizationServer,
  asked: AskedConsent,
  { handle, account, access }: ConsentForm,
): Promise<Response> {
  const signedIn = await readSignedIn(context);
  if (signedIn === undefined) {
    const page = signInPage(asked, "", { form: "You were signed in for ten minutes, which are over. Sign in again." });
    return answerPage(context, page, { status: 403 });
  }
  // Another account was signed in since, in another tab: the page is shown anew, with that one on it.
  if (account !== `${signedIn.user.id}`) return context.redirect(asked.links.form, 303);
  const { request, headers } = await oauth.approveConsent(context.req.raw, handle);
  requireSame(request, asked.request);
  const scope = grantedScopes(access, request.scope);
  const { user, since: signedInAt } = signedIn;
  const { redirectTo } = await oauth.completeAuthorization({ request, scope, userId: user.id, signedInAt });
  context.var.log.info("client_connected", { user_id: user.id });
  const can = scope.includes("tasks:write") ? "read and change" : "read";
  const text = `${asked.client.name} may ${can} your tasks. You can close this page if it stays open.`;
  return answerWithReturn(context, { title: "Connected", text, redirectTo }, headers);
}

async function answerDenial(
  context: ApplicationContext,
  oauth: AuthorizationServer,
  asked: AskedConsent,
  { handle }: ConsentForm,
): Promise<Response> {
  const { request, redirectTo, headers } = await oauth.denyConsent(context.req.raw, handle);
  requireSame(request, asked.request);
  const text = `${asked.client.name} is told no, and nothing was shared. You can close this page if it stays open.`;
  return answerWithReturn(context, { title: "Not connected", text, redirectTo }, headers);
}

/**
 * Holds a form to the address that it was made for, to the letter: the page has shown who asks there, and for what.
 *
 * @param kept as JSON has it
 */
function requireSame(kept: AuthRequest, asked: AuthRequest): void {
  const write = (request: AuthRequest) =>
    JSON.stringify(
      Object.entries(request)
        .filter(([, value]) => value !== undefined)
        .sort(),
    );
  if (write(kept) === write(asked)) return;
  throw new ApplicationError("invalid_input", "This form belongs to another request.");
}

/**
 * The address of a request as the server's metadata names it, whatever name led here.
 *
 * @throws ApplicationError `invalid_input` for one that is longer than what Cloudflare lets through
 */
function authorizationUrl(context: ApplicationContext): URL {
  const { search } = new URL(context.req.url);
  if (search.length > LONGEST_QUERY) {
    throw new ApplicationError("invalid_input", `The app's request may have ${LONGEST_QUERY} characters at most.`);
  }
  return new URL(`${context.var.configuration.BASE_URL}/authorize${search}`);
}

function servicesOf({ var: { configuration, database, log }, env }: ApplicationContext): AuthorizationServices {
  return { configuration, database, log, env };
}
