import { Hono } from "hono";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import type { Application } from "../http/application.ts";
import { loadOnce } from "../load-once.ts";

/** Loaded with the first request: CODEBASE.md says why. */
const handlers = loadOnce(() => import("./server-card-handlers.ts"));

/** Lets clients in a browser read the card from any page; to stand before the policy for all other routes. */
export const allowCardReaders = cors({
  origin: "*",
  allowMethods: ["GET"],
  allowHeaders: ["Content-Type", "If-None-Match"],
  exposeHeaders: ["ETag"],
  maxAge: 86_400,
});

/** What clients can know of the server before they connect. The path below `/.well-known` is that of drafts, which some still read. */
export const serverCardRoutes = new Hono<Application>()
  .get("/mcp/server-card", etag(), async (context) => (await handlers()).answerServerCard(context))
  .get("/.well-known/mcp/server-card.json", etag(), async (context) => (await handlers()).answerServerCard(context))
  .get("/.well-known/ai-catalog.json", etag(), async (context) => (await handlers()).answerCatalog(context));
