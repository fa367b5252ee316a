import { OAuthError } from "@cloudflare/workers-oauth-provider";
import { type AuthorizationServer, openAuthorizationServer } from "../auth/oauth/authorization-server.ts";
import { claimedClientIds, isAcceptableClientId } from "../auth/oauth/client-identifier.ts";
import { registrableMetadata } from "../auth/oauth/client-metadata.ts";
import { logRefusal } from "../auth/oauth/library.ts";
import { namedResource, OFFERED_SCOPES, resourceOf } from "../auth/oauth/oauth-offer.ts";
import { parseJson } from "../json.ts";
import type { ApplicationContext } from "./application.ts";
import { readTextBody } from "./body.ts";
import { oauthError } from "./oauth-error.ts";
import { problemResponse } from "./problem.ts";

const FORM = "application/x-www-form-urlencoded";

/** Metadata changes with a release at most. */
const METADATA_HEADERS = { "Cache-Control": "public, max-age=300" };

/** Describes the authorization server (RFC 8414). */
export async function answerServerMetadata(context: ApplicationContext): Promise<Response> {
  const { BASE_URL, PRIVACY_URL, TERMS_URL } = context.var.configuration;
  const server = openServer(context);
  const request = new Request(`${BASE_URL}/.well-known/oauth-authorization-server`);
  const response = await server.answer(request);
  const metadata = await response.json<Record<string, unknown>>();
  const described = {
    ...metadata,
    revocation_endpoint: `${BASE_URL}/oauth/revoke`,
    revocation_endpoint_auth_methods_supported: metadata.token_endpoint_auth_methods_supported,
    service_documentation: `${BASE_URL}/docs`,
    op_policy_uri: PRIVACY_URL,
    op_tos_uri: TERMS_URL,
  };
  return context.json(described, 200, METADATA_HEADERS);
}

/** Describes MCP as a protected resource (RFC 9728). */
export function answerResourceMetadata(context: ApplicationContext): Response {
  const { configuration } = context.var;
  openServer(context);
  const metadata = {
    resource: resourceOf(configuration),
    authorization_servers: [configuration.BASE_URL],
    scopes_supported: OFFERED_SCOPES.filter((scope) => scope !== "offline_access"),
    bearer_methods_supported: ["header"],
    resource_name: "MCP Task Server",
    resource_documentation: `${configuration.BASE_URL}/docs`,
    resource_policy_uri: configuration.PRIVACY_URL,
    resource_tos_uri: configuration.TERMS_URL,
  };
  return context.json(metadata, 200, METADATA_HEADERS);
}

/** Registers a client (RFC 7591). */
export function answerRegistration(context: ApplicationContext): Promise<Response> {
  const server = openServer(context);
  return answerAsOAuth(context, async () => {
    const metadata = registrableMetadata(parseJson(await readTextBody(context), "The body"));
    const request = new Request(endpoint(context, "/oauth/register"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(metadata),
    });
    return server.answer(request, { isRegistration: true });
  });
}

/** Gives tokens for a code, or for a refresh token (RFC 6749 section 3.2). */
export function answerToken(context: ApplicationContext): Promise<Response> {
  const server = openServer(context);
  return answerAsOAuth(context, async () => {
    const form = await readForm(context);
    // The library takes a request that has one for a revocation.
    form.delete("token");
    const parameter = form.get("grant_type") === "refresh_token" ? "refresh_token" : "code";
    const response = await askTokenEndpoint(context, server, form, parameter);
    if (response !== undefined) return response;
    const error = form.has(parameter) ? "invalid_grant" : "invalid_request";
    throw new OAuthError(error, {
      description: `${parameter} is missing or does not count`,
      internal: { category: "token-endpoint-request", reason: "described_client_not_asked" },
    });
  });
}

/** Ends a token: an access token alone, or with a refresh token its whole grant (RFC 7009). */
export function answerRevocation(context: ApplicationContext): Promise<Response> {
  const server = openServer(context);
  return answerAsOAuth(context, async () => {
    const form = await readForm(context);
    // The library takes a request without one for a revocation.
    form.delete("grant_type");
    if (!form.has("token")) {
      throw new OAuthError("invalid_request", {
        description: "token is required",
        internal: { category: "token-revocation", reason: "token_missing" },
      });
    }
    const response = await askTokenEndpoint(context, server, form, "token");
    // What counts for nothing has ended already (RFC 7009 section 2.2).
    return response ?? new Response();
  });
}

/** Undefined where what the client presents counts for nothing, and who it is was not asked. */
function askTokenEndpoint(
  context: ApplicationContext,
  server: AuthorizationServer,
  form: URLSearchParams,
  parameter: string,
): Promise<Response | undefined> {
  const authorization = context.req.header("Authorization");
  const clientIds = claimedClientIds(form, authorization);
  if (!clientIds.every(isAcceptableClientId)) {
    throw new OAuthError("invalid_client", {
      description: "Client not found",
      statusCode: 401,
      // RFC 6749 section 5.2: who has used the header is told its scheme.
      ...(authorization !== undefined && { headers: { "WWW-Authenticate": 'Basic realm="OAuth"' } }),
      internal: { category: "client-authentication", reason: "client_id_not_acceptable" },
    });
  }
  const request = new Request(endpoint(context, "/oauth/token"), {
    method: "POST",
    headers: { "Content-Type": FORM, ...(authorization !== undefined && { Authorization: authorization }) },
    body: form.toString(),
  });
  return server.answerClient(request, form.get(parameter) ?? "", clientIds);
}

/**
 * Reads a form; a parameter without a value counts as absent (RFC 6749 section 3.2), and each name of our resource as the one
 * that the library knows.
 */
async function readForm(context: ApplicationContext): Promise<URLSearchParams> {
  const mediaType = context.req.header("Content-Type")?.split(";", 1).join("").trim().toLowerCase();
  if (mediaType !== FORM) {
    throw new OAuthError("invalid_request", {
      description: `Content-Type must be ${FORM}`,
      internal: { category: "token-endpoint-request", reason: "media_type_not_supported" },
    });
  }
  const form = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(await readTextBody(context))) {
    if (value === "") continue;
    form.append(name, name === "resource" ? namedResource(value, context.var.configuration) : value);
  }
  return form;
}

function openServer(context: ApplicationContext): AuthorizationServer {
  return openAuthorizationServer({ ...context.var, env: context.env });
}

function endpoint(context: ApplicationContext, path: string): string {
  return `${context.var.configuration.BASE_URL}${path}`;
}

/** Answers; what the library or its store throws is logged and answered as what the library refuses by itself. */
async function answerAsOAuth(context: ApplicationContext, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof OAuthError)) return problemResponse(thrown, context);
    const { code, description, statusCode: status, headers, options } = thrown;
    logRefusal(context.var.log, { error: code, status }, options.internal);
    return oauthError(code, description, { status, headers });
  }
}
