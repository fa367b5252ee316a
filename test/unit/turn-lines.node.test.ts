import { describe, expect, test } from "vitest";
import { fromLines } from "../../src/chat/stream/turn-lines.ts";
import { createLogger } from "../../src/observability/log.ts";

describe("a turn's stream", () => {
  const lines = async (...written: string[]) => {
    const start = { type: "start", conversation_id: "c", message_id: "m", earlier: [] };
    const body = new Response([JSON.stringify(start), ...written, ""].join("\n")).body ?? new ReadableStream();
    const events = [];
    for await (const event of (await fromLines(body, createLogger("error"))).events) events.push(event);
    return events;
  };

  test("that ends too early was cut off by a restart; one that cannot be read was not", async () => {
    expect(await lines('{"type":"round"}')).toMatchObject([
      { type: "round" },
      { type: "failure", kind: "unavailable", message: expect.stringContaining("restarted") },
      { type: "finish", outcome: "failed" },
    ]);
    expect(await lines('{"type":"usage"', '{"type":"round"}')).toMatchObject([
      { type: "failure", kind: "internal", message: "Something went wrong on our side." },
      { type: "finish", outcome: "failed" },
    ]);
  });
});
