import * as z from "zod";
import { ApplicationError, toApplicationError } from "../../errors.ts";
import { describeError } from "../../observability/describe-error.ts";
import type { Logger } from "../../observability/log.ts";
import { logFailure } from "../../observability/log-failure.ts";
import { anyEventSchema, type TurnEvent, type TurnStart, turnStartSchema } from "./turn-event.ts";

/** A turn as it is watched: how it starts, then what happens. */
export interface WatchedTurn {
  readonly start: TurnStart;
  readonly events: AsyncIterable<TurnEvent>;
}

/** What a conversation's object can say a turn in, beside lines: the AI SDK's UI message stream. */
export type StreamFormat = "ui";

const lineSchema = z.union([turnStartSchema, anyEventSchema]);

/** Lines of JSON, one for each part, as a byte stream: what a Durable Object can hand out. */
export function toLines(parts: AsyncIterable<TurnStart | TurnEvent>): ReadableStream<Uint8Array> {
  return toByteStream(
    encode(
      (async function* () {
        for await (const part of parts) yield `${JSON.stringify(part)}\n`;
      })(),
    ),
  );
}

/** Texts as UTF-8, one piece for each. */
export async function* encode(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const text of texts) yield encoder.encode(text);
}

/** What a turn says of itself when its object was restarted in the middle of it. */
export const CUT_OFF = {
  type: "failure",
  kind: "unavailable",
  message: "The server was restarted in the middle of this answer; what was done until then stays.",
} as const satisfies TurnEvent;

/**
 * Reads what `toLines` wrote. A stream that breaks off is told to its end nevertheless: as a turn that has failed.
 *
 * @throws Error where the stream ends before the turn has started
 */
export async function fromLines(stream: ReadableStream<Uint8Array>, log: Logger): Promise<WatchedTurn> {
  const parts = readLines(stream);
  const { value: start } = await parts.next();
  if (start?.type !== "start") throw new Error("the turn's stream does not begin with its start");
  return { start, events: eventsOf(parts, log) };
}

/** A byte stream that asks for the next piece only when there is room, and ends the source when it is cancelled. */
export function toByteStream(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const { value, done } = await pieces.next();
      if (!done) return controller.enqueue(value);
      controller.close();
      // A pending read of a byte stream is only let go by an answer to it.
      controller.byobRequest?.respond(0);
    },
    async cancel() {
      await pieces.return(undefined);
    },
  });
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<TurnStart | TurnEvent> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield readLine(line);
  }
}

/** @throws ApplicationError `internal`: whatever breaks a stream off, it does not change what a line says */
function readLine(line: string): TurnStart | TurnEvent {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch (error) {
    throw toApplicationError(error);
  }
}

async function* eventsOf(parts: AsyncGenerator<TurnStart | TurnEvent>, log: Logger): AsyncGenerator<TurnEvent> {
  let hasFinished = false;
  let failure: TurnEvent = CUT_OFF;
  try {
    for await (const part of parts) {
      if (part.type === "start") continue;
      hasFinished = part.type === "finish";
      yield part;
    }
  } catch (error) {
    if (error instanceof ApplicationError) {
      logFailure(log, error);
      failure = { type: "failure", kind: error.kind, message: error.message };
    } else log.warn("chat_stream_cut_off", { cause: describeError(error) });
  } finally {
    await parts.return(undefined);
  }
  if (hasFinished) return;
  yield failure;
  yield { type: "finish", outcome: "failed" };
}
