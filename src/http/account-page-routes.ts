import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { loadOnce } from "../load-once.ts";
import { limitSignIns } from "./account-routes.ts";
import type { Application } from "./application.ts";
import { allowConsentPages } from "./consent-routes.ts";

/** Loaded with the first request: CODEBASE.md says why. */
const handlers = loadOnce(() => import("./account-page-handlers.ts"));

/** The pages that links lead to, and the one that asks for a link. */
export const accountPageRoutes = new Hono<Application>()
  .use(limitSignIns)
  .get("/forgotten-password", async (context) => (await handlers()).answerForgottenPage(context))
  .post("/forgotten-password", async (context) => (await handlers()).answerForgottenForm(context))
  .get("/reset-password", async (context) => (await handlers()).answerResetPage(context))
  .post("/reset-password", async (context) => (await handlers()).answerResetForm(context))
  .get("/confirm-email", async (context) => (await handlers()).answerConfirmationPage(context))
  .post("/confirm-email", async (context) => (await handlers()).answerConfirmationForm(context))
  .onError(async (error, context) => (await handlers()).answerPageFailure(error, context));

/**
 * As `allowConsentPages`, but for what such a page's address holds: the token of a link. Nobody is told that address, not
 * even this server with the page's stylesheet; and no other window has a hand on the page.
 */
export const allowAccountPages = createMiddleware<Application>(async (context, next) => {
  await allowConsentPages(context, next);
  context.res.headers.set("Referrer-Policy", "strict-origin");
  context.res.headers.set("Cross-Origin-Opener-Policy", "same-origin");
});
