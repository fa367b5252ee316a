import { Hono, type MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { secureHeaders } from "hono/secure-headers";
import { chatRoutes, conversationRoutes, limitChat, uiChatRoutes } from "./chat/conversation/routes.ts";
import { ApplicationError } from "./errors.ts";
import { exportRoutes } from "./export/routes.ts";
import { describeAbsence } from "./http/absence.ts";
import { accessLog } from "./http/access-log.ts";
import { accountPageRoutes, allowAccountPages } from "./http/account-page-routes.ts";
import { accountRoutes, limitSignIns } from "./http/account-routes.ts";
import { type Application, type ApplicationContext, provideServices, waitUntilOf } from "./http/application.ts";
import { takeBody } from "./http/body.ts";
import { allowConsentPages, consentRoutes } from "./http/consent-routes.ts";
import { limitToReading } from "./http/limit-to-reading.ts";
import { metricsRoutes, requireMetricsToken } from "./http/metrics-routes.ts";
import { allowAnyPage, limitRegistrations, oauthMetadataRoutes, oauthRoutes } from "./http/oauth-routes.ts";
import { answerOwnershipProof } from "./http/ownership-proof.ts";
import { methodNotAllowedResponse, problemResponse } from "./http/problem.ts";
import { limitAddress } from "./http/rate-limit.ts";
import { requestIdOf } from "./http/request-id.ts";
import { requireCaller, requireFullAccess, requireFullAccessToChange } from "./http/require-caller.ts";
import { answerSecurityContact } from "./http/security-contact.ts";
import { tokenRoutes } from "./http/token-routes.ts";
import { toolRoutes } from "./http/tool-routes.ts";
import { checkHostAndOrigin } from "./mcp/host-and-origin.ts";
import { allowAnyOrigin, iconRoutes } from "./mcp/icon-routes.ts";
import { mcpRequestHeaders, mcpRoutes } from "./mcp/routes.ts";
import { allowCardReaders, serverCardRoutes } from "./mcp/server-card-routes.ts";
import { checkHealth } from "./observability/health.ts";
import { allowReferenceStyle, openApiRoutes } from "./openapi/routes.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

const answerOrigin = cors({
  origin: (origin, context: ApplicationContext) =>
    context.get("configuration").CORS_ORIGINS.includes(origin) ? origin : null,
  allowMethods: ["GET", "POST", "PATCH", "DELETE"],
  allowHeaders: ["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id", ...mcpRequestHeaders],
  exposeHeaders: ["ETag", "Mcp-Session-Id", "Retry-After", "WWW-Authenticate", "X-Request-Id"],
  maxAge: 86_400,
});

/** Only pages send an Origin. For all else `cors` would copy the response twice, to say what nobody reads. */
const answerPages: MiddlewareHandler<Application> = async (context, next) => {
  if (context.req.header("Origin") !== undefined || context.req.method === "OPTIONS") {
    return answerOrigin(context, next);
  }
  await next();
  context.res.headers.append("Vary", "Origin");
  return undefined;
};

/** Every middleware and every route; a slash at the end of a path is not looked at, as some clients add one. */
// Hono's default chooses this router too, with the first request, and would bring a second one into the bundle.
export const app = new Hono<Application>({ strict: false, router: new RegExpRouter() });

app.onError(problemResponse);
app.notFound((context) =>
  problemResponse(new ApplicationError("not_found", describeAbsence(context.req.path)), context),
);

// Without a header's name: what a client sends is looked at by requestIdOf, and accessLog answers with it.
app.use(requestId({ headerName: "", generator: requestIdOf }));
app.use(accessLog);
app.use("/icon.*", allowAnyOrigin);
app.use("/favicon.ico", allowAnyOrigin);
app.use("/docs", allowReferenceStyle);
app.use("/authorize", allowConsentPages);
app.use("/account/*", allowAccountPages);
app.use(
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
    },
    referrerPolicy: "no-referrer",
    xFrameOptions: "DENY",
    // What only browsers of the past and plugins read, on every answer to every call.
    originAgentCluster: false,
    removePoweredBy: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  }),
);
app.use(provideServices);
app.use("/.well-known/*", allowAnyPage);
app.use("/mcp/server-card", allowCardReaders);
app.use("/oauth/*", allowAnyPage);
app.use(answerPages);

// Above the rate limit, so that a monitor is never turned away.
app.get("/health", async (context) => {
  const services = { ...context.var, waitUntil: waitUntilOf(context) };
  const health = await checkHealth(services, context.env.CF_VERSION_METADATA.id);
  return context.json(health, health.status === "healthy" ? 200 : 503, { "Cache-Control": "no-store" });
});

app.use(limitAddress("ADDRESS_RATE_LIMITER"));
app.use(methodNotAllowed({ app, onMethodNotAllowed: methodNotAllowedResponse }));

// Who may come in where, and with how large a body, in the order in which that is looked at. Nothing of a body is read
// before; the routes read it themselves. A path that is not here takes none, and no token. Whose credential has scopes
// may do what they allow to tasks, ask who they are and sign out; all else is for full access.
app.use("/api/auth/signup", limitSignIns, takeBody(16 * KIB));
app.use("/api/auth/signin", limitSignIns, takeBody(16 * KIB));
app.use("/api/auth/signout", requireCaller, takeBody(16 * KIB));
app.use("/api/auth/me", requireCaller, requireFullAccessToChange, takeBody(16 * KIB));
app.use("/api/auth/email", limitSignIns, takeBody(16 * KIB));
app.use("/api/auth/password", requireCaller, requireFullAccess, takeBody(16 * KIB));
app.use("/api/auth/password/forgot", limitSignIns, takeBody(16 * KIB));
app.use("/api/auth/password/reset", limitSignIns, takeBody(16 * KIB));
app.use("/api/auth/clients", requireCaller, requireFullAccess);
app.use("/api/auth/clients/:id", requireCaller, requireFullAccess);
app.use("/api/auth/tokens", requireCaller, requireFullAccess, takeBody(16 * KIB));
app.use("/api/auth/tokens/:id", requireCaller, requireFullAccess);
// A description of 10,000 characters, each escaped, has 120 KB.
app.use("/mcp/tools/:name", requireCaller, takeBody(256 * KIB));
app.use("/mcp", checkHostAndOrigin, requireCaller, limitToReading, takeBody(MIB));
// Images of 4 MiB are 5.4 MiB in base64; beside them there are words.
app.use("/chat", requireCaller, requireFullAccess, limitChat, takeBody(6 * MIB));
// `useChat` sends its whole conversation with each message.
app.use("/api/chat", requireCaller, requireFullAccess, limitChat, takeBody(8 * MIB));
app.use("/api/chat/:id/stream", requireCaller, requireFullAccess);
app.use("/api/conversations", requireCaller, requireFullAccess);
app.use("/api/conversations/:id", requireCaller, requireFullAccess, takeBody(16 * KIB));
app.use("/api/export", requireCaller, requireFullAccess);
app.use("/authorize", takeBody(16 * KIB));
app.use("/account/*", takeBody(16 * KIB));
app.use("/metrics", requireMetricsToken);
app.use("/oauth/register", limitRegistrations, takeBody(16 * KIB));
app.use("/oauth/token", takeBody(16 * KIB));
app.use("/oauth/revoke", takeBody(16 * KIB));

app.route("/metrics", metricsRoutes);
app.route("/api/auth/tokens", tokenRoutes);
app.route("/api/auth", accountRoutes);
app.route("/mcp/tools", toolRoutes);
app.route("/chat", chatRoutes);
app.route("/api/chat", uiChatRoutes);
app.route("/api/conversations", conversationRoutes);
app.route("/api/export", exportRoutes);
app.route("/mcp", mcpRoutes);
app.route("/authorize", consentRoutes);
app.route("/account", accountPageRoutes);
app.get("/.well-known/security.txt", answerSecurityContact);
app.get("/.well-known/mcp-registry-auth", (context) => answerOwnershipProof(context, "mcp-registry-auth"));
app.get("/.well-known/openai-apps-challenge", (context) => answerOwnershipProof(context, "openai-apps-challenge"));
app.route("/.well-known", oauthMetadataRoutes);
app.route("/oauth", oauthRoutes);
app.route("/", serverCardRoutes);
app.route("/", iconRoutes);
app.route("/", openApiRoutes);
