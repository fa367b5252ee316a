import * as z from "zod";
import { ApplicationError } from "./errors.ts";
import { withoutUnseen } from "./quote.ts";

/** What a credential may be limited to (RFC 6749 section 3.3). */
export const scopes = ["tasks:read", "tasks:write"] as const;

export type Scope = (typeof scopes)[number];

const credentialKinds = ["sign_in", "personal", "oauth", "site"] as const;

/** What a site calls one of its users; it stands for one account here, always the same. */
export interface SiteIdentity {
  readonly issuer: string;
  readonly subject: string;
}

/** What a request has proved with whose it is. */
export interface Credential {
  /** A token of our own sign-in, a personal access token, an OAuth access token, or the session of another site. */
  readonly kind: (typeof credentialKinds)[number];
  /**
   * By which it can be ended: a UUID, of a sign-in its `jti` (RFC 7519 section 4.1.7), of a site's session one made of its
   * own id, or of its token where that tells of no session; of an OAuth access token the id of its grant.
   */
  readonly id: string;
  readonly issuedAt: Date;
  /** Undefined for a personal token that does not expire. */
  readonly expiresAt: Date | undefined;
  /** The OAuth client that it was issued to. */
  readonly clientId?: string | undefined;
  /** By which one access token of an OAuth grant can be ended, and the others go on: a UUID. */
  readonly tokenId?: string | undefined;
  /** Who vouches for it, of a site's session. */
  readonly identity?: SiteIdentity | undefined;
  /** When a site's session began; undefined where the site's token tells of none. */
  readonly sessionBegan?: Date | undefined;
}

/** Whose request this is, and what they may do. */
export interface Caller {
  readonly userId: number;
  readonly credential: Credential;
  /** Everything, or what these scopes allow: an empty set allows nothing. */
  readonly access: "full" | ReadonlySet<Scope>;
}

/** How a call comes: what the log of changes will tell of it. */
export interface Origin {
  readonly via: "mcp" | "chat" | "http" | "page" | "schedule";
  /** The name that the client gives itself; undefined where it gives none. */
  readonly client?: string | undefined;
  readonly requestId: string;
}

const LONGEST_CLIENT_NAME = 100;

/** A client's own name for itself as an origin keeps it: one line of at most 100 characters; undefined for what is no name. */
export function clientName(name: unknown): string | undefined {
  if (typeof name !== "string") return undefined;
  // Postgres keeps neither U+0000 nor half a pair of surrogates.
  const shown = withoutUnseen(name.slice(0, 2 * LONGEST_CLIENT_NAME).toWellFormed());
  const kept = Array.from(shown).slice(0, LONGEST_CLIENT_NAME).join("").trim();
  return kept === "" ? undefined : kept;
}

/** Whether a caller may do what asks for a scope. */
export function isAllowed({ access }: Caller, scope: Scope): boolean {
  return access === "full" || access.has(scope);
}

/**
 * The error of a caller whose credential has too few scopes.
 *
 * @param asking what asks for them
 * @param lacking those that it lacks; the error names those that it would have to have, what it has among them
 */
export function insufficientScope(
  asking: readonly string[],
  lacking: readonly Scope[],
  caller: Caller,
): ApplicationError {
  const verb = asking.length === 1 ? "needs" : "need";
  const message = `${asking.join(", ")} ${verb} the scope ${lacking.join(" and ")}, which is not granted here.`;
  const neededScopes = [...new Set([...scopesOf(caller), ...lacking])].sort();
  return new ApplicationError("forbidden", message, { neededScopes });
}

/** A caller who may do no more than read, whatever their credential allows. */
export function readingOnly(caller: Caller): Caller {
  return { ...caller, access: new Set(isAllowed(caller, "tasks:read") ? ["tasks:read"] : []) };
}

/**
 * What is remembered of a credential, such as that it has ended, is remembered by this name: of one access token of an OAuth
 * grant nothing follows for another.
 */
export function credentialName({ tokenId, id }: Credential): string {
  return tokenId ?? id;
}

/** Whether the time of a credential is over. */
export function hasExpired({ expiresAt }: Credential): boolean {
  return expiresAt !== undefined && expiresAt.getTime() <= Date.now();
}

/** The scopes of a caller in one order; empty for one who may do everything. */
export function scopesOf({ access }: Pick<Caller, "access">): Scope[] {
  return access === "full" ? [] : [...access].sort();
}

const callerRecordSchema = z.object({
  userId: z.number(),
  tokenId: z.string(),
  tokenIssuedAt: z.date(),
  tokenExpiresAt: z.date(),
  scopes: z.array(z.string()),
  credential: z
    .object({
      kind: z.enum(credentialKinds),
      id: z.string(),
      issuedAt: z.date(),
      expiresAt: z.date().optional(),
      clientId: z.string().optional(),
      tokenId: z.string().optional(),
      identity: z.object({ issuer: z.string(), subject: z.string() }).optional(),
      sessionBegan: z.date().optional(),
    })
    .optional(),
  access: z.union([z.literal("full"), z.array(z.string())]).optional(),
});

/**
 * A caller as it goes to a Durable Object and is kept by one. The fields up to `scopes` are those that the release
 * before version 1.1 reads and writes; it takes an empty list of scopes for everything.
 */
export type CallerRecord = z.output<typeof callerRecordSchema>;

/** What the release before reads where a credential does not expire. */
const NEVER = new Date("9999-12-31T23:59:59Z");

/** Writes a caller so that this release and the one before can read it. */
export function toCallerRecord(caller: Caller): CallerRecord {
  const { userId, credential, access } = caller;
  return {
    userId,
    tokenId: credential.id,
    tokenIssuedAt: credential.issuedAt,
    tokenExpiresAt: credential.expiresAt ?? NEVER,
    scopes: scopesOf(caller),
    credential: { ...credential },
    access: access === "full" ? access : [...access],
  };
}

/**
 * Reads a caller that this release or the one before has written.
 *
 * @throws ApplicationError `unauthenticated` for a credential of a kind that this release does not know
 */
export function readCallerRecord(record: unknown): Caller {
  const parsed = callerRecordSchema.safeParse(record);
  if (!parsed.success) {
    throw new ApplicationError("unauthenticated", "The credential cannot be read; sign in again.", {
      cause: parsed.error,
    });
  }
  const { userId, tokenId, tokenIssuedAt, tokenExpiresAt, scopes: listed, credential, access } = parsed.data;
  return {
    userId,
    credential: {
      ...(credential ?? { kind: "sign_in", id: tokenId, issuedAt: tokenIssuedAt }),
      expiresAt: credential === undefined ? tokenExpiresAt : credential.expiresAt,
    },
    access: readAccess(access ?? (listed.length === 0 ? "full" : listed)),
  };
}

/** The access that a list of scopes gives; one that is not known gives nothing. */
export function readAccess(listed: "full" | readonly string[]): Caller["access"] {
  return listed === "full" ? listed : new Set(scopes.filter((scope) => listed.includes(scope)));
}
