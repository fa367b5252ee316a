import type { MiddlewareHandler } from "hono";
import { siteIssuerOf, takesSiteSessions } from "../auth/site/site-offer.ts";
import { forgetSiteUser } from "../auth/site/site-users.ts";
import { isFromElsewhere } from "../auth/token.ts";
import { verifyCredential } from "../auth/verify-credential.ts";
import type { Caller } from "../caller.ts";
import { ApplicationError } from "../errors.ts";
import type { Application, ApplicationContext } from "./application.ts";
import { originOf, timeZoneOf } from "./application.ts";
import { countCall } from "./rate-limit.ts";

/**
 * Lets a request pass that carries a valid bearer token (RFC 6750 section 2.1), within the rate limits of its own and of
 * its user. A token that was signed out is told so, and nothing else that is wrong with its request.
 */
export const requireCaller: MiddlewareHandler<Application> = async (context, next) => {
  const token = readBearerToken(context, "POST /api/auth/signin answers with one");
  const caller = await verifyCredential(token, { ...context.var, env: context.env, timeZone: timeZoneOf(context) });
  if (caller === undefined) {
    const configuration = context.get("configuration");
    const { BASE_URL: issuer } = configuration;
    const known = takesSiteSessions(configuration) ? [issuer, siteIssuerOf(configuration)] : [issuer];
    const message = isFromElsewhere(token, known)
      ? `The bearer token was issued for another URL than ${issuer}, which is this server's; sign in here.`
      : "The bearer token is not valid or has expired; sign in again.";
    throw new ApplicationError("unauthenticated", message);
  }
  context.set("caller", caller);
  context.set("userDatabase", context.get("database").as(caller, originOf(context, "http")));
  context.set("log", context.get("log").with({ user_id: caller.userId }));
  await countCall(context);
  await next();
  const { status } = context.res;
  const { identity } = caller.credential;
  // Its account may have been deleted: the next request finds or makes another.
  if (status === 401 && identity !== undefined) forgetSiteUser(identity);
  if (status >= 400 && status < 500 && status !== 401) await context.get("userDatabase").checkCredential("lately");
};

/** Lets a caller pass who may do everything; one whose credential has scopes, however many, may not. */
export const requireFullAccess: MiddlewareHandler<Application> = async (context, next) => {
  requireFull(context.var.caller);
  await next();
};

/** The same, where something is to be changed; everybody who may come in may look. */
export const requireFullAccessToChange: MiddlewareHandler<Application> = async (context, next) => {
  if (!["GET", "HEAD"].includes(context.req.method)) requireFull(context.var.caller);
  await next();
};

/**
 * Makes sure that a caller may do everything.
 *
 * @throws ApplicationError `forbidden`
 */
export function requireFull({ access }: Caller): void {
  if (access === "full") return;
  throw new ApplicationError("forbidden", "This credential has scopes, and this is for full access only: sign in.");
}

/**
 * The bearer token of a request, whatever it is. RFC 6750 section 2.1 has no colon in one; those of our OAuth have two.
 *
 * @param source where there is one, for the caller who has sent none
 * @throws ApplicationError `unauthenticated` where there is none
 */
export function readBearerToken(context: ApplicationContext, source: string): string {
  const [, token] = /^Bearer +([\w.~+/=:-]+) *$/i.exec(context.req.header("Authorization") ?? "") ?? [];
  if (token === undefined) {
    throw new ApplicationError(
      "unauthenticated",
      `Send a bearer token in the header Authorization: Bearer TOKEN; ${source}.`,
    );
  }
  return token;
}
