import { Hono } from "hono";
import { createMiddleware } from "hono/factory";
import type { Application } from "../http/application.ts";
import { describeApi, type OpenApiDocument } from "./document.ts";
import { referencePage, referenceStyle } from "./reference-page.ts";

const CACHE_CONTROL = "public, max-age=300";

const documents = new Map<string, OpenApiDocument>();

/** The API's description, for programs and for people. */
export const openApiRoutes = new Hono<Application>()
  .get("/openapi.json", (context) =>
    context.json(documentFor(context.var.configuration.BASE_URL), 200, { "Cache-Control": CACHE_CONTROL }),
  )
  // Whoever opens the server's own URL, which clients are told too, is shown what it offers.
  .get("/", (context) => context.redirect("/docs"))
  .get("/docs", (context) => {
    context.header("Cache-Control", CACHE_CONTROL);
    return context.html(referencePage(documentFor(context.var.configuration.BASE_URL)));
  })
  .get("/docs/style.css", (context) =>
    context.body(referenceStyle, 200, { "Content-Type": "text/css; charset=utf-8", "Cache-Control": CACHE_CONTROL }),
  );

/** Lets the reference have its own stylesheet, and nothing else; to be registered before the strict policy. */
export const allowReferenceStyle = createMiddleware<Application>(async (context, next) => {
  await next();
  context.res.headers.set(
    "Content-Security-Policy",
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
});

function documentFor(baseUrl: string): OpenApiDocument {
  const known = documents.get(baseUrl);
  if (known !== undefined) return known;
  const document = describeApi(baseUrl);
  documents.set(baseUrl, document);
  return document;
}
