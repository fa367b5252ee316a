import { type ApplicationError, errorKinds } from "../errors.ts";

// Known without the OAuth library, as what fails before a route is reached is told in this form too.

const NO_STORE = { "Cache-Control": "no-store" };

/** Whether a path is one of OAuth's own endpoints, whose clients read OAuth's errors and nothing else. */
export function isOAuthEndpoint(path: string): boolean {
  return path.startsWith("/oauth/");
}

/** Answers with an error as OAuth has it (RFC 6749 section 5.2). */
export function oauthError(
  error: string,
  description: string,
  { status, headers }: { readonly status: number; readonly headers?: Readonly<Record<string, string>> | undefined },
): Response {
  return Response.json({ error, error_description: description }, { status, headers: { ...NO_STORE, ...headers } });
}

/** Makes one of what has failed. */
export function toOAuthError({ kind, message, retryAfter }: ApplicationError): Response {
  const { status } = errorKinds[kind];
  return oauthError(codeOf(kind), message, {
    status,
    ...(retryAfter !== undefined && { headers: { "Retry-After": String(retryAfter) } }),
  });
}

function codeOf(kind: ApplicationError["kind"]): string {
  if (kind === "unavailable" || kind === "rate_limited") return "temporarily_unavailable";
  return errorKinds[kind].owner === "caller" ? "invalid_request" : "server_error";
}
