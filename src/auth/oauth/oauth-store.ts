import { AuthorizationError, OAuthError } from "@cloudflare/workers-oauth-provider";
import * as z from "zod";
import type { Database } from "../../database/database.ts";
import { ApplicationError } from "../../errors.ts";
import {
  type FoundGrant,
  type GrantKey,
  type GrantRecord,
  Grants,
  grantRecordSchema,
  type NewRefreshToken,
} from "./grants.ts";
import { askKeyValue, type KeyValue } from "./key-value.ts";
import { ACCESS_TOKEN_LIFETIME } from "./oauth-offer.ts";
import { SingleUses } from "./single-uses.ts";

// The OAuth library reads and writes a KV namespace. It is handed this in its place, made for one request, which tells by the
// key where a thing is kept (docs/storage.md):
//
//   grant:{user}:{grant}     Postgres, whole, as a change of it must be seen at once by everybody
//   transaction:{hash}       Postgres: a consent form is used once
//   client-assertion-jti:…   Postgres: an assertion is used once
//   token:…, client:…        KV. An access token is read by each request that brings it, and never changed; that it was cut
//                            off is known by its grant's row.
//
// The library takes a grant to have one refresh token and one before it. Two clients that refresh at once would each write
// its own successor of the same token, and the one that wrote first would be signed out. So refresh tokens are rows, and the
// library is shown a grant in which the token that this request presents is the current one, as long as it counts.

const SECONDS = 1000;

/** Until when a client is kept that has registered and nobody has allowed anything: its first token renews it for longer. */
const UNUSED_REGISTRATION = 7 * 24 * 60 * 60;

/** What a request may do in the store. */
export interface StoreUse {
  /** The SHA-256, in hex, of the code or refresh token that it presents. */
  readonly presentedHash?: string | undefined;
  /** Whether it registers a client. */
  readonly isRegistration?: boolean;
}

/** What the consent tells of a grant, beside what the library knows: it goes into columns, and not into the record. */
export const grantDetailsSchema = z.object({
  clientName: z.string(),
  clientHost: z.string().optional(),
  redirectHost: z.string(),
  signedInAt: z.coerce.date(),
});

/** An access token as the library writes it, as far as we look into it. */
const tokenSchema = z.object({ grant: z.object({ clientId: z.string() }) });

const clientSchema = z.looseObject({ registrationExpiresAt: z.number().optional() });

interface PutOptions {
  readonly expirationTtl?: number;
}

/** The library's store, for one request. */
export class OAuthStore {
  readonly #kv: KeyValue;
  readonly #grants: Grants;
  readonly #singleUses: SingleUses;
  readonly #use: StoreUse;
  readonly #clients = new Map<string, Promise<unknown>>();
  /** The grant that the library was shown. */
  #shown: FoundGrant | undefined;

  constructor(kv: KeyValue, database: Database, use: StoreUse = {}) {
    this.#kv = kv;
    this.#grants = new Grants(database);
    this.#singleUses = new SingleUses(database);
    this.#use = use;
  }

  /** What is kept under a key; null where nothing is. A value that the library reads as JSON is given parsed. */
  async get(key: string): Promise<unknown> {
    switch (kindOf(key)) {
      case "grant":
        return this.#showGrant(key);
      case "transaction":
        return this.#singleUses.find(key);
      case "client-assertion-jti":
        // To look first would take a request more; `put` tells whether it was used.
        return null;
      case "client":
        return this.#readClient(key);
      case "token":
        return this.#readToken(key);
    }
  }

  /** Keeps a value, which is JSON in all but transactions and assertions. */
  async put(key: string, value: string, { expirationTtl }: PutOptions = {}): Promise<void> {
    switch (kindOf(key)) {
      case "grant":
        return this.#writeGrant(key, grantRecordSchema.parse(JSON.parse(value)), expirationTtl);
      case "transaction":
        await this.#singleUses.keep(key, value, lifetimeOf(expirationTtl));
        return;
      case "client-assertion-jti":
        return this.#useAssertion(key, lifetimeOf(expirationTtl));
      case "client":
        return this.#writeClient(key, value, lifetimeOf(expirationTtl));
      case "token":
        await askKeyValue(this.#kv.put(key, value, { expirationTtl: lifetimeOf(expirationTtl) }));
    }
  }

  async delete(key: string): Promise<void> {
    switch (kindOf(key)) {
      case "grant": {
        const grant = readGrantKey(key);
        const { presentedHash } = this.#use;
        if (grant !== undefined && presentedHash !== undefined) await this.#grants.end(grant, presentedHash);
        return;
      }
      case "transaction":
        if (!(await this.#singleUses.take(key))) {
          const description = "This authorization expired or was already used; start again";
          throw new AuthorizationError("invalid_request", { description });
        }
        return;
      case "token":
        await this.#endToken(key);
        return;
      default:
        await askKeyValue(this.#kv.delete(key));
    }
  }

  /**
   * The library lists the access tokens of a grant that ends, to delete them first. That they are over is known by the grant,
   * which has to end although KV cannot be reached: they are left to their hour.
   */
  async list(): Promise<{ readonly keys: readonly { readonly name: string }[]; readonly list_complete: true }> {
    return { keys: [], list_complete: true };
  }

  /** The client that a code or a token was given to; undefined where that counts no more, or never did. */
  async findHolder(presented: string): Promise<string | undefined> {
    const [user, grantId] = presented.split(":", 2);
    const found = await this.#findGrant(`grant:${user}:${grantId}`);
    if (found !== undefined) return found.record.clientId;
    const token = await this.get(`token:${user}:${grantId}:${this.#use.presentedHash}`);
    return tokenSchema.safeParse(token).data?.grant.clientId;
  }

  /** A refresh token is looked for here too where its client ends it: it is a row, and KV need not be asked. */
  async #readToken(key: string): Promise<unknown> {
    const [, user, grantId] = key.split(":");
    const grant = `grant:${user}:${grantId}`;
    const isNone = readGrantKey(grant) === undefined || (await this.#findGrant(grant)) !== undefined;
    return isNone ? null : askKeyValue(this.#kv.get(key, "json"));
  }

  /** KV would show a token for a minute more; those of a grant that ends are known by that. */
  async #endToken(key: string): Promise<void> {
    const [, user, grantId, hash] = key.split(":");
    const grant = readGrantKey(`grant:${user}:${grantId}`);
    if (grant !== undefined && hash !== undefined && hash === this.#use.presentedHash) {
      await this.#grants.endToken(grant, hash, ACCESS_TOKEN_LIFETIME);
    }
    await askKeyValue(this.#kv.delete(key));
  }

  async #findGrant(key: string): Promise<FoundGrant | undefined> {
    const grant = readGrantKey(key);
    const { presentedHash } = this.#use;
    if (grant === undefined || presentedHash === undefined) return undefined;
    return this.#grants.find(grant, presentedHash);
  }

  async #showGrant(key: string): Promise<unknown> {
    const { presentedHash } = this.#use;
    this.#shown = await this.#findGrant(key);
    if (this.#shown === undefined) return null;
    const { record, wrappedKey } = this.#shown;
    return wrappedKey === undefined
      ? record
      : { ...record, refreshTokenId: presentedHash, refreshTokenWrappedKey: wrappedKey };
  }

  async #writeGrant(key: string, record: GrantRecord, expirationTtl: number | undefined): Promise<void> {
    const grant = readGrantKey(key);
    if (grant === undefined) throw notOfTheLibrary();
    if (this.#shown === undefined) return this.#keepGrant(grant, record, lifetimeOf(expirationTtl));
    const { presentedHash = "" } = this.#use;
    const token = readNewToken(record);
    if (this.#shown.wrappedKey === undefined) {
      const { authCodeId, ...exchanged } = withoutTokens(record);
      const isFirst = await this.#grants.exchange(grant, presentedHash, exchanged, token);
      if (!isFirst) throw invalidGrant("Authorization code already used", "authorization-code-grant", "code_used");
    } else if (!(await this.#grants.refresh(grant, presentedHash, token))) {
      throw invalidGrant("Invalid refresh token", "refresh-token-grant", "token_used_up");
    }
  }

  async #keepGrant(grant: GrantKey, { metadata, ...record }: GrantRecord, lifetime: number): Promise<void> {
    const details = grantDetailsSchema.parse(metadata);
    const { clientName, clientHost, redirectHost, signedInAt } = details;
    const kept = { record: { ...record, metadata: null }, clientName, clientHost, redirectHost, signedInAt, lifetime };
    if (await this.#grants.keep(grant, kept)) return;
    throw new ApplicationError("unauthenticated", "You have been signed out since; sign in again.");
  }

  async #useAssertion(key: string, lifetime: number): Promise<void> {
    // Of this request alone, so that a repeat of it whose answer was lost is told from another.
    if (await this.#singleUses.keep(key, crypto.randomUUID(), lifetime)) return;
    throw new OAuthError("invalid_client", {
      description: "Client authentication failed",
      statusCode: 401,
      internal: { category: "client-authentication", reason: "replayed" },
    });
  }

  /** The library looks a client up several times in one request. */
  async #readClient(key: string): Promise<unknown> {
    // The library gives no other identifiers, and KV takes no long ones.
    if (!/^client:[\w-]{16}$/.test(key)) return null;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const read = askKeyValue(this.#kv.get(key, "json"));
    this.#clients.set(key, read);
    return read;
  }

  /** The library renews a registration with the next token, once less than half of its time is left. */
  async #writeClient(key: string, value: string, lifetime: number): Promise<void> {
    const { isRegistration = false } = this.#use;
    const expirationTtl = isRegistration ? Math.min(lifetime, UNUSED_REGISTRATION) : lifetime;
    const registrationExpiresAt = Math.floor(Date.now() / SECONDS) + expirationTtl;
    const record = JSON.stringify({ ...clientSchema.parse(JSON.parse(value)), registrationExpiresAt });
    await askKeyValue(this.#kv.put(key, record, { expirationTtl }));
  }
}

const kinds = ["grant", "transaction", "client-assertion-jti", "client", "token"] as const;

/** @throws Error for a kind of thing that we do not know where to keep */
function kindOf(key: string): (typeof kinds)[number] {
  const kind = kinds.find((known) => key.startsWith(`${known}:`));
  if (kind === undefined) throw notOfTheLibrary();
  return kind;
}

/** Undefined for what no grant of ours can be called, of which Postgres need not be asked. */
function readGrantKey(key: string): GrantKey | undefined {
  const [, user, grantId] = /^grant:([1-9]\d{0,9}):([\w-]{16})$/.exec(key) ?? [];
  const userId = z.int32().safeParse(Number(user));
  return userId.success && grantId !== undefined ? { userId: userId.data, grantId } : undefined;
}

function readNewToken({ refreshTokenId, refreshTokenWrappedKey, expiresAt }: GrantRecord): NewRefreshToken {
  if (refreshTokenId === undefined || refreshTokenWrappedKey === undefined || expiresAt === undefined) {
    throw notOfTheLibrary();
  }
  return {
    hash: refreshTokenId,
    wrappedKey: refreshTokenWrappedKey,
    grantExpiresAt: new Date(expiresAt * SECONDS),
  };
}

function withoutTokens(record: GrantRecord): GrantRecord {
  const { refreshTokenId, refreshTokenWrappedKey, previousRefreshTokenId, previousRefreshTokenWrappedKey, ...rest } =
    record;
  return rest;
}

function lifetimeOf(expirationTtl: number | undefined): number {
  if (expirationTtl === undefined) throw notOfTheLibrary();
  return expirationTtl;
}

function invalidGrant(description: string, category: string, reason: string): OAuthError {
  return new OAuthError("invalid_grant", { description, internal: { category, reason } });
}

/** What no version of the library that we know asks for: its key, or its record, has another shape. */
function notOfTheLibrary(): Error {
  return new Error("the OAuth library has changed");
}
