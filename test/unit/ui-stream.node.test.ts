import { describe, expect, test } from "vitest";
import type { TurnEvent, TurnStart } from "../../src/chat/stream/turn-event.ts";
import { encode } from "../../src/chat/stream/turn-lines.ts";
import { passOnUiEvents, toUiEvents } from "../../src/chat/stream/ui-stream.ts";
import { createLogger } from "../../src/observability/log.ts";

const start: TurnStart = { type: "start", conversation_id: "c", message_id: "m", earlier: [] };
const events: TurnEvent[] = [
  { type: "round" },
  { type: "text", id: "1", text: "Grüße 👋" },
  { type: "finish", outcome: "completed" },
];

async function* turn() {
  yield start;
  yield* events;
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: number[] = [];
  for await (const piece of pieces) all.push(...piece);
  return Uint8Array.from(all);
}

/** What is handed on of bytes that come in pieces of a length, and break off with an error where there is one. */
async function passedOn(bytes: Uint8Array, length: number, error?: Error): Promise<string> {
  let place = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (place < bytes.length) controller.enqueue(bytes.slice(place, place + length));
      else if (error === undefined) controller.close();
      else controller.error(error);
      place += length;
    },
  });
  return new TextDecoder().decode(await bytesOf(passOnUiEvents(stream, createLogger("error"))));
}

describe("the bytes of a UI message stream", () => {
  test.each([1, 2, 7, 64, 10_000])("are handed on as they are, in pieces of %d", async (length) => {
    const bytes = await bytesOf(encode(toUiEvents(turn(), false)));
    const text = new TextDecoder().decode(bytes);
    expect(text).toContain('{"type":"text-delta","id":"1","delta":"Grüße 👋"}');
    expect(await passedOn(bytes, length)).toBe(text);
  });

  test.each([
    ["an error", new Error("the object was restarted")],
    ["an early end", undefined],
  ])("that break off with %s lose what is no whole event, and end as a turn that failed", async (_, error) => {
    const bytes = await bytesOf(encode(toUiEvents(turn(), false)));
    const text = new TextDecoder().decode(bytes);
    const delta = text.indexOf('data: {"type":"text-delta"');
    const told = await passedOn(bytes.slice(0, delta + 20), 9, error);
    const chunks = told.slice(delta).trim().split("\n\n");
    expect(told.slice(0, delta)).toBe(text.slice(0, delta));
    expect(chunks).toEqual([
      expect.stringMatching(/^data: \{"type":"error","errorText":".*restarted.*"\}$/),
      'data: {"type":"finish","finishReason":"error"}',
      "data: [DONE]",
    ]);
  });
});
