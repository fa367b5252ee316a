import { and, eq, gt, isNull, or, sql } from "drizzle-orm";
import type { oauthGrants, personalTokens } from "../database/schema.ts";
import type { UserDatabase } from "../database/user-database.ts";

/** What counts of a user's connected clients or personal tokens: an expired one stays until something is done to its kind. */
export function countingOf({ userId }: UserDatabase, table: typeof oauthGrants | typeof personalTokens) {
  return and(eq(table.userId, userId), or(isNull(table.expiresAt), gt(table.expiresAt, sql`now()`)));
}
