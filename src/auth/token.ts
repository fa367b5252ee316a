import { decode, sign, verify } from "hono/jwt";
import { JwtTokenSignatureMismatched } from "hono/utils/jwt/types";
import * as z from "zod";
import { type Caller, hasExpired, readAccess } from "../caller.ts";
import { RecentValues } from "../recent-values.ts";

/** What tokens are signed with and for whom. */
export interface TokenSettings {
  /** Signs and verifies; at least 32 characters. */
  readonly secret: string;
  /** Still verifies while the secret is being rotated. */
  readonly previousSecret?: string | undefined;
  /** Stands in `iss` and `aud`: the server's own base URL. */
  readonly issuer: string;
}

/** How long a token from sign-in lasts, in seconds. */
export const SESSION_TOKEN_LIFETIME = 24 * 60 * 60;

const ALLOWED_CLOCK_SKEW_SECONDS = 60;

const claimsSchema = z.object({
  sub: z
    .string()
    .regex(/^[1-9]\d{0,9}$/)
    .transform(Number)
    .pipe(z.int32()),
  jti: z.uuid(),
  iat: z.number().positive(),
  exp: z.number().positive(),
  // RFC 9068 section 2.2.3. Our own sign-in has none, which stands for everything; an empty one stands for nothing.
  scope: z
    .string()
    .transform((scope) => scope.split(" "))
    .optional(),
});

/**
 * Makes a signed JWT (RFC 7519, HS256) for a user. `iat` keeps its milliseconds, so that signing out
 * everywhere and signing in again within one second cannot be confused.
 *
 * @param issuedAt when its person was asked for their password, before it was compared: signing out everywhere meanwhile
 * ends this token too
 */
export async function issueToken(
  userId: number,
  lifetimeSeconds: number,
  settings: TokenSettings,
  issuedAt = new Date(),
): Promise<{ token: string; caller: Caller }> {
  const issuedSeconds = issuedAt.getTime() / 1000;
  const expiresAt = Math.floor(issuedSeconds) + lifetimeSeconds;
  const tokenId = crypto.randomUUID();
  const token = await sign(
    {
      iss: settings.issuer,
      aud: settings.issuer,
      sub: String(userId),
      jti: tokenId,
      iat: issuedSeconds,
      exp: expiresAt,
    },
    settings.secret,
    "HS256",
  );
  return {
    token,
    caller: {
      userId,
      credential: {
        kind: "sign_in",
        id: tokenId,
        issuedAt,
        expiresAt: new Date(expiresAt * 1000),
      },
      access: "full",
    },
  };
}

/** A token that held, with what it was verified by: it goes on holding until it expires. */
interface VerifiedToken {
  readonly caller: Caller;
  readonly settings: TokenSettings;
}

const verifiedTokens = new RecentValues<VerifiedToken>(1_000);

/**
 * Verifies a token's signature, algorithm, issuer, audience and times (RFC 7519 section 7.2); a token without
 * `exp`, `iat`, `sub` or `jti` is refused. Whether it was signed out is checked with the first query made in its name.
 *
 * @returns undefined for a token that does not hold, whatever the reason
 */
export async function verifyToken(token: string, settings: TokenSettings): Promise<Caller | undefined> {
  const known = verifiedTokens.get(token);
  if (known !== undefined && isSame(known.settings, settings) && !hasExpired(known.caller.credential)) {
    return known.caller;
  }
  const caller = await verifyAnew(token, settings);
  if (caller !== undefined) verifiedTokens.set(token, { caller, settings });
  return caller;
}

/**
 * Whether a token that does not hold says that it is another server's, or this one's under another base URL. It is the
 * token that says so: nobody has verified it.
 *
 * @param issuers those whose tokens are taken here
 */
export function isFromElsewhere(token: string, issuers: readonly string[]): boolean {
  try {
    const { iss } = decode(token).payload;
    return typeof iss === "string" && !issuers.includes(iss);
  } catch {
    // No JWT at all.
    return false;
  }
}

function isSame(one: TokenSettings, other: TokenSettings): boolean {
  return one.secret === other.secret && one.previousSecret === other.previousSecret && one.issuer === other.issuer;
}

async function verifyAnew(token: string, settings: TokenSettings): Promise<Caller | undefined> {
  const secrets = [settings.secret, settings.previousSecret].filter((secret) => secret !== undefined);
  for (const secret of secrets) {
    try {
      const payload = await verify(token, secret, {
        alg: "HS256",
        iss: settings.issuer,
        aud: settings.issuer,
        // hono compares with the whole second that has begun, which `iat` with milliseconds is always ahead of.
        iat: false,
      });
      return readClaims(payload);
    } catch (error) {
      if (!(error instanceof JwtTokenSignatureMismatched)) return undefined;
    }
  }
  return undefined;
}

function readClaims(payload: unknown): Caller | undefined {
  const claims = claimsSchema.safeParse(payload);
  if (!claims.success) return undefined;
  const { sub, jti, iat, exp, scope } = claims.data;
  if (iat > Date.now() / 1000 + ALLOWED_CLOCK_SKEW_SECONDS) return undefined;
  return {
    userId: sub,
    credential: { kind: "sign_in", id: jti, issuedAt: new Date(iat * 1000), expiresAt: new Date(exp * 1000) },
    access: readAccess(scope ?? "full"),
  };
}
