import { sql } from "drizzle-orm";
import * as z from "zod";
import type { Database } from "../../database/database.ts";
import { toUuid } from "../../uuid.ts";
import { callFunction, changeByFunction } from "./call-function.ts";

// Postgres holds every grant, and which of its refresh tokens count: drizzle/0016_oauth.sql says by which rule.

/** Whose grant it is, and which. */
export interface GrantKey {
  readonly userId: number;
  readonly grantId: string;
}

/** A grant as the OAuth library writes it, as far as we look into it; the rest is kept as it is. */
export const grantRecordSchema = z.looseObject({
  clientId: z.string(),
  scope: z.array(z.string()),
  metadata: z.unknown(),
  expiresAt: z.number().optional(),
  authCodeId: z.string().optional(),
  authCodeWrappedKey: z.string().optional(),
  refreshTokenId: z.string().optional(),
  refreshTokenWrappedKey: z.string().optional(),
  previousRefreshTokenId: z.string().optional(),
  previousRefreshTokenWrappedKey: z.string().optional(),
});

export type GrantRecord = z.output<typeof grantRecordSchema>;

/** A new grant, and what its person is shown of it. */
export interface NewGrant {
  readonly record: GrantRecord;
  readonly clientName: string;
  readonly clientHost: string | undefined;
  readonly redirectHost: string;
  /** When the person signed in to allow it. */
  readonly signedInAt: Date;
  /** In seconds, until its code is exchanged. */
  readonly lifetime: number;
}

/** The grant of a code or a refresh token; `wrappedKey` is the refresh token's, undefined for a code. */
export interface FoundGrant {
  readonly record: GrantRecord;
  readonly wrappedKey: string | undefined;
}

/** A refresh token that was made. */
export interface NewRefreshToken {
  readonly hash: string;
  readonly wrappedKey: string;
  /** When the grant ends unless it is refreshed again. */
  readonly grantExpiresAt: Date;
}

/** What an access token is known by in Postgres: the UUID that its SHA-256, in hex, begins with. */
export function accessTokenId(hash: string): string {
  return toUuid(hash);
}

const foundSchema = z.object({ record: grantRecordSchema, wrapped_key: z.string().nullable() });

/** The grants in Postgres. Every method throws ApplicationError `unavailable` where Postgres cannot be reached. */
export class Grants {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Keeps a new grant; false where its person has signed out everywhere since, or is gone. */
  keep({ userId, grantId }: GrantKey, grant: NewGrant): Promise<boolean> {
    const { record, clientName, clientHost = null, redirectHost, signedInAt, lifetime } = grant;
    return changeByFunction(
      this.#database,
      (deadline) => sql`keep_oauth_grant(
        ${userId}, ${grantId}, ${JSON.stringify(record)}::jsonb, ${record.clientId}, ${clientName}, ${clientHost},
        ${redirectHost}, array(select jsonb_array_elements_text(${JSON.stringify(record.scope)}::jsonb)), ${lifetime},
        ${signedInAt.toISOString()}, ${deadline}
      )`,
    );
  }

  /**
   * The grant that a code or a refresh token is of.
   *
   * @param presentedHash the SHA-256 of that secret, in hex
   * @returns undefined where it counts no more
   */
  async find({ userId, grantId }: GrantKey, presentedHash: string): Promise<FoundGrant | undefined> {
    const [row] = await callFunction(
      this.#database,
      "reads",
      () => sql`select record, wrapped_key from find_oauth_grant(${userId}, ${grantId}, ${presentedHash})`,
    );
    if (row === undefined) return undefined;
    const { record, wrapped_key: wrappedKey } = foundSchema.parse(row);
    return { record, wrappedKey: wrappedKey ?? undefined };
  }

  /** Exchanges a code for a first refresh token; false where another request has. */
  exchange({ userId, grantId }: GrantKey, codeHash: string, record: GrantRecord, token: NewRefreshToken) {
    const { hash, wrappedKey, grantExpiresAt } = token;
    return changeByFunction(
      this.#database,
      (deadline) => sql`exchange_oauth_code(
        ${userId}, ${grantId}, ${codeHash}, ${JSON.stringify(record)}::jsonb, ${hash}, ${wrappedKey},
        ${grantExpiresAt.toISOString()}, ${deadline}
      )`,
    );
  }

  /** Makes a successor of a refresh token; false where that counts no more. */
  refresh({ userId, grantId }: GrantKey, usedHash: string, token: NewRefreshToken): Promise<boolean> {
    const { hash, wrappedKey, grantExpiresAt } = token;
    return changeByFunction(
      this.#database,
      (deadline) => sql`refresh_oauth_grant(
        ${userId}, ${grantId}, ${usedHash}, ${hash}, ${wrappedKey}, ${grantExpiresAt.toISOString()}, ${deadline}
      )`,
    );
  }

  /** Ends one access token of a grant, which would have lasted for so many seconds more at most. */
  async endToken({ userId, grantId }: GrantKey, tokenHash: string, lifetime: number): Promise<void> {
    const id = accessTokenId(tokenHash);
    await callFunction(
      this.#database,
      "writes",
      () => sql`select end_oauth_token(${userId}, ${grantId}, ${id}, ${lifetime})`,
    );
  }

  /** Ends the grant that a refresh token is of, where the token counts. */
  async end({ userId, grantId }: GrantKey, presentedHash: string): Promise<void> {
    await callFunction(
      this.#database,
      "writes",
      () => sql`select end_oauth_grant(${userId}, ${grantId}, ${presentedHash})`,
    );
  }
}
