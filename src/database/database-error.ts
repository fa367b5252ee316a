import { NeonDbError } from "@neondatabase/serverless";
import { ApplicationError } from "../errors.ts";

// PostgreSQL's error codes, https://www.postgresql.org/docs/current/errcodes-appendix.html
const INVALID_AUTHORIZATION = "28000";
/** Connection, missing database, resources, operator's intervention, the system itself. */
const UNAVAILABLE_CLASSES = ["08", "3D", "53", "57", "58"];

/**
 * The SQLSTATE code behind whatever the driver threw: drizzle wraps the error of a single query and not that of a batch.
 *
 * @returns undefined where it was not Postgres that answered
 */
export function sqlState(error: unknown): string | undefined {
  return findDatabaseError(error)?.code;
}

/** Turns a failed request to the database into one of the application's errors. */
export function toDatabaseError(error: unknown): ApplicationError {
  if (sqlState(error) === INVALID_AUTHORIZATION) {
    return new ApplicationError("unauthenticated", "The token has been signed out; sign in again.", { cause: error });
  }
  if (isUnavailable(error)) {
    return new ApplicationError("unavailable", "The database cannot be reached; try again in a moment.", {
      retryAfter: 5,
      cause: error,
    });
  }
  return new ApplicationError("internal", "Something went wrong on our side.", { cause: error });
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof DOMException) return error.name === "TimeoutError";
  const databaseError = findDatabaseError(error);
  if (databaseError === undefined) return false;
  // Without a code the answer is not Postgres' own: nobody, or Neon's proxy, was there.
  const { code } = databaseError;
  return code === undefined || UNAVAILABLE_CLASSES.some((prefix) => code.startsWith(prefix));
}

function findDatabaseError(error: unknown): NeonDbError | undefined {
  if (error instanceof NeonDbError) return error;
  return error instanceof Error && error.cause !== undefined ? findDatabaseError(error.cause) : undefined;
}
