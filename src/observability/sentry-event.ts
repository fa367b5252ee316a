import { linkedErrorsIntegration, Toucan } from "toucan-js";
import { describeError, detailsOf, stackFramesOf } from "./describe-error.ts";
import type { LogFields } from "./log.ts";

/** The fields of a log line that become tags: none says whose request it was. */
const TAGS = ["request_id", "route", "tool", "object", "trigger", "chore"];

/** Where events go, and what each of them says of its sender. */
export interface SentrySettings {
  readonly dsn: string;
  readonly environment: string;
  /** The deployed version's id; empty where there is none. */
  readonly version: string;
  /** Keeps the sending alive, and is told how it ends. */
  readonly waitUntil: (sending: Promise<unknown>) => void;
}

/** Sends an error to Sentry, in words that may be written down. */
export function sendEvent(
  error: unknown,
  fields: LogFields,
  { dsn, environment, version, waitUntil }: SentrySettings,
): void {
  const sentry = new Toucan({
    dsn,
    environment,
    context: { waitUntil },
    ...(version !== "" && { release: version }),
    defaultIntegrations: [linkedErrorsIntegration()],
  });
  sentry.setTags(tagsOf(fields));
  sentry.captureException(withoutWords(error));
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
  if (error instanceof Error) copy.name = error.name;
  copy.stack = [describeError(error), ...stackFramesOf(error).map((frame) => `    at ${frame}`)].join("\n");
  if (error instanceof Error && error.cause !== undefined && depth < 4)
    copy.cause = withoutWords(error.cause, depth + 1);
  return copy;
}
