import { ApplicationError } from "../errors.ts";
import type { ApplicationContext } from "./application.ts";

/**
 * Reads a request's body as text. What is not UTF-8 is refused (RFC 8259 section 8.1): `text()` would put U+FFFD in its
 * place, and somebody's words would be stored otherwise than they were sent.
 *
 * @throws ApplicationError `invalid_input`
 */
export async function readTextBody(context: ApplicationContext): Promise<string> {
  const bytes = await context.req.arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new ApplicationError("invalid_input", "The body must be UTF-8.");
  }
}
