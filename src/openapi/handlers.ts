import type { ApplicationContext } from "../http/application.ts";
import { describeApi, type OpenApiDocument } from "./document.ts";
import { referencePage } from "./reference-page.ts";
import { referenceStyle } from "./reference-style.ts";

const CACHE_CONTROL = "public, max-age=300";

const documents = new Map<string, OpenApiDocument>();

/** Answers with the description, for programs. */
export function answerDescription(context: ApplicationContext): Response {
  return context.json(documentFor(context.var.configuration.BASE_URL), 200, { "Cache-Control": CACHE_CONTROL });
}

/** Answers with the same as a page, for people; `?search=` leaves what has these words. */
export function answerReference(context: ApplicationContext): Response | Promise<Response> {
  context.header("Cache-Control", CACHE_CONTROL);
  return context.html(referencePage(documentFor(context.var.configuration.BASE_URL), context.req.query("search")));
}

/** Answers with that page's stylesheet. */
export function answerReferenceStyle(context: ApplicationContext): Response {
  const headers = { "Content-Type": "text/css; charset=utf-8", "Cache-Control": CACHE_CONTROL };
  return context.body(referenceStyle, 200, headers);
}

function documentFor(baseUrl: string): OpenApiDocument {
  const known = documents.get(baseUrl);
  if (known !== undefined) return known;
  const document = describeApi(baseUrl);
  documents.set(baseUrl, document);
  return document;
}
