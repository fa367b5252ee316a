import { ApplicationError, type ErrorKind, type FieldError, isErrorKind } from "./errors.ts";

/**
 * An `ApplicationError` on its way out of a Durable Object, which would make a plain `Error` of it. The release before
 * and after this one read and write it too.
 */
export interface Refusal {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly fields: readonly FieldError[];
  readonly retryAfter: number | undefined;
}

/** What an object answers in place of an error; it has logged that, as it knows what caused it. */
export function toRefusal({ kind, message, fields, retryAfter }: ApplicationError): Refusal {
  return { kind, message, fields: [...fields], retryAfter };
}

/** The error that a refusal was. */
export function fromRefusal({ kind, message, fields, retryAfter }: Refusal): ApplicationError {
  // A later release may have kinds that this one does not know.
  return new ApplicationError(isErrorKind(kind) ? kind : "internal", message, {
    fields,
    isLogged: true,
    ...(retryAfter !== undefined && { retryAfter }),
  });
}
