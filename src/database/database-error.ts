import { NeonDbError } from "@neondatabase/serverless";
import { DrizzleQueryError } from "drizzle-orm/errors";
import * as z from "zod";
import { ApplicationError, type ErrorKind } from "../errors.ts";
import { type LimitName, limitReached, readLimitName } from "../limits.ts";
import { claimConflict } from "./claim-conflict.ts";
import { countConflict } from "./matched-tasks.ts";
import { refusedReference } from "./refused-reference.ts";
import { TransportError } from "./sql-over-http.ts";
import { ItemsRefused, TaskChangedSince, UnknownOccurrences } from "./user-database.ts";

// PostgreSQL's error codes, https://www.postgresql.org/docs/current/errcodes-appendix.html
const INVALID_AUTHORIZATION = "28000";
/** Of our own set_caller and end_call: the call's time is over, and nothing was done. */
const TOO_LATE = "TS001";
/** Of our own set_caller: a call with this key has been carried out. */
const CARRIED_OUT = "TS002";
/** Of our own raise_limit: nothing was done. */
const LIMIT_REACHED = "TS003";
/** Of our own require_task_versions, and of hold_to_claim with a constraint's name: nothing was done. */
const CHANGED_SINCE = "TS004";
const CLAIM = "claims";
/** Of our own keep_refused, and of keep_matched with a constraint's name: nothing was done. */
const ITEMS_REFUSED = "TS006";
const EXPECTED_COUNT = "expect_count";
/** Of our own raise_reference, with the field as the constraint's name: nothing was done. */
const REFUSED_REFERENCE = "TS007";
/** Of our own triggers of recurrence: nothing was done. */
const RECURRENCE = "TS008";
/** A statement that has come to the end of its time (`statement_timeout`), or that an operator stopped: it is undone. */
const STOPPED = "57014";
/** Connection, missing database, resources, operator's intervention but the one above, the system itself. */
const UNAVAILABLE = /^(?:08|3D|53|57(?!014$)|58)/;
/** The server goes down, or the connection does, perhaps while it commits: class 57P0 but 57P05, and class 08. */
const CONNECTION_LOST = /^(?:08|57P0[1-4])/;
/** What another try may mend: a conflict with another transaction, a lock that was not to be had, a standby. */
const TRANSIENT = /^(?:40|55P03$|25P03$|25006$)/;
/** What it was given does not fit: data, constraints, limits, and what our own functions raise. */
const REFUSAL_CLASSES = ["22", "23", "54", "P0", "TS"];
const LONGEST_MESSAGE = 300;

/** What `keep_refused` tells of the items. */
const refusedSchema = z.object({ refused: z.array(z.unknown()), time_zone: z.string() });

/** How a call may fail that was carried out. */
const UNTOLD: ReadonlySet<ErrorKind> = new Set(["unavailable", "internal", "unauthenticated"]);

/** Seconds after which a request may pass that found no database. */
const RETRY_AFTER = 5;

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
  if (error instanceof TransportError) return error.message;
  // drizzle's wrapper names the query and its parameters; what it wraps is described on its own.
  if (error instanceof DrizzleQueryError) return "";
  if (!(error instanceof NeonDbError)) return undefined;
  const { code, constraint, message } = error;
  if (code === undefined) return message.split("\n", 1).join("").slice(0, LONGEST_MESSAGE);
  return constraint === undefined ? `SQLSTATE ${code}` : `SQLSTATE ${code}, constraint ${constraint}`;
}

/** What a failed attempt at a call leaves to be done about it. */
export interface AttemptFailure {
  /** Whether Postgres may have carried the attempt out. */
  readonly mayBeDone: boolean;
  /** Whether another attempt may come to something else. */
  readonly isWorthRepeating: boolean;
  /** Whether Postgres has answered: it is there. */
  readonly isAnswered: boolean;
}

/** Tells what a failed attempt means. */
export function judgeFailure(error: unknown): AttemptFailure {
  const transport = findCause(error, TransportError);
  if (transport !== undefined) return { mayBeDone: transport.mayBeDone, isWorthRepeating: true, isAnswered: false };
  const databaseError = findDatabaseError(error);
  // An error that is not the database's is our own.
  if (databaseError === undefined) return { mayBeDone: true, isWorthRepeating: false, isAnswered: true };
  const { code } = databaseError;
  // Neon's proxy answers so where it finds nobody.
  if (code === undefined) return { mayBeDone: true, isWorthRepeating: true, isAnswered: false };
  const isUnavailable = UNAVAILABLE.test(code);
  return {
    mayBeDone: CONNECTION_LOST.test(code),
    isWorthRepeating: isUnavailable || TRANSIENT.test(code),
    isAnswered: !isUnavailable,
  };
}

/** Whether Postgres has said that nothing was done under a call's key, and that nothing will be. */
export function isTooLate(error: unknown): boolean {
  return sqlState(error) === TOO_LATE;
}

/** The database's time in such a refusal; undefined where it does not say it. */
export function timeOfRefusal(error: unknown): Date | undefined {
  const { detail } = findDatabaseError(error) ?? {};
  const moment = new Date(detail ?? "");
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

/** Whether Postgres has said that a call was carried out before, by its key. */
export function isCarriedOut(error: unknown): boolean {
  return sqlState(error) === CARRIED_OUT;
}

/** Whether Postgres has said that it stopped a statement, which undid all that came with it. */
export function isStopped(error: unknown): boolean {
  return sqlState(error) === STOPPED;
}

/** Whether Postgres has said that the credential does not count. */
export function isSignedOut(error: unknown): boolean {
  return sqlState(error) === INVALID_AUTHORIZATION;
}

/** Whether Postgres works, and has refused what it was given or who gave it. */
export function isRefusal(error: unknown): boolean {
  return isSignedOut(error) || startsWithOneOf(sqlState(error), REFUSAL_CLASSES);
}

/** What is known of a call that failed. */
interface FailedCall {
  /** Whether it only reads. */
  readonly isRead: boolean;
  /** Whether its caller has given it a key, so that they may repeat it. */
  readonly isKeyed: boolean;
  /** Whether one of its attempts may have been carried out. */
  readonly mayBeDone: boolean;
}

/** Turns what ended a call, such as a refusal of Postgres, into one of the application's errors. */
export function toDatabaseError(error: unknown): ApplicationError {
  if (error instanceof ApplicationError) return error;
  if (isSignedOut(error)) return signedOut(error);
  const refusal = findDatabaseError(error);
  if (refusal?.code === CHANGED_SINCE) {
    return refusal.constraint === CLAIM ? claimConflict(refusal.detail, error) : new TaskChangedSince(error);
  }
  if (refusal?.code === ITEMS_REFUSED) {
    if (refusal.constraint === EXPECTED_COUNT) return countConflict(refusal.detail, error);
    const { refused, time_zone: timeZone } = refusedSchema.parse(JSON.parse(refusal.detail ?? ""));
    return new ItemsRefused(refused, timeZone, error);
  }
  if (refusal?.code === REFUSED_REFERENCE) return refusedReference(refusal.constraint ?? "", refusal.detail, error);
  if (refusal?.code === RECURRENCE) return recurrenceError(refusal, error);
  const limit = limitOf(error);
  if (limit !== undefined) return limitReached(limit, Number(refusal?.detail), error);
  return new ApplicationError("internal", "Something went wrong on our side.", { cause: error });
}

/** What keeps a series from going on: when it does is not known, or it has a time of day and its task none. */
function recurrenceError({ constraint, detail }: NeonDbError, cause: unknown): ApplicationError {
  if (constraint === "occurrences") return new UnknownOccurrences(detail ?? "", cause);
  const message = "says a time of day: the task needs a due with a time as well, or none";
  return new ApplicationError("invalid_input", `recurrence ${message}`, {
    fields: [{ field: "recurrence", message }],
    cause,
  });
}

/** The limit that a call has reached; undefined where it failed otherwise. */
export function limitOf(error: unknown): LimitName | undefined {
  const databaseError = findDatabaseError(error);
  return databaseError?.code === LIMIT_REACHED ? readLimitName(databaseError.constraint) : undefined;
}

/** The credential does not count any more, and what that means for the call; nothing was changed where that is absent. */
export function signedOut(cause?: unknown, call?: Pick<FailedCall, "isKeyed" | "mayBeDone">): ApplicationError {
  // To tell the two apart takes another look-up: with an account go its tokens.
  const problem = "The token no longer counts: it was signed out or cut off, or its account was deleted";
  const message = call?.mayBeDone ? `${unknown(problem, call)} Sign in first.` : `${problem}. Sign in for another.`;
  return new ApplicationError("unauthenticated", message, { cause });
}

/** The database cannot be reached, and what that means for the call. */
export function unavailable(call: FailedCall, cause?: unknown): ApplicationError {
  const problem = "The database cannot be reached";
  if (call.isRead) return new ApplicationError("unavailable", `${problem}; try again in a moment.`, again(cause));
  if (!call.mayBeDone) {
    return new ApplicationError("unavailable", `${problem}; nothing was changed. Try again in a moment.`, again(cause));
  }
  return new ApplicationError("unavailable", unknown(problem, call), call.isKeyed ? again(cause) : { cause });
}

/** Nobody waits for the call any longer, and no request for it that may be carried out was sent. */
export function givenUp(): ApplicationError {
  return new ApplicationError("conflict", "The call was given up before it was carried out. Nothing was changed.");
}

/** The call has met a fault of ours, and what that means for it. */
export function brokenDown(call: FailedCall, cause: unknown): ApplicationError {
  const problem = "Something went wrong on our side";
  if (call.isRead) return new ApplicationError("internal", `${problem}.`, { cause });
  const message = call.mayBeDone ? unknown(problem, call) : `${problem}; nothing was changed.`;
  return new ApplicationError("internal", message, { cause });
}

function unknown(problem: string, { isKeyed }: Pick<FailedCall, "isKeyed">): string {
  const problemAndChange = `${problem}, and the change may have been carried out`;
  return isKeyed
    ? `${problemAndChange}. Repeat the call with the same idempotency_key: it is carried out once at most.`
    : `${problemAndChange}: look before you repeat it.`;
}

/**
 * A call took too long and was undone: one with a limit of its own asks for too much, any other met a slow database.
 *
 * @param advice what the caller of one with a limit of its own can do
 */
export function stopped(advice: string | undefined, cause: unknown): ApplicationError {
  const problem = "This took too long and was stopped; nothing was changed.";
  return advice === undefined
    ? new ApplicationError("unavailable", `${problem} Try again in a moment.`, again(cause))
    : new ApplicationError("invalid_input", `${problem} ${advice}`, { cause });
}

/**
 * What a failure means that kept us from reading what a call has come to: it was carried out, and its caller must look.
 *
 * @returns the error to throw
 */
export function toUnreadOutcome(error: unknown, { isKeyed }: Pick<FailedCall, "isKeyed">): ApplicationError {
  const { kind } = toDatabaseError(error);
  if (kind === "unauthenticated") return signedOut(error, { isKeyed, mayBeDone: true });
  return (kind === "unavailable" ? unavailable : brokenDown)({ isRead: false, isKeyed, mayBeDone: true }, error);
}

/** Whether a call with a key may have been carried out although its caller was told of a failure. */
export function mayBeUntold(error: unknown): boolean {
  return error instanceof ApplicationError && UNTOLD.has(error.kind);
}

function again(cause: unknown) {
  return { retryAfter: RETRY_AFTER, cause };
}

/**
 * What kind of failure it was that the driver threw.
 *
 * @param kind whether the call has a limit of time of its own
 * @returns undefined where the database works and has refused what it was given
 */
export function databaseFailureOf(
  error: unknown,
  { isBounded }: { readonly isBounded: boolean },
): DatabaseFailure | undefined {
  if (isStopped(error)) return isBounded ? undefined : "unavailable";
  if (isAway(error)) return "unavailable";
  return isRefusal(error) ? undefined : "internal";
}

function isAway(error: unknown): boolean {
  const { isAnswered, isWorthRepeating } = judgeFailure(error);
  return isWorthRepeating || !isAnswered;
}

function startsWithOneOf(code: string | undefined, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => code?.startsWith(prefix));
}

function findDatabaseError(error: unknown): NeonDbError | undefined {
  return findCause(error, NeonDbError);
}

/** The first of an error and its causes that is of a class; neon keeps the cause apart. */
function findCause<Wanted extends Error>(
  error: unknown,
  wanted: abstract new (...parameters: never[]) => Wanted,
): Wanted | undefined {
  if (error instanceof wanted) return error;
  if (error instanceof NeonDbError && error.sourceError !== undefined) return findCause(error.sourceError, wanted);
  return error instanceof Error && error.cause !== undefined ? findCause(error.cause, wanted) : undefined;
}
