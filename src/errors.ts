import { excerpt, MOST_NAMED } from "./excerpt.ts";

/** Who must act when something fails: the caller mends the request, the operator the surroundings, we the code. */
export type ErrorOwner = "caller" | "operator" | "us";

/** Every way a request can fail, with its HTTP status, its title and who must act. */
export const errorKinds = {
  invalid_input: { status: 400, title: "Invalid input", owner: "caller" },
  /** Its connection was lost, or it is shorter than it says. */
  incomplete_body: { status: 400, title: "Incomplete body", owner: "caller" },
  unauthenticated: { status: 401, title: "Authentication required", owner: "caller" },
  forbidden: { status: 403, title: "Forbidden", owner: "caller" },
  not_found: { status: 404, title: "Not found", owner: "caller" },
  method_not_allowed: { status: 405, title: "Method not allowed", owner: "caller" },
  conflict: { status: 409, title: "Conflict", owner: "caller" },
  payload_too_large: { status: 413, title: "Payload too large", owner: "caller" },
  unsupported_media_type: { status: 415, title: "Unsupported media type", owner: "caller" },
  rate_limited: { status: 429, title: "Too many requests", owner: "caller" },
  internal: { status: 500, title: "Internal server error", owner: "us" },
  misconfigured: { status: 500, title: "Server misconfigured", owner: "operator" },
  unavailable: { status: 503, title: "Service unavailable", owner: "operator" },
} as const satisfies Record<string, { status: number; title: string; owner: ErrorOwner }>;

export type ErrorKind = keyof typeof errorKinds;

/** The kinds that the caller can do nothing about: what alerts, dashboards and releases count as failed. */
export const failureKinds: readonly ErrorKind[] = Object.keys(errorKinds)
  .filter(isErrorKind)
  .filter((kind) => errorKinds[kind].owner !== "caller");

/** Whether a value names a kind of error. */
export function isErrorKind(value: unknown): value is ErrorKind {
  return typeof value === "string" && Object.hasOwn(errorKinds, value);
}

/** A field of the input that does not fit, and what would. */
export interface FieldError {
  /** A path such as `tags.0`, or "" for the input as a whole. */
  readonly field: string;
  readonly message: string;
}

interface ApplicationErrorOptions {
  readonly fields?: readonly FieldError[];
  /** Seconds after which the same request may pass. */
  readonly retryAfter?: number;
  /** The scopes that the credential would have to have, where it has too few. */
  readonly neededScopes?: readonly string[];
  /** Whether it was logged where it was made, such as in a Durable Object. */
  readonly isLogged?: boolean;
  readonly cause?: unknown;
}

/** No longer, whatever came in: an answer must not grow with what it complains of. */
const LONGEST_MESSAGE = 2000;

/**
 * A failure that its caller may read: the message holds no query, no stack and no secret, and is bounded, as are the
 * fields.
 */
export class ApplicationError extends Error {
  override readonly name = "ApplicationError";
  readonly kind: ErrorKind;
  readonly fields: readonly FieldError[];
  readonly retryAfter: number | undefined;
  readonly neededScopes: readonly string[];
  readonly isLogged: boolean;

  constructor(kind: ErrorKind, message: string, options: ApplicationErrorOptions = {}) {
    const { fields = [], retryAfter, neededScopes = [], isLogged = false, cause } = options;
    super(excerpt(message, LONGEST_MESSAGE), { cause });
    this.kind = kind;
    this.fields = fields.slice(0, MOST_NAMED);
    this.retryAfter = retryAfter;
    this.neededScopes = neededScopes;
    this.isLogged = isLogged;
  }
}

/** A call turned out to do what a person must say yes to first; nothing was changed. */
export class ApprovalNeeded extends ApplicationError {
  /** What it would do to the tasks, once these are named: `undo change 4, which deletes #3 "Milk"`. */
  readonly deed: (named: string) => string;
  /** The tasks that it would do it to, as far as they can be named. */
  readonly taskIds: readonly number[];
  /** How many it would do it to. */
  readonly count: number;

  constructor(message: string, { deed, taskIds, count }: Pick<ApprovalNeeded, "deed" | "taskIds" | "count">) {
    super("forbidden", `${message}: that needs the person's approval first. Nothing was changed.`);
    this.deed = deed;
    this.taskIds = taskIds;
    this.count = count;
  }
}

/** Turns whatever was thrown into an `ApplicationError`; what is not one already becomes `internal`. */
export function toApplicationError(error: unknown): ApplicationError {
  if (error instanceof ApplicationError) return error;
  return new ApplicationError("internal", "Something went wrong on our side.", { cause: error });
}

/** The error of a request whose field cannot be what it says. */
export function refusedField(kind: "conflict" | "invalid_input", field: string, message: string): ApplicationError {
  return new ApplicationError(kind, `${field} ${message}`, { fields: [{ field, message }] });
}

/** What a person may look for by its id. */
type Findable = "Client" | "Conversation" | "Task" | "Token";

/** The one answer about what is not there, or is somebody else's. */
export function notFound(what: Findable, cause?: unknown): ApplicationError {
  return new ApplicationError("not_found", `${what} not found`, { cause });
}

/**
 * The row that was looked for.
 *
 * @throws ApplicationError `not_found` where there is none
 */
export function found<Row>(row: Row | undefined, what: Findable): Row {
  if (row === undefined) throw notFound(what);
  return row;
}
