import { expect, test } from "vitest";
import { shortenOutputs } from "../../src/chat/conversation/shorten-outputs.ts";

test("an output that has no room for its tasks keeps the number of its change", () => {
  const failed = Array.from({ length: 100 }, (_, index) => ({ index, error: "conflict", message: "m".repeat(150) }));
  const output = { tasks: [{ id: 1 }], failed, change: 7 };
  const [event] = shortenOutputs([{ type: "tool_output", call_id: "1", output, text: "Created" }], "completed");
  expect(event).toEqual({ type: "tool_output", call_id: "1", output: { change: 7, cut: true }, text: "Created" });
});
