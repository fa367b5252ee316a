import { describe, expect, test } from "vitest";
import { countTokens, type InputItem, responsesRequestSchema } from "../../local/responses-api.ts";
import { answerTo, type Exchange, next } from "../support/demo-model-answers.ts";

describe("an output that is trimmed", () => {
  const note = " … (trimmed; this was change 7; list_tasks tells what is true now)";
  const told = 'Created #1 "Milk" · pending\nCreated #2 "Eggs" · pending · change 7';
  const outputs = [told.slice(0, 30) + note];
  const added: Exchange = ["add milk and eggs", outputs, `[demo model]\n${told}`];

  test("is not told again, and its note is shown to nobody", () => {
    expect(next([added, ["yes"]]).words).toContain("Nothing is waiting for your answer");
    const untold: InputItem[] = [
      { role: "user", content: "add milk and eggs" },
      { type: "function_call", call_id: "1", name: "create_task", arguments: "{}" },
      { type: "function_call_output", call_id: "1", output: told.slice(0, 30) + note },
      { role: "user", content: "yes" },
    ];
    expect(answerTo(untold)).toEqual([{ type: "text", text: `[demo model]\n${told.slice(0, 30)}… · change 7` }]);
  });

  test("is undone by what was told of it, or by the number in its note", () => {
    expect(next([added, ["undo that"]]).calls).toEqual([{ name: "update_task", undo: 7 }]);
    const untold: Exchange = ["add milk and eggs", outputs, "[demo model]\nDone."];
    expect(next([untold, ["undo that"]]).calls).toEqual([{ name: "update_task", undo: 7 }]);
  });
});

test("what an answer had done that was replaced is undone by “undo that”, and not what was done before it", () => {
  const items: InputItem[] = [
    { role: "user", content: "make milk low priority" },
    { type: "function_call", call_id: "1", name: "update_task", arguments: "{}" },
    { type: "function_call_output", call_id: "1", output: 'Updated #1 "Milk" · pending · low priority · change 3' },
    { role: "assistant", content: '[demo model] Updated #1 "Milk" · pending · low priority · change 3' },
    { role: "user", content: "make eggs urgent" },
    { type: "function_call", call_id: "2", name: "update_task", arguments: "{}" },
    { type: "function_call_output", call_id: "2", output: 'Updated #2 "Eggs" · pending · urgent priority · change 4' },
    { role: "developer", content: "A note from the server" },
    { role: "assistant", content: "[demo model] It was so before; nothing was changed." },
    { role: "user", content: "undo that" },
  ];
  expect(answerTo(items)).toEqual([{ type: "call", name: "update_task", arguments: JSON.stringify({ undo: 4 }) }]);
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

describe("a message that is changed", () => {
  test.each([
    ["yes", "\nNothing is waiting for your answer. Say “help” for what I understand."],
    ["tidy up", "\nI did not understand “tidy up”: say “help” for what I understand. I have changed nothing else."],
  ])("to “%s” is told what the earlier answer has done", (said, rest) => {
    const input: InputItem[] = [
      { role: "user", content: "add milk to the tasks of all" },
      { type: "function_call", call_id: "0", name: "create_task", arguments: "{}" },
      { type: "function_call_output", call_id: "0", output: "Not done: the person was asked, and wrote instead." },
      { role: "user", content: said },
      { type: "function_call", call_id: "1", name: "create_task", arguments: "{}" },
      { type: "function_call_output", call_id: "1", output: 'Created #1 "Milk" · pending' },
      { role: "developer", content: "A note from the server" },
    ];
    const held = 'An earlier answer to this message has done this, and it holds:\nCreated #1 "Milk" · pending';
    expect(answerTo(input)).toEqual([{ type: "text", text: `[demo model]\n${held}${rest}` }]);
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
        words: "[demo model] I would undo this.",
        calls: [{ name: "update_task", undo: 5 }],
      });
    },
  );

  test("of a call about several tasks is one, and of titles that look like its number none", () => {
    const lines = '#1 "Milk · change 9:" · pending · version 1\n#2 "Eggs" · pending · version 1';
    for (const [text, words] of [
      [`Created 7 tasks · change 5:\n${lines}`, "[demo model] I would undo this."],
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
      words: expect.stringContaining("I see no change of mine here to undo"),
    });
  });

  test.each(["undo milk", "undo change", "don't undo that"])("“%s” is not understood", (said) => {
    expect(next([added, [said]])).toMatchObject({ calls: [], words: expect.stringContaining("I did not understand") });
  });
});
