import { createHash } from "node:crypto";
import { decode, verify } from "hono/jwt";
import * as z from "zod";
import type { Caller } from "../../caller.ts";
import type { Configuration } from "../../config.ts";
import type { Database } from "../../database/database.ts";
import { describeError } from "../../observability/describe-error.ts";
import type { Logger } from "../../observability/log.ts";
import { toUuid } from "../../uuid.ts";
import { findSiteUser } from "./find-site-user.ts";
import { findSiteKey, SITE_ALGORITHMS } from "./key-set.ts";
import { readKeySession, readSecretSession, readUserToken, type SiteSession } from "./site-claims.ts";
import { siteIssuerOf } from "./site-offer.ts";

const CLOCK_SKEW = 60_000;
/** Of the session that Better Auth keeps in a cookie, signed with a key. */
const SESSION_TYPE = "better-auth.session-cache+jwt";
const SESSION_AUDIENCE = "better-auth:session-cache";

const headerSchema = z.object({
  alg: z.string(),
  kid: z.string().max(300).optional(),
  typ: z.string().optional(),
});

/** What a site's token is verified with. */
interface SiteContext {
  readonly configuration: Configuration;
  readonly database: Database;
  readonly log: Logger;
  /** Where the request comes from, of somebody who is new here. */
  readonly timeZone?: string | undefined;
}

/**
 * Makes a caller of the session of a Better Auth site: signed with the secret that it shares, or with a key of its own. It is
 * one of three shapes of token, whose claims are pinned (site-claims.ts).
 *
 * @returns undefined for a token that does not hold, or is none of those
 * @throws ApplicationError `unavailable` where its keys or the database cannot be reached
 */
export async function verifySiteToken(token: string, context: SiteContext): Promise<Caller | undefined> {
  const { configuration, database, timeZone } = context;
  const session = await readSession(token, context);
  if (session === undefined || session.since.getTime() > Date.now() + CLOCK_SKEW) return undefined;
  const identity = { issuer: siteIssuerOf(configuration), subject: session.subject };
  const userId = await findSiteUser(database, identity, { name: session.name, timeZone });
  const id = idOf([identity.issuer, identity.subject, session.id ?? signedPart(token), userId]);
  const { since: issuedAt, expiresAt, began: sessionBegan } = session;
  return { userId, credential: { kind: "site", id, issuedAt, expiresAt, identity, sessionBegan }, access: "full" };
}

async function readSession(token: string, { configuration, log }: SiteContext): Promise<SiteSession | undefined> {
  const header = readHeader(token);
  if (header === undefined) return undefined;
  const { BETTER_AUTH_SECRET: secret, AUTH_JWKS_URL: jwksUrl } = configuration;
  if (header.alg === "HS256") {
    if (secret === undefined || header.kid !== undefined) return undefined;
    return readSecretSession(await payloadOf(token, () => verify(token, secret, { alg: "HS256", iat: false }), log));
  }
  const alg = SITE_ALGORITHMS.find((known) => known === header.alg);
  if (alg === undefined || jwksUrl === undefined || header.kid === undefined) return undefined;
  const key = await findSiteKey(jwksUrl, header.kid, log);
  if (key === undefined || (key.alg ?? alg) !== alg) return undefined;
  const issuer = siteIssuerOf(configuration);
  const isSession = header.typ === SESSION_TYPE;
  const payload = await payloadOf(
    token,
    () =>
      verify(token, key, {
        alg,
        iss: issuer,
        aud: isSession ? SESSION_AUDIENCE : [issuer, configuration.BASE_URL],
        iat: false,
        ...(isSession && { typ: SESSION_TYPE }),
      }),
    log,
  );
  if (isSession) return readKeySession(payload);
  return isForOne(payload) ? readUserToken(payload) : undefined;
}

/** What was signed; undefined where the signature, the issuer, the audience or the time is wrong, or the key is. */
async function payloadOf(token: string, verifying: () => Promise<unknown>, log: Logger): Promise<unknown> {
  if (token.split(".").length !== 3) return undefined;
  try {
    return await verifying();
  } catch (error) {
    // By the platform, which has looked at the key: whatever is wrong with a token is an error of another kind.
    if (error instanceof DOMException) log.warn("site_key_unusable", { cause: describeError(error) });
    return undefined;
  }
}

/** A token that is for somebody else too is none that the site has made for here. */
function isForOne(payload: unknown): boolean {
  return z.object({ aud: z.union([z.string(), z.tuple([z.string()])]) }).safeParse(payload).success;
}

function readHeader(token: string): z.output<typeof headerSchema> | undefined {
  try {
    return headerSchema.safeParse(decode(token).header).data;
  } catch {
    // No JWT at all.
    return undefined;
  }
}

/** Of a token what its signature covers, letter by letter: one signature may be written in several ways, or be made anew. */
function signedPart(token: string): string {
  return token.slice(0, token.lastIndexOf("."));
}

/** What a session is known by here, by which it can be signed out: a UUID, as those of our own tokens are. */
function idOf(parts: readonly unknown[]): string {
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  return toUuid(hash);
}
