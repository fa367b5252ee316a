import type { Database } from "./database.ts";
import { toDatabaseError } from "./database-error.ts";

/**
 * Calls a function that needs no user.
 *
 * @returns its rows, unparsed
 * @throws ApplicationError `unavailable`, `internal`; `sqlState` finds what Postgres raised in it
 */
export async function callFunction(database: Database, ...[effect, build]: Parameters<Database["callFunction"]>) {
  try {
    return await database.callFunction(effect, build);
  } catch (error) {
    throw toDatabaseError(error);
  }
}
