import type { Configuration } from "../../config.ts";

// Known without the OAuth library, which is loaded with the first request that needs it.

/** What has to be there for OAuth. */
export interface OAuthNeeds {
  readonly configuration: Configuration;
  /** An operator may have bound no namespace. */
  readonly env: Partial<Pick<Env, "OAUTH_KV">>;
}

/** What a client may ask for: what of the tasks, and to stay signed in, which it does in any case. */
export const OFFERED_SCOPES: readonly string[] = ["tasks:read", "tasks:write", "offline_access"];

/** How long an access token lasts, in seconds. */
export const ACCESS_TOKEN_LIFETIME = 60 * 60;

/** Why this server has no OAuth, after "as"; undefined where it has. */
export function whyNoOAuth({ configuration, env }: OAuthNeeds): string | undefined {
  if (env.OAUTH_KV === undefined) return "no KV namespace is bound as OAUTH_KV";
  if (configuration.TOKEN_SECRET === undefined) return "TOKEN_SECRET is not set";
  if (configuration.SCOPED_CREDENTIALS === "off") return "SCOPED_CREDENTIALS is off";
  if (!isIssuer(configuration.BASE_URL)) return "BASE_URL is no https origin";
  return undefined;
}

/** The one resource that tokens are issued for (RFC 8707): MCP, and with it all that a token of its scopes may do. */
export function resourceOf({ BASE_URL }: Pick<Configuration, "BASE_URL">): string {
  return `${BASE_URL}/mcp`;
}

/** Where that resource describes itself (RFC 9728 section 3.1). */
export function resourceMetadataUrl({ BASE_URL }: Pick<Configuration, "BASE_URL">): string {
  return `${BASE_URL}/.well-known/oauth-protected-resource/mcp`;
}

/**
 * The resource in the one spelling that the library compares with, whichever name of it a client uses: with a slash at its
 * end or without, and the origin, which clients take where they are told a URL without a path. Another is left as it is.
 */
export function namedResource(name: string, configuration: Pick<Configuration, "BASE_URL">): string {
  if (!URL.canParse(name)) return name;
  const { origin, pathname, search, hash, username, password } = new URL(name);
  const isOurs = origin === configuration.BASE_URL && /^\/(mcp\/?)?$/.test(pathname);
  return isOurs && `${search}${hash}${username}${password}` === "" ? resourceOf(configuration) : name;
}

/** Whether it is an origin as a URL has it, of https or of this machine: what RFC 8414 has for an issuer, and what it is compared with. */
function isIssuer(baseUrl: string): boolean {
  const { origin, protocol, hostname } = new URL(baseUrl);
  const isLoopback = hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
  return origin === baseUrl && (protocol === "https:" || isLoopback);
}
