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
      `Update task #${id} “Tax papers” {"title":"empty test entry"}?`,
      `Delete task #${id} “Tax papers”?`,
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
    expect(questionOf(first).question).toBe(`Delete task #${other} “Milk”?`);
    const second = await chat(person, { conversation_id, approval: { id: questionOf(first).id, approved: false } });
    expect(questionOf(second).question).toBe(`Delete task #${id} “Tax papers” (now renamed to “nothing”)?`);
  });
});
