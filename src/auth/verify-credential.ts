import type { Caller } from "../caller.ts";
import type { Configuration } from "../config.ts";
import type { Database } from "../database/database.ts";
import { ApplicationError } from "../errors.ts";
import { isPersonalToken, readPersonalToken } from "./personal-token.ts";
import { verifyToken } from "./token.ts";

// The release before holds no scopes and knows one kind of credential: in its hands one with few scopes, or none, may do
// everything, and one that was cut off goes on. Both meet in a Durable Object or its rows while releases are rolled out
// gradually, and after a rollback. So SCOPED_CREDENTIALS is off where that may be (wrangler.toml), and personal tokens and
// OAuth clients are refused; the release after this one may let them in always.

/** What a credential is verified with. */
export interface VerificationContext {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly env: Env;
}

/**
 * Makes a caller of a bearer token: the one place that does. By its shape it is a personal token (`tsk_…`), an OAuth access
 * token (`user:grant:secret`), or a JWT. Whether the credential still counts is checked by `set_caller`, in the first
 * request to the database that is made in its name.
 *
 * @returns undefined for a token that does not hold, whatever the reason
 * @throws ApplicationError `unauthenticated` for a kind of credential that this server does not take
 */
export async function verifyCredential(token: string, context: VerificationContext): Promise<Caller | undefined> {
  const { configuration } = context;
  if (isPersonalToken(token)) return verifyPersonalToken(token, configuration);
  const { JWT_SECRET: secret, JWT_SECRET_PREVIOUS: previousSecret, BASE_URL: issuer } = configuration;
  return verifyToken(token, { secret, previousSecret, issuer });
}

function verifyPersonalToken(token: string, configuration: Configuration): Caller | undefined {
  const { TOKEN_SECRET, TOKEN_SECRET_PREVIOUS } = configuration;
  requireScopedCredentials("Personal tokens", configuration);
  if (TOKEN_SECRET === undefined) throw notTaken("Personal tokens", "TOKEN_SECRET is not set");
  const read = readPersonalToken(token, { TOKEN_SECRET, TOKEN_SECRET_PREVIOUS });
  if (read === undefined) return undefined;
  const { id, userId, access, issuedAt, expiresAt } = read;
  return { userId, credential: { kind: "personal", id, issuedAt, expiresAt }, access };
}

/**
 * Makes sure that credentials of a kind that the release before does not know are let in.
 *
 * @param what they are, in the plural
 * @throws ApplicationError `unauthenticated`
 */
function requireScopedCredentials(what: string, { SCOPED_CREDENTIALS }: Configuration): void {
  if (SCOPED_CREDENTIALS === "off") throw notTaken(what, "SCOPED_CREDENTIALS is off");
}

function notTaken(what: string, why: string): ApplicationError {
  return new ApplicationError(
    "unauthenticated",
    `${what} are not taken by this server, as ${why} here. Sign in for a token: POST /api/auth/signin answers with one.`,
  );
}
