/** A reason not to start that the person who ran the command can act on: its message is one line and holds no secret. */
export class StartError extends Error {
  override readonly name = "StartError";
}
