import { createHmac, timingSafeEqual } from "node:crypto";
import { deriveKey } from "./derive-key.ts";

/** The secret that is signed with, and the one before it while it is being rotated. */
export interface SigningSecrets {
  readonly JWT_SECRET: string;
  readonly JWT_SECRET_PREVIOUS?: string | undefined;
}

/** What is signed: what one purpose signs never passes for what another does. */
export interface SigningPurpose {
  readonly purpose: string;
  /** How many bytes of the HMAC are used: half of its 32 or more (RFC 2104 section 5). */
  readonly bytes: 16 | 32;
}

/** Signs a text with JWT_SECRET: HMAC-SHA256, in base64url. */
export function sign(text: string, purpose: SigningPurpose, { JWT_SECRET }: SigningSecrets): string {
  return signWith(JWT_SECRET, text, purpose);
}

/** Signs a text with a secret: HMAC-SHA256, in base64url. */
export function signWith(secret: string, text: string, { purpose, bytes }: SigningPurpose): string {
  return hmac(text, purpose, secret).subarray(0, bytes).toString("base64url");
}

/** Whether `sign` has made a signature of this text, with the secret or the one before it. */
export function isSigned(
  text: string,
  signature: string,
  purpose: SigningPurpose,
  { JWT_SECRET, JWT_SECRET_PREVIOUS }: SigningSecrets,
): boolean {
  return isSignedWithAny([JWT_SECRET, JWT_SECRET_PREVIOUS], text, signature, purpose);
}

/** Whether `signWith` has made a signature of this text, with one of these secrets. */
export function isSignedWithAny(
  secrets: readonly (string | undefined)[],
  text: string,
  signature: string,
  { purpose, bytes }: SigningPurpose,
): boolean {
  const presented = Buffer.from(signature, "base64url");
  if (presented.length !== bytes) return false;
  return secrets
    .filter((secret) => secret !== undefined)
    .some((secret) => timingSafeEqual(presented, hmac(text, purpose, secret).subarray(0, bytes)));
}

function hmac(text: string, purpose: string, secret: string): Buffer {
  return createHmac("sha256", deriveKey(secret, purpose)).update(text).digest();
}
