import type { Caller } from "../caller.ts";
import type { Configuration } from "../config.ts";
import type { Database } from "../database/database.ts";
import { ApplicationError } from "../errors.ts";
import { loadOnce } from "../load-once.ts";
import type { Logger } from "../observability/log.ts";
import { whyNoOAuth } from "./oauth/oauth-offer.ts";
import { isPersonalToken, readPersonalToken } from "./personal-token.ts";
import { takesSiteSessions } from "./site/site-offer.ts";
import { verifyToken } from "./token.ts";
import { requireTokenSecrets } from "./token-secrets.ts";

/** Each is loaded with the first credential of its kind. */
const siteSessions = loadOnce(() => import("./site/verify-site-token.ts"));
const accessTokens = loadOnce(() => import("./oauth/access-token.ts"));

/** What a credential is verified with. */
export interface VerificationContext {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly env: Env;
  readonly log: Logger;
  /** Where the request comes from, as far as it is known; of a site's user who is new here. */
  readonly timeZone?: string | undefined;
}

/**
 * Makes a caller of a bearer token: the one place that does. By its shape it is a personal token (`tsk_…`), an OAuth access
 * token (`user:grant:secret`), or a JWT: of our own sign-in or, where that does not hold, of a site. Whether the credential
 * still counts is checked by `set_caller`, in the first request to the database that is made in its name.
 *
 * @returns undefined for a token that does not hold, whatever the reason
 * @throws ApplicationError `unauthenticated` for a kind of credential that is not set up on this server
 */
export async function verifyCredential(token: string, context: VerificationContext): Promise<Caller | undefined> {
  const { configuration } = context;
  if (isPersonalToken(token)) return verifyPersonalToken(token, configuration);
  if (token.includes(":")) return verifyOAuthToken(token, context);
  const { JWT_SECRET: secret, JWT_SECRET_PREVIOUS: previousSecret, BASE_URL: issuer } = configuration;
  const caller = await verifyToken(token, { secret, previousSecret, issuer });
  if (caller !== undefined || !takesSiteSessions(configuration)) return caller;
  const { verifySiteToken } = await siteSessions();
  return verifySiteToken(token, context);
}

function verifyPersonalToken(token: string, configuration: Configuration): Caller | undefined {
  const read = readPersonalToken(token, requireTokenSecrets("Personal tokens", "unauthenticated", configuration));
  if (read === undefined) return undefined;
  const { id, userId, access, issuedAt, expiresAt } = read;
  return { userId, credential: { kind: "personal", id, issuedAt, expiresAt }, access };
}

async function verifyOAuthToken(token: string, context: VerificationContext): Promise<Caller | undefined> {
  const reason = whyNoOAuth(context);
  if (reason !== undefined) {
    throw new ApplicationError(
      "unauthenticated",
      `OAuth tokens are not taken by this server, as ${reason}. Sign in for a token: POST /api/auth/signin answers with one.`,
    );
  }
  const { verifyAccessToken } = await accessTokens();
  return verifyAccessToken(token, context.configuration, context.env.OAUTH_KV);
}
