import { NeonDbError } from "@neondatabase/serverless";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { ApplicationError } from "../errors.ts";

// PostgreSQL's error codes, https://www.postgresql.org/docs/current/errcodes-appendix.html
const INVALID_AUTHORIZATION = "28000";
/** Connection, missing database, resources, operator's intervention, the system itself. */
const UNAVAILABLE_CLASSES = ["08", "3D", "53", "57", "58"];
/** What it was given does not fit: data, constraints, limits, and what our own functions raise. */
const REFUSAL_CLASSES = ["22", "23", "54", "P0"];
const LONGEST_MESSAGE = 300;

/** How a request to the database fails by no fault of what was sent. */
export type DatabaseFailure = "unavailable" | "internal";

/**
 * The SQLSTATE code behind whatever the driver threw: drizzle wraps the error of a single query and not that of a batch.
 *
 * @returns undefined where it was not Postgres that answered
 */
export function sqlState(error: unknown): string | undefined {
  return findDatabaseError(error)?.code;
}

/**
 * What may be written down of a failed request to the database. Postgres' own messages can quote what a person has
 * typed, so they are left out; those of a connection that failed come from the driver or a proxy and do not.
 *
 * @returns undefined where it is no database error
 */
export function describeDatabaseError(error: Error): string | undefined {
  // drizzle's wrapper names the query and its parameters; what it wraps is described on its own.
  if (error instanceof DrizzleQueryError) return "";
  if (!(error instanceof NeonDbError)) return undefined;
  const { code, constraint, message } = error;
  if (code === undefined) return message.split("\n", 1).join("").slice(0, LONGEST_MESSAGE);
  return constraint === undefined ? `SQLSTATE ${code}` : `SQLSTATE ${code}, constraint ${constraint}`;
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

/**
 * What kind of failure it was that the driver threw.
 *
 * @returns undefined where the database works and has refused what it was given
 */
export function databaseFailureOf(error: unknown): DatabaseFailure | undefined {
  if (isUnavailable(error)) return "unavailable";
  const state = sqlState(error);
  const isRefusal = state === INVALID_AUTHORIZATION || REFUSAL_CLASSES.some((prefix) => state?.startsWith(prefix));
  return isRefusal ? undefined : "internal";
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
