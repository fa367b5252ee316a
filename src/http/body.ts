import type { MiddlewareHandler } from "hono";
import { ApplicationError } from "../errors.ts";
import type { Application, ApplicationContext } from "./application.ts";
import { HeldBody } from "./held-body.ts";

/** Says how many bytes of body the routes behind it take; they read it themselves, once they want it. */
export function takeBody(largest: number): MiddlewareHandler<Application> {
  return async (context, next) => {
    context.set("largestBody", largest);
    await next();
  };
}

/** For bodies in one piece: it keeps nothing from one to the next. */
const wholeDecoder = newDecoder();

/** Up to this many bytes, a body whose length is known is read in one piece: the pieces cost a fifteenth of a tool call. */
const READ_AT_ONCE = 64 * 1024;

async function readPieces(
  pieces: ReadableStreamDefaultReader<Uint8Array>,
  largest: number,
  held: HeldBody,
  reader: TextReader,
): Promise<void> {
  const decoder = newDecoder();
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([pieces.read(), held.late]).catch(breakOff);
      if (done) break;
      size += value.byteLength;
      if (size > largest) throw tooLarge(largest);
      reader.take(decode(decoder, value, { stream: true }));
      held.grow(reader.size);
    }
  } catch (error) {
    // Nobody waits for what the connection makes of that.
    pieces.cancel().catch(() => undefined);
    throw error;
  }
  reader.take(decode(decoder));
}

/** Takes a text piece by piece, and keeps what counts of it. */
export interface TextReader {
  take(piece: string): void;
  /** What it has kept. */
  readonly text: string;
  /** How many characters it has kept. */
  readonly size: number;
}

class WholeText implements TextReader {
  text = "";

  get size(): number {
    return this.text.length;
  }

  take(piece: string): void {
    this.text += piece;
  }
}

/**
 * Reads a request's body as text, and no further than the route takes one, whatever the request says of its length. What is
 * not UTF-8 is refused (RFC 8259 section 8.1): `text()` would put U+FFFD in its place, and somebody's words would be
 * stored otherwise than they were sent.
 *
 * @param reader is given the text as it comes
 * @returns what the reader has kept
 * @throws ApplicationError `invalid_input`; `payload_too_large`; `incomplete_body` where it ends before its end, or
 * takes too long; `rate_limited` where it is large, and others are as well
 */
export async function readTextBody(context: ApplicationContext, reader: TextReader = new WholeText()): Promise<string> {
  const { raw } = context.req;
  const { body } = raw;
  if (body === null) return reader.text;
  const largest = context.get("largestBody");
  if (largest === undefined) throw new Error("takeBody does not stand before a route that reads a body");
  // HTTP holds a body to it; one that is sent in chunks has none (RFC 9112 section 6.3).
  const length = Number(context.req.header("Content-Length") ?? Number.NaN);
  if (length > largest) throw tooLarge(largest);
  const held = new HeldBody();
  try {
    if (length <= READ_AT_ONCE) {
      const whole = await Promise.race([raw.arrayBuffer(), held.late]).catch(breakOff);
      if (whole.byteLength > largest) throw tooLarge(largest);
      reader.take(decode(wholeDecoder, whole));
    } else await readPieces(body.getReader(), largest, held, reader);
  } finally {
    held.end();
  }
  return reader.text;
}

function newDecoder(): TextDecoder {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
}

/**
 * Decodes a piece, or without one the end of those before.
 *
 * @throws ApplicationError `invalid_input` for what is not UTF-8
 */
function decode(decoder: TextDecoder, piece?: ArrayBuffer | Uint8Array, options?: { stream: boolean }): string {
  try {
    return decoder.decode(piece, options);
  } catch {
    throw new ApplicationError("invalid_input", "The body must be UTF-8.");
  }
}

function tooLarge(largest: number): ApplicationError {
  return new ApplicationError("payload_too_large", `The body may have ${largest} bytes at most.`);
}

/** RFC 9112 section 8: whatever ended the body, it was on the client's side of the connection. */
function breakOff(cause: unknown): never {
  if (cause instanceof ApplicationError) throw cause;
  throw new ApplicationError("incomplete_body", "The body broke off before its end; nothing was changed.", { cause });
}
