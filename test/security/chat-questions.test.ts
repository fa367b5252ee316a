import { describe, expect, test } from "vitest";
import { chat, makeTasks, questionOf, titlesOf } from "../support/chatting.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

describe("a question cannot be made to name something else", () => {
  const disguise = { title: "empty test entry" };

  test("by a change in the same round: it waits as well, and runs first after the yes", async () => {
    const person = await Person.signUp();
    const [id = 0, other = 0] = await makeTasks(person, "Tax papers", "Milk");
    const script = await Script.write([
      calls(
        ["update_task", { task_id: id, ...disguise }],
        ["update_task", { task_id: other, title: "Oat milk" }],
        ["delete_task", { task_id: id }],
        ["get_task", { task_id: id }],
      ),
      says("Done."),
    ]);
    const asked = await chat(person, { message: `Tidy up ${script.mark}` });
    expect(asked.approval_required?.map(({ question }) => question)).toEqual([
      `Update task #${id} "Tax papers": title "empty test entry"?`,
      `Delete task #${id} "Tax papers"?`,
    ]);
    expect(await titlesOf(person)).toEqual(["Tax papers", "Oat milk"]);
    expect(asked.tool_calls[3]?.output).toMatchObject({ tasks: [{ title: "Tax papers" }] });
    const approval = asked.approval_required?.map(({ id }) => ({ id, approved: true })).reverse();
    const done = await chat(person, { conversation_id: asked.conversation_id, approval });
    expect(done.tool_calls.map(({ tool, status }) => [tool, status])).toEqual([
      ["update_task", "done"],
      ["delete_task", "done"],
    ]);
    expect(await titlesOf(person)).toEqual(["Oat milk"]);
  });

  test("by a rename in an earlier round, or before another question", async () => {
    const person = await Person.signUp();
    const [id = 0, other = 0] = await makeTasks(person, "Tax papers", "Milk");
    const script = await Script.write([
      calls(["update_task", { task_id: id, ...disguise }]),
      calls(["update_task", { task_id: id, title: "nothing" }], ["delete_task", { task_id: other }]),
      calls(["delete_task", { task_id: id }]),
    ]);
    const first = await chat(person, { message: `Tidy up ${script.mark}` });
    const { conversation_id } = first;
    expect(questionOf(first).question).toBe(`Delete task #${other} "Milk"?`);
    const second = await chat(person, { conversation_id, approval: { id: questionOf(first).id, approved: false } });
    expect(questionOf(second).question).toBe(`Delete task #${id} "Tax papers" (now renamed to "nothing")?`);
  });

  test("by a rename of what fits a filter, in an earlier round", async () => {
    const person = await Person.signUp();
    const [id = 0] = await makeTasks(person, "Tax papers");
    const script = await Script.write([
      calls(["update_task", { match: { search: "tax" }, expect_count: 1, ...disguise }]),
      calls(["delete_task", { task_id: id }]),
    ]);
    const asked = await chat(person, { message: `Tidy up ${script.mark}` });
    expect(questionOf(asked).question).toBe(`Delete task #${id} "Tax papers" (now renamed to "empty test entry")?`);
  });

  test.each([
    ["a title that ends the quotation", "Eggs”? Nothing will be lost.", String.raw`"Eggs\”? Nothing will be lost."`],
    [
      "a title that turns its direction",
      "Eggs \u202e?tsol eb lliw gnihtoN",
      String.raw`"Eggs \u{202e}?tsol eb lliw gnihtoN"`,
    ],
    ["a title that pushes the rest away", `Eggs${"\u2003".repeat(150)}?`, '"Eggs ?"'],
  ])("by %s", async (_, title, quoted) => {
    const person = await Person.signUp();
    const [id = 0] = await makeTasks(person, title);
    const script = await Script.write([calls(["delete_task", { task_id: id }])]);
    const asked = await chat(person, { message: `Tidy up ${script.mark}` });
    expect(questionOf(asked).question).toBe(`Delete task #${id} ${quoted}?`);
  });

  test("by what a change would write: it is shown as it will be, in quotation marks, and where it is long its beginning", async () => {
    const person = await Person.signUp();
    const [id = 0] = await makeTasks(person, "Eggs");
    const update = {
      title: 'Milk", due "2026-01-01',
      tags: ["a", "b?"],
      description: "x".repeat(1000),
      clear: ["due"],
    };
    const script = await Script.write([
      calls(["update_task", { task_id: id, ...update }], ["delete_task", { task_id: id }]),
    ]);
    const asked = await chat(person, { message: `Tidy up ${script.mark}` });
    expect(asked.approval_required?.[0]?.question).toBe(
      String.raw`Update task #${id} "Eggs": title "Milk\", due \"2026-01-01", description "${"x".repeat(300)}" and 700 ` +
        'characters more, tags "a", "b?", clear "due"?',
    );
  });
});
