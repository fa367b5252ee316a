import type { Configuration } from "../../config.ts";

// Known without what verifies a site's tokens, which is loaded with the first of them.

type SiteConfiguration = Pick<Configuration, "AUTH_ISSUER" | "AUTH_JWKS_URL" | "BETTER_AUTH_SECRET">;

/** Whether the sessions of a site are let in at all. */
export function takesSiteSessions({ BETTER_AUTH_SECRET, AUTH_JWKS_URL }: SiteConfiguration): boolean {
  return BETTER_AUTH_SECRET !== undefined || AUTH_JWKS_URL !== undefined;
}

/**
 * Whom the identities of the site's users are of. With the shared secret a token does not say it, so it is the same name for
 * every such site: another site gets another secret, and AUTH_ISSUER.
 */
export function siteIssuerOf({ AUTH_ISSUER, AUTH_JWKS_URL }: SiteConfiguration): string {
  if (AUTH_ISSUER !== undefined) return AUTH_ISSUER;
  return AUTH_JWKS_URL === undefined ? "better-auth" : new URL(AUTH_JWKS_URL).origin;
}
