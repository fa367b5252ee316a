import { createHmac, timingSafeEqual } from "node:crypto";
import { deriveKey } from "../../auth/derive-key.ts";
import { type Caller, scopesOf } from "../../caller.ts";
import { RecentValues } from "../../recent-values.ts";

/** Whose session it is: another user, or the same one with other rights, cannot use it. */
type SessionOwner = Pick<Caller, "userId" | "access">;

/** The secret that session ids are signed with, and the one before it while it is being rotated. */
export interface SessionIdSecrets {
  readonly JWT_SECRET: string;
  readonly JWT_SECRET_PREVIOUS?: string | undefined;
}

/** A session id that was read, and for whom: it stays right for as long as these are the same. */
interface ReadSessionId {
  readonly objectId: string;
  readonly owner: SessionOwner;
  readonly secrets: SessionIdSecrets;
}

const readBefore = new RecentValues<ReadSessionId>(1_000);

/**
 * Makes a session id (MCP 2025-11-25, Transports, Session Management): the random id of a Durable Object, and an
 * HMAC-SHA256 that binds it to its owner.
 */
export function signSessionId(objectId: string, owner: SessionOwner, { JWT_SECRET: secret }: SessionIdSecrets): string {
  return `${objectId}.${sign(objectId, owner, secret).toString("base64url")}`;
}

/**
 * Reads a session id without touching its object.
 *
 * @returns the object's id; undefined for an id that is not ours, was altered, or is not this owner's
 */
export function readSessionId(sessionId: string, owner: SessionOwner, secrets: SessionIdSecrets): string | undefined {
  const known = readBefore.get(sessionId);
  if (known?.owner === owner && known.secrets === secrets) return known.objectId;
  const objectId = readAnew(sessionId, owner, secrets);
  if (objectId !== undefined) readBefore.set(sessionId, { objectId, owner, secrets });
  return objectId;
}

function readAnew(
  sessionId: string,
  owner: SessionOwner,
  { JWT_SECRET, JWT_SECRET_PREVIOUS }: SessionIdSecrets,
): string | undefined {
  const [, objectId, signature] = /^([\da-f]{64})\.([\w-]{43})$/.exec(sessionId) ?? [];
  if (objectId === undefined || signature === undefined) return undefined;
  const presented = Buffer.from(signature, "base64url");
  const isOurs = [JWT_SECRET, JWT_SECRET_PREVIOUS]
    .filter((secret) => secret !== undefined)
    .some((secret) => timingSafeEqual(presented, sign(objectId, owner, secret)));
  return isOurs ? objectId : undefined;
}

function sign(objectId: string, owner: SessionOwner, secret: string): Buffer {
  // An empty list stands for full access, as it did before there were scopes.
  const rights = owner.access === "full" ? [] : ["limited", ...scopesOf(owner)];
  const signed = JSON.stringify([objectId, owner.userId, rights]);
  return createHmac("sha256", deriveKey(secret, "mcp session id")).update(signed).digest();
}
