import type { MiddlewareHandler } from "hono";
import { ApplicationError } from "../errors.ts";
import type { Application, ApplicationContext } from "./application.ts";

/** Says how many bytes of body the routes behind it take; they read it themselves, once they want it. */
export function takeBody(largest: number): MiddlewareHandler<Application> {
  return async (context, next) => {
    context.set("largestBody", largest);
    await next();
  };
}

/** Reads no further than the route takes a body, whatever the request says of its length. */
async function readBody(context: ApplicationContext, take: (piece: Uint8Array) => void): Promise<void> {
  const { body } = context.req.raw;
  if (body === null) return;
  const largest = context.get("largestBody");
  if (largest === undefined) throw new Error("takeBody does not stand before a route that reads a body");
  if (Number(context.req.header("Content-Length") ?? 0) > largest) throw tooLarge(largest);
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(breakOff);
    if (done) return;
    size += value.byteLength;
    if (size > largest) {
      // Nobody waits for what the connection makes of that.
      reader.cancel().catch(() => undefined);
      throw tooLarge(largest);
    }
    take(value);
  }
}

/** Takes a text piece by piece, and keeps what counts of it. */
export interface TextReader {
  take(piece: string): void;
  /** What it has kept. */
  readonly text: string;
}

class WholeText implements TextReader {
  text = "";

  take(piece: string): void {
    this.text += piece;
  }
}

/**
 * Reads a request's body as text. What is not UTF-8 is refused (RFC 8259 section 8.1): `text()` would put U+FFFD in its
 * place, and somebody's words would be stored otherwise than they were sent.
 *
 * @param reader is given the text as it comes
 * @returns what the reader has kept
 * @throws ApplicationError `invalid_input`; `payload_too_large`; `incomplete_body` where it ends before its end
 */
export async function readTextBody(context: ApplicationContext, reader: TextReader = new WholeText()): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  await readBody(context, (piece) => reader.take(decode(decoder, piece)));
  reader.take(decode(decoder));
  return reader.text;
}

/**
 * Decodes the next piece, or without one the end.
 *
 * @throws ApplicationError `invalid_input` for what is not UTF-8
 */
function decode(decoder: TextDecoder, piece?: Uint8Array): string {
  try {
    return decoder.decode(piece, { stream: piece !== undefined });
  } catch {
    throw new ApplicationError("invalid_input", "The body must be UTF-8.");
  }
}

function tooLarge(largest: number): ApplicationError {
  return new ApplicationError("payload_too_large", `The body may have ${largest} bytes at most.`);
}

/** RFC 9112 section 8: whatever ended the body, it was on the client's side of the connection. */
function breakOff(cause: unknown): never {
  throw new ApplicationError("incomplete_body", "The body broke off before its end; nothing was changed.", { cause });
}
