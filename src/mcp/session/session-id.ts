import { type Caller, scopesOf } from "../../caller.ts";
import { RecentValues } from "../../recent-values.ts";
import { isSigned, type SigningPurpose, type SigningSecrets, sign } from "../../signature.ts";

/** Whose session it is: another user, or the same one with other rights, cannot use it. */
type SessionOwner = Pick<Caller, "userId" | "access">;

const SIGNED: SigningPurpose = { purpose: "mcp session id", bytes: 32 };

/** A session id that was read, and for whom: it stays right for as long as these are the same. */
interface ReadSessionId {
  readonly objectId: string;
  readonly owner: SessionOwner;
  readonly secrets: SigningSecrets;
}

const readBefore = new RecentValues<ReadSessionId>(1_000);

/**
 * Makes a session id (MCP 2025-11-25, Transports, Session Management): the random id of a Durable Object, and an
 * HMAC-SHA256 that binds it to its owner.
 */
export function signSessionId(objectId: string, owner: SessionOwner, secrets: SigningSecrets): string {
  return `${objectId}.${sign(signedText(objectId, owner), SIGNED, secrets)}`;
}

/**
 * Reads a session id without touching its object.
 *
 * @returns the object's id; undefined for an id that is not ours, was altered, or is not this owner's
 */
export function readSessionId(sessionId: string, owner: SessionOwner, secrets: SigningSecrets): string | undefined {
  const known = readBefore.get(sessionId);
  if (known?.owner === owner && known.secrets === secrets) return known.objectId;
  const objectId = readAnew(sessionId, owner, secrets);
  if (objectId !== undefined) readBefore.set(sessionId, { objectId, owner, secrets });
  return objectId;
}

function readAnew(sessionId: string, owner: SessionOwner, secrets: SigningSecrets): string | undefined {
  const [, objectId, signature] = /^([\da-f]{64})\.([\w-]{43})$/.exec(sessionId) ?? [];
  if (objectId === undefined || signature === undefined) return undefined;
  return isSigned(signedText(objectId, owner), signature, SIGNED, secrets) ? objectId : undefined;
}

function signedText(objectId: string, owner: SessionOwner): string {
  // An empty list stands for full access, as it did before there were scopes.
  const rights = owner.access === "full" ? [] : ["limited", ...scopesOf(owner)];
  return JSON.stringify([objectId, owner.userId, rights]);
}
