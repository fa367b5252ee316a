import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { loadOnce } from "../load-once.ts";
import { limitSignIns } from "./account-routes.ts";
import { addressOf } from "./address.ts";
import type { Application } from "./application.ts";
import { countAgainst } from "./rate-limit.ts";

/** Loaded with the first request: CODEBASE.md says why. */
const handlers = loadOnce(() => import("./consent-handlers.ts"));

/** Each page may ask another server who the client is: as many as sign-ins, and counted beside them. */
const limitPages = createMiddleware<Application>(async (context, next) => {
  await countAgainst(context, "SIGN_IN_ADDRESS_RATE_LIMITER", `authorize ${addressOf(context)}`);
  await next();
});

/** The page where a person signs in and says whether a client may use their tasks (RFC 6749 section 3.1). */
export const consentRoutes = new Hono<Application>()
  .get("/", limitPages, async (context) => (await handlers()).answerAuthorizationRequest(context))
  .post("/", limitSignIns, async (context) => (await handlers()).answerConsentForm(context))
  .get("/style.css", async (context) => (await handlers()).answerPageStyle(context))
  .onError(async (error, context) => (await handlers()).answerFailure(error, context));

/**
 * Lets the pages have their stylesheet and send their forms to themselves, and nothing else; to be registered before the
 * strict policy. A client may have opened them in a window of its own, which it loses sight of under the strict
 * Cross-Origin-Opener-Policy: its own page at the end could tell it nothing.
 */
export const allowConsentPages = createMiddleware<Application>(async (context, next) => {
  await next();
  const { headers } = context.res;
  headers.set(
    "Content-Security-Policy",
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  );
  headers.set("Cross-Origin-Opener-Policy", "unsafe-none");
  // With "no-referrer" a browser keeps a form's Origin to itself. No other site is told anything either way.
  headers.set("Referrer-Policy", "same-origin");
});
