import { sql } from "drizzle-orm";
import * as z from "zod";
import { callFunction } from "../database/call-function.ts";
import type { Database } from "../database/database.ts";
import { ApplicationError } from "../errors.ts";

const confirmedSchema = z
  .tuple([z.object({ since: z.coerce.date().nullable() })])
  .transform(([{ since }]) => since ?? undefined);

/** A sign-in whose password was right when it was compared. */
interface ComparedSignIn {
  readonly userId: number;
  /** What the password was compared with, or has become. */
  readonly passwordHash: string;
  /** When its person was asked. */
  readonly askedAt: Date;
  /** Whether it follows what has just ended every sign-in, and is not ended by that. */
  readonly outlasts: boolean;
}

/**
 * Has a sign-in count, where the password is still the one that it was compared with. A change of the password at the same time
 * ends it, or is seen here: one of the two comes first in the database.
 *
 * @returns since when it counts, which is when its token is issued; undefined where the password is another by now
 * @throws ApplicationError `unavailable`
 */
export async function confirmSignIn(
  database: Database,
  { userId, passwordHash, askedAt, outlasts }: ComparedSignIn,
): Promise<Date | undefined> {
  const asked = askedAt.toISOString();
  const rows = await callFunction(
    database,
    "writes",
    (deadline) => sql`select confirm_sign_in(${userId}, ${passwordHash}, ${asked}, ${outlasts}, ${deadline}) as since`,
  );
  return confirmedSchema.parse(rows);
}

/**
 * Begins a sign-in with a password that has just been set, which has ended all others.
 *
 * @returns since when it counts
 * @throws ApplicationError `conflict` where the password has become another since; `unavailable`
 */
export async function confirmNewPassword(database: Database, userId: number, passwordHash: string): Promise<Date> {
  const since = await confirmSignIn(database, { userId, passwordHash, askedAt: new Date(), outlasts: true });
  if (since !== undefined) return since;
  throw new ApplicationError("conflict", "The password was set, and another request has changed it again since.");
}
