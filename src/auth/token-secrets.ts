import type { Configuration } from "../config.ts";
import { ApplicationError } from "../errors.ts";

// The release before holds no scopes and knows one kind of credential: in its hands one with few scopes, or none, may do
// everything, one that was cut off goes on, and a site's session, which it takes for a sign-in without its identity, does not
// count. They meet in a Durable Object or its rows while releases are rolled out gradually, and after a rollback. So
// SCOPED_CREDENTIALS is off where that may be (wrangler.toml), and personal tokens, OAuth clients and a site's sessions are
// refused; the release after this one may let them in always.

/** The secret of what outlives JWT_SECRET, and the one before it while it is being rotated. */
export interface TokenSecrets {
  readonly TOKEN_SECRET: string;
  readonly TOKEN_SECRET_PREVIOUS?: string | undefined;
}

type TokenConfiguration = Pick<Configuration, "SCOPED_CREDENTIALS" | "TOKEN_SECRET" | "TOKEN_SECRET_PREVIOUS">;

/**
 * The secrets that personal tokens and the tokens of OAuth clients are made with, where this server has any.
 *
 * @param what they are, in the plural, as a sentence begins
 * @param kind of the error where it has none: `unauthenticated` for one who brings such a token
 * @throws ApplicationError of that kind, which says why
 */
export function requireTokenSecrets(
  what: string,
  kind: "unauthenticated" | "unavailable",
  { SCOPED_CREDENTIALS, TOKEN_SECRET, TOKEN_SECRET_PREVIOUS }: TokenConfiguration,
): TokenSecrets {
  if (SCOPED_CREDENTIALS === "off") throw notSetUp(what, kind, "SCOPED_CREDENTIALS is off");
  if (TOKEN_SECRET === undefined) throw notSetUp(what, kind, "TOKEN_SECRET is missing");
  return { TOKEN_SECRET, TOKEN_SECRET_PREVIOUS };
}

function notSetUp(what: string, kind: "unauthenticated" | "unavailable", why: string): ApplicationError {
  return new ApplicationError(kind, `${what} are not set up on this server: ${why}.`);
}
