/** A failure that the person who ran the command can act on: its message is one line and holds no secret. */
export class DatabaseCommandError extends Error {
  override readonly name = "DatabaseCommandError";
}
