import { describe, expect, it } from "vitest";
import { LastMessageBody } from "../../src/chat/conversation/last-message-body.ts";

/** What is kept of a text that comes in pieces of a length. */
function kept(text: string, length = text.length): string {
  const body = new LastMessageBody();
  for (let start = 0; start < text.length; start += length) body.take(text.slice(start, start + length));
  return body.text;
}

const message = (text: string) => ({ id: "m", role: "user", parts: [{ type: "text", text, list: [1, [2, 3], {}] }] });
const last = message('the last: ], "}", \\, \\", \u2028, 🥛 and [{,');

describe("the body of useChat", () => {
  it.each([
    ["no message", { id: "c", messages: [] }, { id: "c", messages: [] }],
    ["one message", { id: "c", messages: [last] }, { id: "c", messages: [last] }],
    [
      "many",
      { id: "c", messages: [message("one"), message('tw"o, ]'), message("\\"), last] },
      { id: "c", messages: [last] },
    ],
    [
      "fields around them",
      { trigger: "submit-message", messages: [message("one"), last], id: "c", extra: { messages: [1, 2] } },
      { trigger: "submit-message", messages: [last], id: "c", extra: { messages: [1, 2] } },
    ],
    ["messages that are no list", { id: "c", messages: { a: [1, 2] } }, { id: "c", messages: { a: [1, 2] } }],
    ["a last message that is none", { id: "c", messages: [last, "a, b", [1, 2]] }, { id: "c", messages: [[1, 2]] }],
  ])("keeps the last message of %s, wherever the pieces end", (_, whole, expected) => {
    for (const text of [JSON.stringify(whole), JSON.stringify(whole, null, 2)])
      for (let length = 1; length <= text.length; length += 1)
        expect(JSON.parse(kept(text, length)), `in pieces of ${length}`).toEqual(expected);
  });

  it.each(["", " ", "5", '"x, y"', "null", "{", '{"messages":[1,2', '{"messages":[1,2]', '{"id":"c"} x', "[1", "{]"])(
    "keeps %j as it is, up to what a list loses",
    (text) => {
      expect(kept(text)).toBe(text.replace("1,", ""));
    },
  );

  const long = "x".repeat(7 * 1024 * 1024);

  it("may have earlier messages of any length, and of any depth", () => {
    const text = `{"id":"c","messages":[${JSON.stringify(message(long + long))},${"[".repeat(100_000)}${"]".repeat(100_000)},7]}`;

    for (const length of [text.length, 65_536, 4_099]) expect(kept(text, length)).toBe('{"id":"c","messages":[7]}');
  });

  it.each([
    ["a last message", { messages: [message("one"), message(long)] }],
    ["a field beside messages", { messages: [message("one")], extra: long }],
  ])("may not have %s of more than words and images", (_, whole) => {
    const refusal = expect.objectContaining({ kind: "payload_too_large" });

    expect(() => kept(JSON.stringify(whole), 65_536)).toThrow(refusal);
    expect(() => kept(JSON.stringify(whole))).toThrow(refusal);
  });
});
