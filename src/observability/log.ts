import type { Configuration } from "../config.ts";
import type { ApplicationError } from "../errors.ts";

const severities = { debug: 0, info: 1, warn: 2, error: 3 } as const;

/** What a log line may say besides its event: never a secret, a token, a password, or what a task or message says. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one JSON object a line. */
export interface Logger {
  /** The access log; written whatever the level is. */
  request(fields: LogFields): void;
  /** What a chat turn came to and cost; written whatever the level is. */
  chatTurn(fields: LogFields): void;
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger whose every line carries these fields too. */
  with(fields: LogFields): Logger;
  /** Hands an error to whoever collects those that are ours; `logFailure` is who calls it. */
  report(error: ApplicationError): void;
}

/** Takes an error, and the fields of the log lines around it. */
export type ErrorReporter = (error: ApplicationError, fields: LogFields) => void;

/** Makes a logger that leaves out what is less severe than `level`. */
export function createLogger(
  level: Configuration["LOG_LEVEL"],
  context: LogFields = {},
  report?: ErrorReporter,
): Logger {
  const write = (severity: keyof typeof severities, event: string, fields: LogFields = {}) => {
    if (severities[severity] < severities[level]) return;
    writeLine({ time: new Date().toISOString(), level: severity, event, ...context, ...fields });
  };
  const always = (event: string, fields: LogFields) =>
    writeLine({ time: new Date().toISOString(), level: "info", event, ...context, ...fields });
  return {
    request: (fields) => always("http_request", fields),
    chatTurn: (fields) => always("chat_turn", fields),
    debug: (event, fields) => write("debug", event, fields),
    info: (event, fields) => write("info", event, fields),
    warn: (event, fields) => write("warn", event, fields),
    error: (event, fields) => write("error", event, fields),
    with: (fields) => createLogger(level, { ...context, ...fields }, report),
    report: (error) => report?.(error, context),
  };
}

function writeLine(line: LogFields): void {
  console.log(JSON.stringify(line));
}

/** Milliseconds since a `performance.now()`, to a tenth. */
export function millisecondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) * 10) / 10;
}
