import { type ApplicationError, errorKinds } from "../errors.ts";
import { causesOf, describeError, throwerOf } from "./describe-error.ts";
import type { Logger } from "./log.ts";

const logged = new WeakSet<ApplicationError>();

/**
 * Logs an error with what caused it, and has it reported; one that is for the caller to mend is passed over. It is called
 * first where most is known of the error: the same error is not logged again further out.
 */
export function logFailure(log: Logger, error: ApplicationError): void {
  const { owner } = errorKinds[error.kind];
  if (owner === "caller" || error.isLogged || logged.has(error)) return;
  logged.add(error);
  const cause = causesOf(error).at(-1);
  log.error("error", {
    kind: error.kind,
    owner,
    message: error.message,
    ...(cause !== error && { cause: describeError(cause) }),
    at: throwerOf(cause),
  });
  log.report(error);
}
