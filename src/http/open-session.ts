import type { User } from "../auth/accounts.ts";
import { issueToken, SESSION_TOKEN_LIFETIME } from "../auth/token.ts";
import type { ApplicationContext } from "./application.ts";

/**
 * Signs a user in.
 *
 * @param since when they were asked for their password, as `issueToken` says
 * @returns the session as it is answered, its parts named as in RFC 6749 section 5.1; and the caller that its token stands for
 */
export async function openSession(context: ApplicationContext, user: User, since?: Date) {
  const { JWT_SECRET: secret, BASE_URL: issuer } = context.var.configuration;
  const { token, caller } = await issueToken(user.id, SESSION_TOKEN_LIFETIME, { secret, issuer }, since);
  return { caller, session: { token, token_type: "Bearer", expires_in: SESSION_TOKEN_LIFETIME, user } };
}
