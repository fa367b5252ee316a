import type { Configuration } from "../config.ts";
import { errorKinds } from "../errors.ts";
import { describeError } from "./describe-error.ts";
import type { ErrorReporter, Logger } from "./log.ts";

interface ReportingContext {
  /** Keeps what is going on alive after the answer. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
  /** Told when Sentry could not be reached. */
  readonly log: Logger;
}

/**
 * Reports errors that we must act on to Sentry; those that the caller or the operator must act on have answers, logs,
 * metrics and alerts. An event says the version, the environment, where the error was thrown and what kind it is: no
 * message that may quote somebody, no address, no header, no body.
 *
 * @param version the deployed version's id
 * @returns undefined without a SENTRY_DSN
 */
export function createErrorReporter(
  { SENTRY_DSN: dsn, ENVIRONMENT: environment }: Configuration,
  version: string,
  { waitUntil, log }: ReportingContext,
): ErrorReporter | undefined {
  if (dsn === undefined) return undefined;
  const keepAlive = (sending: Promise<unknown>) =>
    waitUntil(sending.catch((error: unknown) => log.warn("error_not_reported", { cause: describeError(error) })));
  return (error, fields) => {
    if (errorKinds[error.kind].owner !== "us") return;
    // Sentry's SDK is loaded with the first error.
    const sent = import("./sentry-event.ts").then(({ sendEvent }) =>
      sendEvent(error.cause ?? error, fields, { dsn, environment, version, waitUntil: keepAlive }),
    );
    keepAlive(sent);
  };
}
