import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import type { Application } from "../http/application.ts";
import { loadOnce } from "../load-once.ts";

/** What answers; loaded with the first request. */
const handlers = loadOnce(() => import("./handlers.ts"));

/** The API's description, for programs and for people. */
export const openApiRoutes = new Hono<Application>()
  .get("/openapi.json", async (context) => (await handlers()).answerDescription(context))
  // A person who opens the server's own URL, which clients are told too, is shown what it offers.
  .get("/", (context) => context.redirect("/docs"))
  .get("/docs", async (context) => (await handlers()).answerReference(context))
  .get("/docs/style.css", async (context) => (await handlers()).answerReferenceStyle(context));

/** Lets the reference have its own stylesheet and its search, and nothing else; to be registered before the strict policy. */
export const allowReferenceStyle = createMiddleware<Application>(async (context, next) => {
  await next();
  context.res.headers.set(
    "Content-Security-Policy",
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  );
});
