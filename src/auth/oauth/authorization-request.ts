import { AuthorizationError, type AuthRequest } from "@cloudflare/workers-oauth-provider";
import type { Configuration } from "../../config.ts";
import { isAcceptableClientId } from "./client-identifier.ts";
import { namedResource, OFFERED_SCOPES } from "./oauth-offer.ts";
import { hasCallableScheme } from "./redirect-scheme.ts";

/** Parameters whose repetition leaves open where an error may be sent. */
const UNREDIRECTABLE = ["client_id", "redirect_uri"];

/** SHA-256 in base64url (RFC 7636 section 4.2). */
const CODE_CHALLENGE = /^[\w-]{43}$/;

/** What a person may be asked to allow. Staying signed in is no part of it: a client does so in any case. */
const GRANTED_SCOPES = OFFERED_SCOPES.filter((scope) => scope !== "offline_access");

/** An authorization request as the library is to read it, and what we have read of it. */
interface ReadRequest {
  readonly request: Request;
  /** Who asks, as they say. */
  readonly clientIds: readonly string[];
  /** The parameters that are repeated. */
  readonly repeated: readonly string[];
}

/**
 * Puts an authorization request right before the library reads it: a parameter without a value counts as absent (RFC 6749
 * section 3.1), and each name of our resource as the one that the library knows.
 *
 * @throws AuthorizationError, which must not be redirected, where it cannot be said who asks
 */
export function readAuthorizationRequest(url: string, configuration: Configuration): ReadRequest {
  const { searchParams } = new URL(url);
  const repeated = new Set<string>();
  const read = new URL("/authorize", configuration.BASE_URL);
  for (const [name, value] of searchParams) {
    if (value === "") continue;
    const known = name === "resource" ? namedResource(value, configuration) : value;
    if (!read.searchParams.has(name)) read.searchParams.set(name, known);
    else if (name !== "resource") repeated.add(name);
    else if (!read.searchParams.getAll(name).includes(known)) read.searchParams.append(name, known);
  }
  const clientIds = read.searchParams.getAll("client_id");
  if (!clientIds.every(isAcceptableClientId)) {
    throw new AuthorizationError("invalid_request", { description: "Invalid client_id" });
  }
  if (!read.searchParams.getAll("redirect_uri").every(hasCallableScheme)) {
    throw new AuthorizationError("invalid_request", { description: "Invalid redirect_uri" });
  }
  const doubtful = UNREDIRECTABLE.find((name) => repeated.has(name));
  if (doubtful !== undefined) {
    throw new AuthorizationError("invalid_request", { description: `${doubtful} must not be repeated` });
  }
  return { request: new Request(read), clientIds, repeated: [...repeated] };
}

/**
 * Holds a request that the library has read to what it leaves open: PKCE by every client (OAuth 2.1 section 4.1.1), each
 * parameter once, and scopes that there are. A client that asks for none gets both; one that may write may read.
 *
 * @throws AuthorizationError, which may be redirected
 */
export function completeRequest(request: AuthRequest, repeated: readonly string[]): AuthRequest {
  const refuse = (code: "invalid_request" | "invalid_scope", description: string): never => {
    const { redirectUri, state, issuer } = request;
    throw new AuthorizationError(code, {
      description,
      redirectUri,
      ...(state !== "" && { state }),
      ...(issuer !== undefined && { issuer }),
    });
  };
  const [again] = repeated;
  if (again !== undefined) refuse("invalid_request", `${quotable(again)} must not be repeated`);
  if (!CODE_CHALLENGE.test(request.codeChallenge ?? "")) {
    refuse("invalid_request", "code_challenge is required: PKCE with S256, 43 characters of base64url");
  }
  const asked = new Set(request.scope);
  const offered = OFFERED_SCOPES.some((scope) => asked.has(scope));
  if (asked.size > 0 && !offered) refuse("invalid_scope", `scope must be of ${OFFERED_SCOPES.join(", ")}`);
  if (asked.has("tasks:write")) asked.add("tasks:read");
  const granted = GRANTED_SCOPES.filter((scope) => asked.has(scope));
  return { ...request, scope: granted.length > 0 ? granted : GRANTED_SCOPES };
}

/** RFC 6749 section 4.1.2.1 allows few characters in a description. */
function quotable(name: string): string {
  return /^[\w.-]{1,40}$/.test(name) ? name : "A parameter";
}
