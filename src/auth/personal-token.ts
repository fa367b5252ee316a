import { type Caller, readAccess, type Scope } from "../caller.ts";
import { isSignedWithAny, type SigningPurpose, signWith } from "../signature.ts";
import { toUuid } from "../uuid.ts";
import type { TokenSecrets } from "./token-secrets.ts";

// A personal token is `tsk_` and 62 characters of base64url, of 46 bytes:
//   0       version, 1
//   1       what it may do: a bit for each scope, or that for everything
//   2–5     the user's id            all numbers are big-endian
//   6–9     when it was made         seconds since 1970
//   10–13   when it expires          seconds since 1970; 0 for never
//   14–29   its random id, a UUID
//   30–45   HMAC-SHA256 of the bytes before, by a key derived from TOKEN_SECRET; the first half of it
// So whose it is, and that we have made it, is known without a look-up, and nothing that is kept of it can be used.

const PREFIX = "tsk_";
const VERSION = 1;
const SIGNED_BYTES = 30;
const SIGNED: SigningPurpose = { purpose: "personal token", bytes: 16 };
const ACCESS_BITS: Readonly<Record<"full" | Scope, number>> = { full: 1, "tasks:read": 2, "tasks:write": 4 };

/** What stands in a personal token. */
export interface PersonalToken {
  readonly id: string;
  readonly userId: number;
  readonly access: Caller["access"];
  readonly issuedAt: Date;
  /** In whole seconds; undefined for never. */
  readonly expiresAt: Date | undefined;
}

/** Whether a bearer token says that it is a personal token. */
export function isPersonalToken(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** Makes a personal token: 66 characters that hold what it is. */
export function makePersonalToken(
  { id, userId, access, issuedAt, expiresAt }: PersonalToken,
  { TOKEN_SECRET }: TokenSecrets,
): string {
  const bytes = Buffer.alloc(SIGNED_BYTES);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeUInt8(bitsOf(access), 1);
  bytes.writeUInt32BE(userId, 2);
  bytes.writeUInt32BE(toSeconds(issuedAt), 6);
  bytes.writeUInt32BE(expiresAt === undefined ? 0 : toSeconds(expiresAt), 10);
  bytes.write(id.replaceAll("-", ""), 14, "hex");
  const signature = Buffer.from(signWith(TOKEN_SECRET, bytes.toString("hex"), SIGNED), "base64url");
  return PREFIX + Buffer.concat([bytes, signature]).toString("base64url");
}

/**
 * Reads a personal token.
 *
 * @returns undefined for one that we have not made, that was altered, or that has expired
 */
export function readPersonalToken(token: string, secrets: TokenSecrets): PersonalToken | undefined {
  const [, encoded] = /^tsk_([\w-]{62})$/.exec(token) ?? [];
  if (encoded === undefined) return undefined;
  const whole = Buffer.from(encoded, "base64url");
  // The last characters of base64 may be written in several ways; a token has one.
  if (whole.toString("base64url") !== encoded) return undefined;
  const bytes = whole.subarray(0, SIGNED_BYTES);
  const signature = whole.subarray(SIGNED_BYTES).toString("base64url");
  const { TOKEN_SECRET, TOKEN_SECRET_PREVIOUS } = secrets;
  if (!isSignedWithAny([TOKEN_SECRET, TOKEN_SECRET_PREVIOUS], bytes.toString("hex"), signature, SIGNED))
    return undefined;
  if (bytes.readUInt8(0) !== VERSION) return undefined;
  const expiresIn = bytes.readUInt32BE(10);
  const expiresAt = expiresIn === 0 ? undefined : new Date(expiresIn * 1000);
  if (expiresAt !== undefined && expiresAt.getTime() <= Date.now()) return undefined;
  return {
    id: toUuid(bytes.toString("hex", 14)),
    userId: bytes.readUInt32BE(2),
    access: accessOf(bytes.readUInt8(1)),
    issuedAt: new Date(bytes.readUInt32BE(6) * 1000),
    expiresAt,
  };
}

function bitsOf(access: Caller["access"]): number {
  if (access === "full") return ACCESS_BITS.full;
  return [...access].reduce((bits, scope) => bits | ACCESS_BITS[scope], 0);
}

/** A bit that this release does not know gives nothing. */
function accessOf(bits: number): Caller["access"] {
  if (bits === ACCESS_BITS.full) return "full";
  return readAccess(Object.entries(ACCESS_BITS).flatMap(([scope, bit]) => ((bits & bit) === 0 ? [] : [scope])));
}

function toSeconds(moment: Date): number {
  return Math.floor(moment.getTime() / 1000);
}
