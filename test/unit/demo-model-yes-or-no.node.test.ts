import { describe, expect, test } from "vitest";
import type { InputItem } from "../../local/responses-api.ts";
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
        /set my question aside: nothing was done of what it was about\. Ask me again, and answer the question itself/,
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
    const input: InputItem[] = [
      { role: "user", content: "delete tea" },
      { role: "assistant", content: "[demo model] I would delete this." },
      { type: "function_call", call_id: "1", name: "delete_task", arguments: "{}" },
      { type: "function_call_output", call_id: "1", output: 'Deleted #1 "Tea" · pending' },
      { role: "user", content: "yes" },
    ];
    expect(answerTo(input)).toEqual([{ type: "text", text: '[demo model] Deleted #1 "Tea" · pending' }]);
  });

  const shown: Exchange = ["show my tasks", ['#1 "Tea" · pending'], '[demo model] #1 "Tea" · pending'];
  const stray: Exchange = ["yes", [], "[demo model] Your message has set my question aside"];

  test.each([[shown], [stray]])("comes too late where something else was said since", (since) => {
    const { words } = next([deleted, since, ["Ja"]]);
    expect(words).toMatch(/What I asked after “delete tea” no longer counts: what was said since has set it aside/);
    expect(words).toMatch(/nothing was done of it\. Say again what is to be done/);
    expect(next([deleted, since, ["nein"]]).words).not.toContain("Say again");
  });

  test("to which of several tasks is asked the same again, and then answered", () => {
    const list = '#1 "Tea one" · pending\n#2 "Tea two" · pending';
    const asked = next([["complete tea", [list]]]).words;
    expect(asked).toContain("Which “tea” do you mean?");
    const again = next([
      ["complete tea", [list], asked],
      ["oui", [list]],
    ]).words;
    expect(again).toBe(asked);
    expect(next([["complete tea", [list], asked], ["oui", [list], again], ["the first"]]).calls).toEqual([
      { name: "get_task", task_id: 1 },
    ]);
  });

  test.each(["Not done: the person said no.", "Error: there are too many tasks."])(
    "or no: of what “%s” is said of, nothing is said as if it were done",
    (output) => {
      expect(next([["remind me to drink tea", [output]]]).words).not.toContain("It is on your list");
      expect(next([["remind me to drink tea", ['Created #1 "Drink tea"']]]).words).toContain("It is on your list");
    },
  );

  test("comes too late for a question of the demo model itself", () => {
    const which: Exchange = [
      "complete tea",
      ['#1 "Tea one" · pending\n#2 "Tea two" · pending'],
      '[demo model]\nWhich “tea” do you mean? Say “the first”, or its number.\n#1 "Tea one"\n#2 "Tea two"',
    ];
    const chosen: Exchange = [
      "the first",
      ['#1 "Tea one" · pending', 'Completed #1 "Tea one"'],
      "[demo model] Completed",
    ];
    expect(next([which, shown, ["yes"]]).words).toContain("What I asked after “complete tea” no longer counts");
    expect(next([which, chosen, ["yes"]]).words).toContain("Nothing is waiting for your answer");
  });

  test("answers nothing where the question before was answered", () => {
    const taken: InputItem[] = [
      { role: "user", content: "delete tea" },
      { type: "function_call", call_id: "1", name: "delete_task", arguments: "{}" },
      { type: "function_call_output", call_id: "1", output: "Not done: the person was asked, and wrote instead." },
      { role: "user", content: "Ja" },
      { type: "function_call", call_id: "2", name: "delete_task", arguments: "{}" },
    ];
    for (const output of ['Deleted #1 "Tea" · pending', "Not done: the person said no."]) {
      const items: InputItem[] = [
        ...taken,
        { type: "function_call_output", call_id: "2", output },
        { role: "assistant", content: "[demo model] What came of it" },
        { role: "user", content: "yes" },
      ];
      expect(answerTo(items)).toEqual([
        { type: "text", text: expect.stringContaining("Nothing is waiting for your answer") },
      ]);
    }
  });

  test.each([
    "Ja",
    "oui",
    "はい",
    "Sí",
    "tak",
    "do it",
    "cancel",
    "stop",
    "löschen",
    "show my tasks",
    "delete tea",
    "help",
  ])("or whatever “%s” is: what came of the server's calls is told", (said) => {
    for (const [output, told] of [
      ['Deleted #1 "Tea" · pending', 'Deleted #1 "Tea" · pending'],
      ["Not done: the person said no.", "Not done: you said no."],
    ] as const) {
      const input: InputItem[] = [
        { role: "user", content: "delete everything" },
        { role: "assistant", content: '[demo model] I find no task “tee”. Do you mean this one?\n#1 "Tea"' },
        { role: "user", content: said },
        { type: "function_call", call_id: "2", name: "delete_task", arguments: "{}" },
        { type: "function_call_output", call_id: "2", output },
      ];
      expect(answerTo(input)).toEqual([{ type: "text", text: `[demo model] ${told}` }]);
    }
  });

  test("tells of what was done beside the call that waited for it", () => {
    const input: InputItem[] = [
      { role: "user", content: "undo changes 4 and 5" },
      { role: "assistant", content: "[demo model] I would undo this." },
      { type: "function_call", call_id: "1", name: "update_task", arguments: "{}" },
      { type: "function_call_output", call_id: "1", output: "Not done: the person was asked, and wrote instead." },
      { type: "function_call", call_id: "2", name: "update_task", arguments: "{}" },
      { type: "function_call_output", call_id: "2", output: "Undid change 4" },
      { role: "user", content: "Ja" },
      { type: "function_call", call_id: "3", name: "update_task", arguments: "{}" },
      { type: "function_call_output", call_id: "3", output: "Undid change 5" },
    ];
    expect(answerTo(input)).toEqual([{ type: "text", text: "[demo model]\nUndid change 4\nUndid change 5" }]);
  });

  test.each([
    ["Ja", { calls: [{ name: "get_task", task_id: 1 }] }],
    ["nein", { calls: [], words: "[demo model] Then I leave everything as it is." }],
  ])("in another language, “%s”, answers the demo model's own question", (said, expected) => {
    const perhaps: Exchange = [
      "complete tee",
      ['#1 "Tea" · pending'],
      '[demo model]\nI find no task “tee”. Do you mean this one?\n#1 "Tea" · pending',
    ];
    expect(next([perhaps, [said]])).toMatchObject(expected);
  });
});
