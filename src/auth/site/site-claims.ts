import * as z from "zod";
import { text } from "../../text.ts";

// What Better Auth signs of a session, as 1.7 has it. Its other tokens are signed with the same secret or the same keys:
// verification of an e-mail, id tokens and access tokens of its OAuth provider. None of them has the shape of one of these, and
// each shape says what it must not have.

/** The longest text of a claim. */
const LONGEST = 300;

/** As the database can keep it: a site may sign any text. */
const storable = text({ minimum: 1, maximum: LONGEST });
const moment = z.coerce.date();
const numericDate = z.number().positive();

/** A user as Better Auth tells of them; nothing of it but the id says who they are here. */
const userSchema = z.object({ id: storable, name: z.unknown(), email: z.unknown() });

const sessionSchema = z.object({
  session: z.object({ token: storable, userId: storable, createdAt: moment, expiresAt: moment }),
  user: userSchema,
  updatedAt: z.number(),
  iat: numericDate,
  exp: numericDate,
});

/** The cookie cache of strategy `jwt`, signed with the secret: no claim of who issued it, and for whom. */
const secretSessionSchema = sessionSchema.extend({
  iss: z.undefined().optional(),
  aud: z.undefined().optional(),
  sub: z.undefined().optional(),
});

/** The cookie cache, signed with a key by the JWT plugin (`sessionCookieCache`). */
const keySessionSchema = sessionSchema.extend({ iss: storable, sub: storable, sid: storable });

/** What the JWT plugin's `/token` answers with: the user as it is, unless the site defines the payload otherwise. */
const userTokenSchema = userSchema.extend({
  sub: storable,
  iss: storable,
  iat: numericDate,
  exp: numericDate,
  jti: storable.optional(),
  // Of tokens that an OAuth provider issues to its clients (RFC 9068 section 2.2, OpenID Connect Core section 2).
  ...Object.fromEntries(
    ["scope", "scp", "client_id", "azp", "nonce", "at_hash", "c_hash", "auth_time", "sid", "act"].map((claim) => [
      claim,
      z.undefined().optional(),
    ]),
  ),
});

/** What a site says of whose session it is. */
export interface SiteSession {
  /** Of the site's user. */
  readonly subject: string;
  /** What the site knows the session by or, of a token that names none, that token; undefined where it has no name either. */
  readonly id: string | undefined;
  /** When it began; undefined where the token does not say. */
  readonly began: Date | undefined;
  /** When it began or, where the token does not say, when that was made. */
  readonly since: Date;
  readonly expiresAt: Date;
  /** What the site calls the person; unchecked. */
  readonly name: unknown;
}

/** Reads the claims of a session that was signed with the shared secret; undefined for any other. */
export function readSecretSession(payload: unknown): SiteSession | undefined {
  const claims = secretSessionSchema.safeParse(payload).data;
  return claims && toSession(claims);
}

/** Reads the claims of a session that was signed with a key; undefined for any other. */
export function readKeySession(payload: unknown): SiteSession | undefined {
  const claims = keySessionSchema.safeParse(payload).data;
  if (claims === undefined || claims.sub !== claims.user.id || claims.sid !== claims.session.token) return undefined;
  return toSession(claims);
}

/** Reads the claims of a token of the JWT plugin; undefined for any other. */
export function readUserToken(payload: unknown): SiteSession | undefined {
  const claims = userTokenSchema.safeParse(payload).data;
  if (claims === undefined || claims.sub !== claims.id) return undefined;
  const { sub, jti, iat, exp, name } = claims;
  return { subject: sub, id: jti, began: undefined, since: toDate(iat), expiresAt: toDate(exp), name };
}

function toSession({ session, user, exp }: z.output<typeof sessionSchema>): SiteSession | undefined {
  if (session.userId !== user.id || session.expiresAt.getTime() <= Date.now()) return undefined;
  return {
    subject: user.id,
    id: session.token,
    began: session.createdAt,
    since: session.createdAt,
    expiresAt: new Date(Math.min(toDate(exp).getTime(), session.expiresAt.getTime())),
    name: user.name,
  };
}

function toDate(seconds: number): Date {
  return new Date(seconds * 1000);
}
