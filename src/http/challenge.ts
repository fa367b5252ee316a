import type { ApplicationError } from "../errors.ts";
import type { ApplicationContext } from "./application.ts";

const SCHEME = 'Bearer realm="mcp-task-server"';

/**
 * The header by which a client learns what to do about its credential (RFC 6750 section 3), where that is what is wrong. A
 * request that brought no token is told no error, only the scheme; one whose token has too few scopes, those that it needs.
 */
export function challengeOf(error: ApplicationError, context: ApplicationContext): { "WWW-Authenticate"?: string } {
  const { kind, message, neededScopes } = error;
  if (kind === "unauthenticated") {
    if (context.req.header("Authorization") === undefined) return challenge([]);
    return challenge([parameter("error", "invalid_token"), parameter("error_description", message)]);
  }
  if (neededScopes.length === 0) return {};
  return challenge([
    parameter("error", "insufficient_scope"),
    parameter("error_description", message),
    parameter("scope", neededScopes.join(" ")),
  ]);
}

function challenge(parameters: readonly string[]) {
  return { "WWW-Authenticate": [SCHEME, ...parameters].join(", ") };
}

/** RFC 6750 section 3 lets a value have printable ASCII but for quotes and backslashes. */
function parameter(name: string, value: string): string {
  return `${name}="${value.replace(/["\\]|[^ -~]/g, "'")}"`;
}
