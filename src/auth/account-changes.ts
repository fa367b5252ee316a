import { and, eq, sql } from "drizzle-orm";
import { sqlState } from "../database/database-error.ts";
import { users } from "../database/schema.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { readUser, refused, type User, userSchema } from "./accounts.ts";

const INVALID_PARAMETER_VALUE = "22023";

/** What a person may change of their account without more ado. */
export interface ProfileChange {
  readonly name?: string | undefined;
  /** An IANA time zone. */
  readonly timeZone?: string | undefined;
}

/**
 * Changes the caller's name or time zone.
 *
 * @returns the account as it is then
 * @throws ApplicationError `invalid_input` for a time zone that Postgres does not know; and what `write` throws
 */
export async function changeProfile(own: UserDatabase, { name, timeZone }: ProfileChange): Promise<User> {
  // Postgres looks at the name of a time zone only where it is used.
  const isKnown = timeZone === undefined ? undefined : sql`now() at time zone ${timeZone} is not null`;
  try {
    const { results } = await own.write("change_profile", (query) => [
      query
        .update(users)
        .set({ name, timeZone, updatedAt: sql`now()` })
        .where(and(eq(users.id, own.userId), isKnown))
        .returning({ id: users.id, email: users.email, name: users.name, time_zone: users.timeZone }),
    ]);
    return results === undefined ? await readUser(own) : userSchema.parse(results[0][0]);
  } catch (error) {
    if (sqlState(error) !== INVALID_PARAMETER_VALUE) throw error;
    throw refused("invalid_input", "time_zone", "must be an IANA time zone");
  }
}
