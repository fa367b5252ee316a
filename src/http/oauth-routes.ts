import { Hono } from "hono";
import { cors } from "hono/cors";
import { loadOnce } from "../load-once.ts";
import type { Application } from "./application.ts";
import { limitAddress } from "./rate-limit.ts";

/** The OAuth library with it; loaded with the first request: CODEBASE.md says why. */
const handlers = loadOnce(() => import("./oauth-handlers.ts"));

/** Limits from each address how many clients are registered. */
export const limitRegistrations = limitAddress("REGISTRATION_RATE_LIMITER");

/**
 * Lets clients in a browser call from any page: they bring what they know in the request, and no cookie counts here. To stand
 * before the policy for all other routes, which answers preflight requests too.
 */
export const allowAnyPage = cors({
  origin: "*",
  allowMethods: ["GET", "POST"],
  allowHeaders: ["Authorization", "Content-Type", "If-None-Match", "Mcp-Protocol-Version"],
  exposeHeaders: ["ETag", "Retry-After", "WWW-Authenticate", "X-Request-Id"],
  maxAge: 86_400,
});

/** What clients read first: RFC 8414 and RFC 9728, each also below the path of MCP. */
export const oauthMetadataRoutes = new Hono<Application>()
  .get("/oauth-authorization-server", async (context) => (await handlers()).answerServerMetadata(context))
  .get("/oauth-authorization-server/mcp", async (context) => (await handlers()).answerServerMetadata(context))
  .get("/oauth-protected-resource", async (context) => (await handlers()).answerResourceMetadata(context))
  .get("/oauth-protected-resource/mcp", async (context) => (await handlers()).answerResourceMetadata(context));

/** OAuth's own endpoints: registration (RFC 7591), tokens (RFC 6749) and revocation (RFC 7009). */
export const oauthRoutes = new Hono<Application>()
  .post("/register", async (context) => (await handlers()).answerRegistration(context))
  .post("/token", async (context) => (await handlers()).answerToken(context))
  .post("/revoke", async (context) => (await handlers()).answerRevocation(context));
