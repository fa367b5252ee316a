import { resourceMetadataUrl, whyNoOAuth } from "../auth/oauth/oauth-offer.ts";
import { scopes } from "../caller.ts";
import type { ApplicationError } from "../errors.ts";
import type { ApplicationContext } from "./application.ts";
import { isReadOnly } from "./limit-to-reading.ts";

const SCHEME = 'Bearer realm="mcp-task-server"';

/**
 * The header by which a client learns what to do about its credential (RFC 6750 section 3), where that is what is wrong. A
 * request that brought no token is told no error, only the scheme; one whose token has too few scopes, those that it needs.
 */
export function challengeOf(error: ApplicationError, context: ApplicationContext): { "WWW-Authenticate"?: string } {
  const { kind, message, neededScopes } = error;
  const metadata = metadataFor(context);
  if (kind === "unauthenticated") {
    const offer = metadata.length === 0 ? [] : [...metadata, scope(isReadOnly(context) ? ["tasks:read"] : scopes)];
    if (context.req.header("Authorization") === undefined) return challenge(offer);
    return challenge([parameter("error", "invalid_token"), parameter("error_description", message), ...offer]);
  }
  if (neededScopes.length === 0) return {};
  return challenge([
    parameter("error", "insufficient_scope"),
    parameter("error_description", message),
    ...metadata,
    scope(neededScopes),
  ]);
}

/** Where a client learns how to get a token (RFC 9728 section 5.1), for what such a token is taken for. */
function metadataFor(context: ApplicationContext): string[] {
  const { configuration } = context.var;
  const isForTokens = /^\/mcp(\/|$)/.test(context.req.path);
  // Where a variable does not fit, there is no configuration.
  if (!isForTokens || configuration === undefined || whyNoOAuth({ configuration, env: context.env }) !== undefined) {
    return [];
  }
  return [parameter("resource_metadata", resourceMetadataUrl(configuration))];
}

function scope(asked: readonly string[]): string {
  return parameter("scope", asked.join(" "));
}

function challenge(parameters: readonly string[]) {
  return { "WWW-Authenticate": [SCHEME, ...parameters].join(", ") };
}

/** RFC 6750 section 3 lets a value have printable ASCII but for quotes and backslashes. */
function parameter(name: string, value: string): string {
  return `${name}="${value.replace(/["\\]|[^ -~]/g, "'")}"`;
}
