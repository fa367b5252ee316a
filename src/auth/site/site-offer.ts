import type { Configuration } from "../../config.ts";

// Known without what verifies a site's tokens, which is loaded with the first of them.

type SiteConfiguration = Pick<
  Configuration,
  "AUTH_ISSUER" | "AUTH_JWKS_URL" | "BETTER_AUTH_SECRET" | "SCOPED_CREDENTIALS"
>;

/** Whether the sessions of a site are let in at all; why not while SCOPED_CREDENTIALS is off says token-secrets.ts. */
export function takesSiteSessions({
  BETTER_AUTH_SECRET,
  AUTH_JWKS_URL,
  SCOPED_CREDENTIALS,
}: SiteConfiguration): boolean {
  if (SCOPED_CREDENTIALS === "off") return false;
  return BETTER_AUTH_SECRET !== undefined || AUTH_JWKS_URL !== undefined;
}

/**
 * Whom the identities of the site's users are of. With the shared secret a token does not say it, so it is the same name for
 * every such site: another site gets another secret, and AUTH_ISSUER.
 */
export function siteIssuerOf({ AUTH_ISSUER, AUTH_JWKS_URL }: Omit<SiteConfiguration, "SCOPED_CREDENTIALS">): string {
  if (AUTH_ISSUER !== undefined) return AUTH_ISSUER;
  return AUTH_JWKS_URL === undefined ? "better-auth" : new URL(AUTH_JWKS_URL).origin;
}
