import { linkedErrorsIntegration, Toucan } from "toucan-js";
import type { Configuration } from "../config.ts";
import { errorKinds } from "../errors.ts";
import { classOf, describeError, detailsOf, stackFramesOf } from "./describe-error.ts";
import type { ErrorReporter, LogFields, Logger } from "./log.ts";

/** The fields of a log line that become tags: none says whose request it was. */
const TAGS = ["request_id", "route", "tool", "object"];

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
  const context = {
    waitUntil: (sending: Promise<unknown>) =>
      waitUntil(sending.catch((error: unknown) => log.warn("error_not_reported", { cause: describeError(error) }))),
  };
  return (error, fields) => {
    if (errorKinds[error.kind].owner !== "us") return;
    const sentry = new Toucan({
      dsn,
      environment,
      context,
      ...(version !== "" && { release: version }),
      defaultIntegrations: [linkedErrorsIntegration()],
    });
    sentry.setTags(tagsOf(fields));
    sentry.captureException(withoutWords(error.cause ?? error));
  };
}

function tagsOf(fields: LogFields): Record<string, string> {
  return Object.fromEntries(
    TAGS.flatMap((name) => {
      const value = fields[name];
      return value === undefined ? [] : [[name, String(value)]];
    }),
  );
}

/** The same error and causes, with the same stacks, saying only what may be written down. */
function withoutWords(error: unknown, depth = 0): Error {
  const copy = new Error(error instanceof Error ? detailsOf(error) : describeError(error));
  if (error instanceof Error) copy.name = classOf(error);
  copy.stack = [describeError(error), ...stackFramesOf(error).map((frame) => `    at ${frame}`)].join("\n");
  if (error instanceof Error && error.cause !== undefined && depth < 4)
    copy.cause = withoutWords(error.cause, depth + 1);
  return copy;
}
