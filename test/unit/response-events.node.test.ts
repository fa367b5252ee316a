import { describe, expect, it } from "vitest";
import type { ModelEvent } from "../../src/chat/model/model.ts";
import { ResponseEvents } from "../../src/chat/model/response-events.ts";
import {
  begun,
  completed,
  create,
  delta,
  done,
  type Event,
  hello,
  message,
  milk,
  pieces,
  text,
  thought,
  titled,
} from "../support/response-events.ts";

/** What is made of the events of an answer, in a line each. */
function read(...events: Event[]): string[] {
  const answer = new ResponseEvents();
  return events.flatMap((event) => [...answer.read(event)].map(inALine));
}

function inALine(event: ModelEvent): string {
  switch (event.type) {
    case "call":
      return `${event.callId} ${event.arguments}`;
    case "text":
      return `${event.id}: ${event.text}`;
    default:
      return event.type;
  }
}

const call = (call_id: string, title?: string, id = `fc_${call_id}`) => ({
  ...create,
  id,
  call_id,
  ...(title !== undefined && { arguments: titled(title) }),
});
const end = (...output: object[]) => completed({ output });

describe("a call is told once, and every call is", () => {
  it.each<[string, Event[], string[]]>([
    ["that ends twice", [done(call("1", "Milk")), done(call("1", "Milk"))], [`1 ${milk}`]],
    ["that ends again without its arguments", [done(call("1", "Milk")), done(call("1"))], [`1 ${milk}`]],
    [
      "that ends again with its arguments written otherwise",
      [done(call("1", "Milk")), done({ ...call("1"), arguments: '{ "title":"Milk" }' })],
      [`1 ${milk}`],
    ],
    ["that is announced twice", [begun(call("1")), begun(call("1")), done(call("1", "Milk")), end()], [`1 ${milk}`]],
    [
      "that has the id of another",
      [done(call("1", "Milk")), done(call("1", "Eggs"))],
      [`1 ${milk}`, `1 ${titled("Eggs")}`],
    ],
    [
      "that begins in one place with another",
      [
        begun(call("1")),
        begun(call("2")),
        ...pieces(titled("Eggs"), { item_id: "fc_2", output_index: 0 }),
        ...pieces(milk, { item_id: "fc_1", output_index: 0 }),
        done(call("1")),
        done(call("2")),
      ],
      [`1 ${milk}`, `2 ${titled("Eggs")}`],
    ],
    [
      "that has no place, as another",
      [
        begun(call("1", undefined, ""), {}),
        ...pieces(milk, {}),
        begun(call("2", undefined, ""), {}),
        ...pieces(titled("Eggs"), {}),
        end(),
      ],
      [`1 ${milk}`, `2 ${titled("Eggs")}`],
    ],
    [
      "whose arguments end and are said nowhere else",
      [
        begun(call("1")),
        { type: "response.function_call_arguments.done", item_id: "fc_1", arguments: milk },
        done(call("1")),
      ],
      [`1 ${milk}`],
    ],
    ["whose arguments are no text", [done({ ...call("1"), arguments: { title: "Milk" } })], [`1 ${milk}`]],
    [
      "that stands at the end beside one that was told",
      [done(call("1", "Milk")), end(call("1", "Milk"), call("2", "Eggs"))],
      [`1 ${milk}`, `2 ${titled("Eggs")}`],
    ],
    [
      "that stands at the end under another id, beside a new one",
      [done(call("1", "Milk")), end(call("2", "Eggs"), call("3", "Milk"))],
      [`1 ${milk}`, `2 ${titled("Eggs")}`],
    ],
    [
      "that stands at the end twice, on purpose",
      [end(call("1", "Milk"), call("2", "Milk"))],
      [`1 ${milk}`, `2 ${milk}`],
    ],
  ])("%s", (_, events, told) => {
    expect(read(...events)).toEqual(told);
  });
});

describe("words and thoughts", () => {
  const said = message(text("Hello."));

  it.each<[string, Event[], string[]]>([
    ["of a message that ends twice", [hello, done(said), done(said)], ["msg_1: Hello."]],
    ["of a message that comes whole, twice", [done(said), done(said)], ["msg_1: Hello."]],
    [
      "of two messages without a name are two",
      [delta("Hello.", ""), done({ ...said, id: "" }), delta("Again.", "")],
      ["message 0: Hello.", "message 1: Again."],
    ],
    ["that end twice are given back once", [done(thought), done(thought)], ["sealed_reasoning"]],
    ["without a name cannot be given back", [done({ ...thought, id: undefined }), hello], ["msg_1: Hello."]],
  ])("%s", (_, events, told) => {
    expect(read(...events)).toEqual(told);
  });

  it("of a message without a name have no phase of another's", () => {
    const answer = new ResponseEvents();
    const events = [begun({ type: "message", phase: "commentary" }), begun({ type: "message" }), delta("Hello.", "")];
    expect(events.flatMap((event) => [...answer.read(event)])).toEqual([
      { type: "text", id: "message 0", text: "Hello." },
    ]);
  });
});

describe("the end", () => {
  it("may have another name", () => {
    const answer = new ResponseEvents();
    expect([...answer.read({ type: "response.done", response: { output: [message(text("Hello."))] } })]).toHaveLength(
      1,
    );
    expect(answer.isComplete).toBe(true);
  });

  it.each([
    ["incomplete", "The model's answer was cut short (no reason given)."],
    ["failed", expect.any(String)],
  ])("of an answer that says it is %s is none", (status, message) => {
    const answer = new ResponseEvents();
    expect(() => [...answer.read(completed({ status }))]).toThrow(expect.objectContaining({ message }));
    expect(answer.isComplete).toBe(false);
  });
});
