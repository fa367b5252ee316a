import { type ApplicationError, errorKinds } from "../errors.ts";
import type { Logger } from "./log.ts";

/** Logs an error that is not the caller's, with the first line of what caused it. */
export function logFailure(log: Logger, error: ApplicationError): void {
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    causes.push(`${cause.name}: ${firstLine(cause)}`);
  log.error("error", {
    kind: error.kind,
    owner: errorKinds[error.kind].owner,
    message: error.message,
    cause: causes.at(-1),
  });
}

function firstLine({ message }: Error): string {
  return message.split("\n", 1).join("");
}
