import { type Caller, type Scope, scopes, scopesOf } from "../../caller.ts";
import { RecentValues } from "../../recent-values.ts";
import { isSigned, type SigningPurpose, type SigningSecrets, sign } from "../../signature.ts";

/**
 * Whose session it is: another user cannot use it, nor the same one with fewer rights, as answers of before can be fetched
 * again. With more they can: a client that was given another scope goes on.
 */
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
  const isOurs = rightsWithin(owner.access).some((access) =>
    isSigned(signedText(objectId, { userId: owner.userId, access }), signature, SIGNED, secrets),
  );
  return isOurs ? objectId : undefined;
}

/** Every set of scopes there is: none, each, and both. */
const SCOPE_SETS: readonly (readonly Scope[])[] = [[], ...scopes.map((scope) => [scope]), scopes];

/** The rights with which a session may have been opened that these rights can use: these first. */
function rightsWithin(access: Caller["access"]): Caller["access"][] {
  const fewer = SCOPE_SETS.filter(
    (set) => access === "full" || (set.length < access.size && set.every((scope) => access.has(scope))),
  );
  return [access, ...fewer.map((set) => new Set(set))];
}

function signedText(objectId: string, owner: SessionOwner): string {
  // An empty list stands for full access, as it did before there were scopes.
  const rights = owner.access === "full" ? [] : ["limited", ...scopesOf(owner)];
  return JSON.stringify([objectId, owner.userId, rights]);
}
