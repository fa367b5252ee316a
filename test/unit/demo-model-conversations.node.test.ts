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

describe("an undo", () => {
  const added: Exchange = [
    "add milk and eggs",
    ['Created #1 "Milk" · pending · version 1\nCreated #2 "Eggs · change 9" · pending · version 1 · change 5'],
    '[demo model]\nCreated #1 "Milk"',
  ];
  const shown: Exchange = ["show my tasks", ['#1 "Milk" · pending · version 1'], "[demo model] #1"];
  const undone: Exchange = [
    "undo that",
    ['Undid change 5: #1 "Milk" · pending · version 1 · deleted · change 6'],
    "[demo model] Undid change 5",
  ];

  test.each(["undo", "Undo that, please.", "can you undo the last changes?", "put them back"])(
    "“%s” takes the last changes back",
    (said) => {
      expect(next([added, shown, [said]])).toEqual({
        words: "[demo model] I would delete this.",
        calls: [{ name: "update_task", undo: 5 }],
      });
    },
  );

  test("of a call about several tasks is one, and of titles that look like its number none", () => {
    const lines = '#1 "Milk · change 9:" · pending · version 1\n#2 "Eggs" · pending · version 1';
    for (const [text, words] of [
      [`Created 7 tasks · change 5:\n${lines}`, "[demo model] I would delete this."],
      [`Completed 7 tasks · change 5:\n${lines}\nFailed #3: it is gone.`, ""],
    ] as const) {
      expect(next([["add milk", [text], `[demo model]\n${text}`], ["undo that"]])).toEqual({
        words,
        calls: [{ name: "update_task", undo: 5 }],
      });
    }
  });

  test("can be undone, and is told", () => {
    expect(next([added, undone, ["undo that"]]).calls).toEqual([{ name: "update_task", undo: 6 }]);
    const outputs = ['Undid change 6: #1 "Milk" · pending · version 3 · restored · change 7'];
    expect(next([added, undone, ["undo that", outputs]]).words).toBe(`[demo model] ${outputs[0]}`);
  });

  test("of changes by their numbers", () => {
    expect(next([["undo changes 2 and 12"]]).calls).toEqual([12, 2].map((undo) => ({ name: "update_task", undo })));
  });

  test("of nothing says so", () => {
    expect(next([shown, ["undo that"]])).toMatchObject({
      calls: [],
      words: expect.stringContaining("changed nothing"),
    });
  });

  test.each(["undo milk", "undo change", "don't undo that"])("“%s” is not understood", (said) => {
    expect(next([added, [said]])).toMatchObject({ calls: [], words: expect.stringContaining("I did not understand") });
  });
});
