import type { User } from "../auth/accounts.ts";
import { issueToken, SESSION_TOKEN_LIFETIME } from "../auth/token.ts";
import type { ApplicationContext } from "./application.ts";

/**
 * Signs a user in.
 *
 * @param issuedAt when they were asked for their password, as `issueToken` says
 * @returns the session as it is answered, its parts named as in RFC 6749 section 5.1; and the caller that its token stands for
 */
export async function openSession(context: ApplicationContext, user: User, issuedAt?: Date) {
  const { JWT_SECRET: secret, BASE_URL: issuer } = context.var.configuration;
  const { token, caller } = await issueToken(user.id, SESSION_TOKEN_LIFETIME, { secret, issuer }, issuedAt);
  return { caller, session: { token, token_type: "Bearer", expires_in: SESSION_TOKEN_LIFETIME, user } };
}

/** When a token is issued that is to outlive what a call has just ended: the database rounds that moment to milliseconds. */
export function afterWhatEnded(): Date {
  return new Date(Date.now() + 1);
}
