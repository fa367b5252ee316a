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

/** Up to this many bytes, a body whose length is known is read in one piece: the pieces cost a fifteenth of a tool call. */
const READ_AT_ONCE = 64 * 1024;

/**
 * Reads no further than the route takes a body, whatever the request says of its length.
 *
 * @param take is given each piece, and says how many characters it holds by then
 */
async function readBody(context: ApplicationContext, take: (piece: Uint8Array) => number): Promise<void> {
  const { body } = context.req.raw;
  if (body === null) return;
  const largest = context.get("largestBody");
  if (largest === undefined) throw new Error("takeBody does not stand before a route that reads a body");
  // HTTP holds a body to it; one that is sent in chunks has none (RFC 9112 section 6.3).
  const length = Number(context.req.header("Content-Length") ?? Number.NaN);
  if (length > largest) throw tooLarge(largest);
  const held = new HeldBody();
  try {
    if (length <= READ_AT_ONCE) {
      const whole = new Uint8Array(await Promise.race([context.req.raw.arrayBuffer(), held.late]).catch(breakOff));
      if (whole.byteLength > largest) throw tooLarge(largest);
      take(whole);
    } else await readPieces(body.getReader(), largest, held, take);
  } finally {
    held.end();
  }
}

async function readPieces(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  largest: number,
  held: HeldBody,
  take: (piece: Uint8Array) => number,
): Promise<void> {
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), held.late]).catch(breakOff);
      if (done) return;
      size += value.byteLength;
      if (size > largest) throw tooLarge(largest);
      held.grow(take(value));
    }
  } catch (error) {
    // Nobody waits for what the connection makes of that.
    reader.cancel().catch(() => undefined);
    throw error;
  }
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
 * Reads a request's body as text. What is not UTF-8 is refused (RFC 8259 section 8.1): `text()` would put U+FFFD in its
 * place, and somebody's words would be stored otherwise than they were sent.
 *
 * @param reader is given the text as it comes
 * @returns what the reader has kept
 * @throws ApplicationError `invalid_input`; `payload_too_large`; `incomplete_body` where it ends before its end, or
 * takes too long; `rate_limited` where it is large, and others are as well
 */
export async function readTextBody(context: ApplicationContext, reader: TextReader = new WholeText()): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  await readBody(context, (piece) => {
    reader.take(decode(decoder, piece));
    return reader.size;
  });
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
  if (cause instanceof ApplicationError) throw cause;
  throw new ApplicationError("incomplete_body", "The body broke off before its end; nothing was changed.", { cause });
}
