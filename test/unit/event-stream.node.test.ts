import { expect, it } from "vitest";
import { serverSentComment, serverSentEvent } from "../../src/http/event-stream.ts";

it.each([
  [{ data: "{}" }, "data: {}\n\n"],
  [{ event: "text", data: '{"a":1}' }, 'event: text\ndata: {"a":1}\n\n'],
  [{ event: "message", id: "s:1", data: "{}" }, "event: message\nid: s:1\ndata: {}\n\n"],
  [{ event: "message", id: undefined, data: "{}" }, "event: message\ndata: {}\n\n"],
  [{ id: "s:0", retry: 1000, data: "" }, "id: s:0\nretry: 1000\ndata: \n\n"],
  [{ retry: 5000 }, "retry: 5000\n\n"],
])("the event %j is framed as server-sent events are", (event, text) => {
  expect(serverSentEvent(event)).toBe(text);
});

it("a comment is an event to nobody", () => {
  expect(serverSentComment("still here")).toBe(": still here\n\n");
});
