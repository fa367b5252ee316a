import * as z from "zod";
import type { Caller } from "../../caller.ts";
import { isSignedWithAny, signWith } from "../../signature.ts";

/** How long a person stays signed in on the consent page, in seconds: for its steps, and for a second client. */
export const CONSENT_SESSION_LIFETIME = 10 * 60;

const ALLOWED_CLOCK_SKEW_MILLISECONDS = 60_000;

const COOKIE = "__Host-authorize-session";

/** The cookie among others: what is signed, and the signature. None of it needs escaping. */
const SENT_COOKIE = new RegExp(`(?:^|; *)${COOKIE}=([\\w.-]+)\\.([\\w-]+)(?:;|$)`);

const PURPOSE = { purpose: "consent session", bytes: 32 } as const;

/** What the cookie is signed with, and what was signed with before, while the secret is being rotated. */
export interface ConsentSecrets {
  readonly secret: string;
  readonly previousSecret?: string | undefined;
}

/** A user's id, the session's own, and when it began, in milliseconds. */
const valueSchema = z
  .string()
  .regex(/^[1-9]\d{0,9}\.[\da-f-]{36}\.\d{1,15}$/)
  .transform((value) => {
    const [userId, id, begun] = value.split(".");
    return { userId: Number(userId), id, begun: Number(begun) };
  })
  .pipe(z.object({ userId: z.int32(), id: z.uuid(), begun: z.number() }));

/**
 * Signs a person in on the consent page, and nowhere else: its cookie has a key of its own, and no other route reads it.
 *
 * @param since when they have given their password
 * @returns the `Set-Cookie` header. Its path must be "/" (RFC 6265bis section 4.1.3.2)
 */
export function beginConsentSession(userId: number, since: Date, { secret }: ConsentSecrets): string {
  const value = `${userId}.${crypto.randomUUID()}.${since.getTime()}`;
  const signature = signWith(secret, value, PURPOSE);
  return `${COOKIE}=${value}.${signature}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${CONSENT_SESSION_LIFETIME}`;
}

/**
 * Who is signed in on the consent page. Whether they still are is checked with the first query made in their name, as with
 * every sign-in: signing out everywhere ends this one too.
 *
 * @param cookies the request's `Cookie` header
 * @returns undefined where nobody is, or was for too long
 */
export function readConsentSession(
  cookies: string | undefined,
  { secret, previousSecret }: ConsentSecrets,
): Caller | undefined {
  const [, value = "", signature = ""] = SENT_COOKIE.exec(cookies ?? "") ?? [];
  if (!isSignedWithAny([secret, previousSecret], value, signature, PURPOSE)) return undefined;
  const parsed = valueSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { userId, id, begun } = parsed.data;
  const expiresAt = begun + CONSENT_SESSION_LIFETIME * 1000;
  const now = Date.now();
  if (now >= expiresAt || begun > now + ALLOWED_CLOCK_SKEW_MILLISECONDS) return undefined;
  const credential = { kind: "sign_in", id, issuedAt: new Date(begun), expiresAt: new Date(expiresAt) } as const;
  return { userId, credential, access: "full" };
}
