/** A failure that the person who ran the command can act on: its message is one line and holds no secret. */
export class RunbookError extends Error {
  override readonly name: string = "RunbookError";
}

/** Arguments that do not fit; the message names the flag. */
export class UsageError extends RunbookError {
  override readonly name = "UsageError";
}

/** A release that was rolled back: the command did its work, and the release is not what was wanted. */
export class RolledBackError extends RunbookError {
  override readonly name = "RolledBackError";
}

/** Whether an error of Node's has a code, such as ENOENT. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** One line that says why something failed. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${message}${message === "fetch failed" ? cause : ""}`.replace(/\s*\n\s*/g, " ").trim();
}
