import { describe, expect, test } from "vitest";
import { countTokens, type InputItem, responsesRequestSchema } from "../../local/responses-api.ts";
import { answerTo, type Exchange, next } from "../support/demo-model-answers.ts";

describe("a yes in words", () => {
  const deleted: Exchange = [
    "delete tea",
    ['#1 "Tea" · pending', "Not done: the person was asked, and wrote instead."],
    "[demo model] I would delete this.",
  ];

  test("is no answer to the server's question", () => {
    expect(next([deleted, ["yes"]])).toMatchObject({
      calls: [],
      words: expect.stringMatching(
        /set my question aside: nothing was done\. Ask me again, and answer the question itself/,
      ),
    });
  });

  test("that the server has taken goes on with the call below it, and is told of", () => {
    const input: InputItem[] = [
      { role: "user", content: "delete tea" },
      { type: "function_call", call_id: "1", name: "delete_task", arguments: "{}" },
      { type: "function_call_output", call_id: "1", output: "Not done: the person was asked, and wrote instead." },
      { role: "user", content: "yes" },
      { type: "function_call", call_id: "2", name: "delete_task", arguments: "{}" },
      { type: "function_call_output", call_id: "2", output: 'Deleted #1 "Tea" · pending' },
    ];
    expect(answerTo(input)).toEqual([{ type: "text", text: '[demo model] Deleted #1 "Tea" · pending' }]);
  });

  test("where it is a no is told of once, however many calls it was about", () => {
    const refused = ["2", "3"].flatMap((call_id): InputItem[] => [
      { type: "function_call", call_id, name: "delete_task", arguments: "{}" },
      { type: "function_call_output", call_id, output: "Not done: the person said no." },
    ]);
    const input: InputItem[] = [
      { role: "user", content: "delete everything" },
      { role: "user", content: "no" },
    ];
    expect(answerTo([...input, ...refused])).toEqual([{ type: "text", text: "[demo model] Not done: you said no." }]);
  });

  test("that the server has taken is told of", () => {
    const done: Exchange = [
      "delete tea",
      ['#1 "Tea" · pending', 'Deleted #1 "Tea" · pending'],
      "[demo model] I would delete this.",
    ];
    expect(next([done, ["yes"]])).toMatchObject({ calls: [], words: '[demo model] Deleted #1 "Tea" · pending' });
  });
});

describe("a message that is answered anew", () => {
  const replaced = (said: string): InputItem[] => [
    { role: "user", content: said },
    { type: "function_call", call_id: "1", name: "create_task", arguments: "{}" },
    { type: "function_call_output", call_id: "1", output: 'Created #1 "Milk" · pending' },
    { role: "developer", content: "A note from the server" },
  ];

  test("adds nothing that the earlier answer has added", () => {
    expect(answerTo(replaced("add milk"))).toEqual([
      { type: "text", text: '[demo model] There already: Created #1 "Milk" · pending' },
    ]);
  });

  test("adds what is new in it", () => {
    expect(answerTo(replaced("add milk and bread"))).toEqual([
      { type: "call", name: "create_task", arguments: JSON.stringify({ title: "Bread" }) },
    ]);
  });
});

describe("an image", () => {
  const photo = { type: "input_image", image_url: "data:image/png;base64,iVBORw0KGgo=", detail: "auto" };

  test.each(["add milk", "yes", ""])("beside “%s” is not looked at, and nothing is done", (said) => {
    const parts = [{ text: "Sent on Someday" }, { type: "input_text", text: `${said}\n[photo]` }, photo];
    expect(answerTo([{ role: "user", content: parts }])).toEqual([
      {
        type: "text",
        text: expect.stringMatching(/^\[demo model\] I cannot look at images: .* I have changed nothing\./),
      },
    ]);
  });

  test("of an earlier message changes nothing about a later one", () => {
    const input: InputItem[] = [
      { role: "user", content: [{ text: "Sent on Someday" }, { text: "look\n[photo]" }] },
      { role: "assistant", content: "[demo model] I cannot look at images" },
      { role: "user", content: "add milk" },
    ];
    expect(answerTo(input)).toMatchObject([{ type: "call", name: "create_task" }]);
  });

  test("counts no tokens by its characters", () => {
    const request = (image_url: string) => {
      const input = [{ role: "user", content: [{ ...photo, image_url }] }];
      return responsesRequestSchema.parse({ model: "demo", instructions: "", input, tools: [], stream: true });
    };
    expect(countTokens(request("x".repeat(10_000)), [])).toEqual(countTokens(request("x"), []));
  });
});
