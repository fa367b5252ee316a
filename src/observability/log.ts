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
  /** Has an error reported where it is ours; only `logFailure` calls it. */
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
  return new JsonLogger(level, context, report);
}

class JsonLogger implements Logger {
  readonly #level: Configuration["LOG_LEVEL"];
  readonly #context: LogFields;
  readonly #report: ErrorReporter | undefined;

  constructor(level: Configuration["LOG_LEVEL"], context: LogFields, report: ErrorReporter | undefined) {
    this.#level = level;
    this.#context = context;
    this.#report = report;
  }

  request(fields: LogFields): void {
    this.#write("info", "http_request", fields);
  }

  chatTurn(fields: LogFields): void {
    this.#write("info", "chat_turn", fields);
  }

  debug(event: string, fields?: LogFields): void {
    this.#writeFrom("debug", event, fields);
  }

  info(event: string, fields?: LogFields): void {
    this.#writeFrom("info", event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    this.#writeFrom("warn", event, fields);
  }

  error(event: string, fields?: LogFields): void {
    this.#writeFrom("error", event, fields);
  }

  with(fields: LogFields): Logger {
    return new JsonLogger(this.#level, { ...this.#context, ...fields }, this.#report);
  }

  report(error: ApplicationError): void {
    this.#report?.(error, this.#context);
  }

  #writeFrom(severity: keyof typeof severities, event: string, fields: LogFields | undefined): void {
    if (severities[severity] >= severities[this.#level]) this.#write(severity, event, fields);
  }

  #write(level: keyof typeof severities, event: string, fields: LogFields | undefined): void {
    console.log(JSON.stringify({ time: new Date().toISOString(), level, event, ...this.#context, ...fields }));
  }
}

/** Milliseconds since a `performance.now()`, to a tenth. */
export function millisecondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) * 10) / 10;
}
