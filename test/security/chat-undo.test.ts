import { describe, expect, test } from "vitest";
import { chat, makeTasks, questionOf, titlesOf } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

/** Someone with tasks, whose agent undoes these changes. */
async function undoing(titles: readonly string[], ...changes: readonly number[]) {
  const person = await Person.signUp();
  const ids = await makeTasks(person, ...titles);
  const ask = async (...numbers: readonly number[]) => {
    const script = await Script.write([
      calls(...numbers.map((undo) => ["update_task", { undo }] as const)),
      says("Done."),
    ]);
    return chat(person, { message: `Undo it ${script.mark}` });
  };
  return { person, ids, ask, answer: changes.length === 0 ? undefined : await ask(...changes) };
}

describe("an undo that an agent asks for", () => {
  test("is done at once where it only puts back", async () => {
    const { person, ids, ask } = await undoing(["Alpha"]);
    await person.run("update_task", { task_id: ids[0], title: "Beta" });
    await person.run("delete_task", { task_id: ids[0] });

    const answer = await ask(3, 2);
    expect(answer.tool_calls).toMatchObject([{ status: "done" }, { status: "done" }]);
    expect(await titlesOf(person)).toEqual(["Alpha"]);
  });

  test("waits for a yes where it deletes, in a question that names what it deletes", async () => {
    const { person, ids, answer } = await undoing(["Alpha"], 1);
    const { conversation_id } = answer ?? {};
    const question = answer && questionOf(answer);

    expect(question?.question).toBe(`Undo change 1, which deletes #${ids[0]} "Alpha"?`);
    expect(await titlesOf(person)).toEqual(["Alpha"]);
    const done = await chat(person, { conversation_id, approval: { id: question?.id, approved: true } });
    expect(done.tool_calls).toMatchObject([{ tool: "update_task", status: "done" }]);
    expect(await titlesOf(person)).toEqual([]);
  });

  test("tells what it deletes from what it changes", async () => {
    const person = await Person.signUp();
    await person.run("create_task", { title: "Water plants", due: "2026-11-30", recurrence: "FREQ=DAILY" });
    const { change } = await person.run("complete_task", { task_id: 1 });
    const script = await Script.write([calls(["update_task", { undo: change }])]);
    const asked = await chat(person, { message: `Undo ${script.mark}` });
    expect(questionOf(asked).question).toBe(
      `Undo change ${change}, which deletes #2 and changes #1 (#2 "Water plants", #1 "Water plants")?`,
    );
  });

  test("counts what it restores, of several at once too", async () => {
    const { person, ids, ask } = await undoing(["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"]);
    const deletions = [ids.slice(0, 6), ids.slice(6)];
    for (const task_ids of deletions) await person.run("delete_task", { task_ids });
    expect((await ask(14, 13)).response).toContain(
      "Update 12 tasks: undo change 14, which restores 6 tasks, undo change 13, which restores 6 tasks?",
    );
  });

  test("says that a yes in words is not enough where it has no room to name each task", async () => {
    const person = await Person.signUp();
    const all = Array.from({ length: 26 }, (_, index) => ({ title: `T${index}`, tags: ["all"] }));
    await person.run("create_task", { tasks: all.slice(0, 13) });
    await person.run("create_task", { tasks: all.slice(13) });
    const match = { tags: ["all"] };
    const { change } = await person.run("update_task", { match, expect_count: 26, priority: "low" });
    const script = await Script.write([calls(["update_task", { undo: change }])]);
    const asked = await chat(person, { message: `Undo ${script.mark}` });
    expect(asked.response).toMatch(
      /: Undo change 3, which changes #1 "T0", .* and 1 more\? \(Not all of them are named, so a written yes .*\)$/,
    );
  });

  test("asks about several at once, each by what it deletes", async () => {
    const { person, ids, answer } = await undoing(["Alpha", "Beta"], 2, 1);
    expect(answer?.response).toContain(
      `Update 2 tasks: undo change 2, which deletes #${ids[1]} "Beta", undo change 1, which deletes #${ids[0]} "Alpha"?`,
    );
    expect(await titlesOf(person)).toEqual(["Alpha", "Beta"]);
  });

  test("waits for a yes where it changes many tasks", async () => {
    const { person, ask } = await undoing(["A", "B", "C", "D", "E", "F"]);
    await ownerQuery("update tasks set title = title || '!', version = version + 1 where user_id = $1", [person.id]);
    expect(questionOf(await ask(7)).question).toMatch(/^Undo change 7, which changes #1 "A!", .*#6 "F!"\?$/);
    expect(await titlesOf(person)).toContain("A!");
  });

  test("is not done after a yes where its task has changed since", async () => {
    const { person, ids, answer } = await undoing(["Alpha"], 1);
    await person.run("update_task", { task_id: ids[0], title: "Beta" });
    const { conversation_id } = answer ?? {};
    const id = answer && questionOf(answer).id;

    const done = await chat(person, { conversation_id, approval: { id, approved: true } });
    expect(done.tool_calls).toMatchObject([
      { status: "failed", error: expect.stringContaining('change 2 changed title of #1 "Beta"') },
    ]);
    expect(await titlesOf(person)).toEqual(["Beta"]);
  });
});
