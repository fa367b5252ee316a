import { and, eq, gt, isNull, or, sql } from "drizzle-orm";
import { oauthGrants, type personalTokens } from "../database/schema.ts";
import type { UserDatabase } from "../database/user-database.ts";

/**
 * What counts of a user's connected clients or personal tokens: an expired one stays until something is done to its kind, and a
 * client is connected once it has come for its tokens.
 */
export function countingOf({ userId }: UserDatabase, table: typeof oauthGrants | typeof personalTokens) {
  const isThere = or(isNull(table.expiresAt), gt(table.expiresAt, sql`now()`));
  return and(eq(table.userId, userId), isThere, table === oauthGrants ? oauthGrants.isExchanged : undefined);
}
