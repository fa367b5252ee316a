import { describe, expect, test } from "vitest";
import { loggedCalls, loggedTaskChanges } from "../support/change-log.ts";
import { chat, makeTasks, questionOf, titlesOf } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

/** Someone one of whose tasks an agent holds, and who has had the chat do something to it. */
async function asked(callFor: (id: number) => readonly [tool: string, input: object]) {
  const person = await Person.signUp();
  const [id = 0] = await makeTasks(person, "Alpha");
  const { change: claim = 0 } = await person.run("update_task", { task_id: id, claim_minutes: 30 });
  const script = await Script.write([calls(callFor(id)), says("Done.")]);
  const answer = await chat(person, { message: `Do it ${script.mark}` });
  return { person, id, claim, answer, conversation_id: answer.conversation_id };
}

const rename = (task_id: number) => ["update_task", { task_id, title: "Beta" }] as const;
const yesTo = (answer: Awaited<ReturnType<typeof chat>>) => ({ id: questionOf(answer).id, approved: true });

/** How the question tells of the claim. */
const HELD = /\(claimed by ".+" until \S+, which this ends\)/;

test("a change of a task that an agent holds waits for a yes, which ends the claim, and the log says so", async () => {
  const { person, id, claim, answer, conversation_id } = await asked(rename);
  expect(questionOf(answer).question).toMatch(HELD);
  expect(questionOf(answer).question).toMatch(/^Update task #\d+ "Alpha" \(.*\): title "Beta"\?$/);
  expect(await titlesOf(person)).toEqual(["Alpha"]);

  const done = await chat(person, { conversation_id, approval: yesTo(answer) });
  expect(done.tool_calls).toMatchObject([{ status: "done" }]);
  expect(await titlesOf(person)).toEqual(["Beta"]);
  expect((await loggedCalls(person.id)).at(-1)).toMatchObject({ via: "chat" });
  expect((await loggedTaskChanges(person.id)).at(-1)).toMatchObject({
    overrode: claim,
    before: { claimed_by: expect.any(String), title: "Alpha" },
    after: { claimed_by: null, title: "Beta" },
  });
  const late = await person.call("complete_task", { task_id: id, claim });
  expect((await problemOf(late)).detail).toContain(`Claim ${claim} of task #${id} does not hold`);
});

test("after a no the claim holds, and nothing was changed", async () => {
  const { person, id, claim, answer, conversation_id } = await asked(rename);
  await chat(person, { conversation_id, approval: { ...yesTo(answer), approved: false } });
  expect(await titlesOf(person)).toEqual(["Alpha"]);
  expect(await person.endTask("complete_task", { task_id: id, claim })).toMatchObject({ status: "completed" });
});

test("a yes counts for the claim that its question showed, and no other", async () => {
  const { person, id, answer, conversation_id } = await asked(rename);
  await ownerQuery("update tasks set claimed_until = now() where user_id = $1", [person.id]);
  const { change: another } = await person.run("update_task", { task_id: id, claim_minutes: 30 });

  const again = await chat(person, { conversation_id, approval: yesTo(answer) });
  expect(again.tool_calls).toMatchObject([{ status: "approval_required" }]);
  expect(await titlesOf(person)).toEqual(["Alpha"]);
  await chat(person, { conversation_id, approval: yesTo(again) });
  expect(await titlesOf(person)).toEqual(["Beta"]);
  expect((await loggedTaskChanges(person.id)).at(-1)).toMatchObject({ overrode: another });
});

test("a deletion, which is asked about anyway, tells of the claim that it ends", async () => {
  const { person, answer, conversation_id } = await asked((task_id) => ["delete_task", { task_id }]);
  expect(questionOf(answer).question).toMatch(HELD);
  await chat(person, { conversation_id, approval: yesTo(answer) });
  expect(await titlesOf(person)).toEqual([]);
});

test("a person lets a task be taken again that was set aside, without its number", async () => {
  const person = await Person.signUp();
  const [id = 0] = await makeTasks(person, "Alpha");
  await person.run("update_task", { task_id: id, claim_minutes: 30 });
  await ownerQuery("update tasks set claimed_until = now(), claim_lapses = 2 where user_id = $1", [person.id]);
  expect((await person.run("list_tasks", { status: "ready" })).tasks).toEqual([]);

  const script = await Script.write([calls(["update_task", { task_id: id, release: true }]), says("Done.")]);
  const { tool_calls } = await chat(person, { message: `Release it ${script.mark}` });
  expect(tool_calls).toMatchObject([{ status: "done" }]);
  expect((await person.run("list_tasks", { status: "ready" })).tasks).toMatchObject([{ id }]);
});

test("a token over HTTP is an agent, whose yes nobody asks for", async () => {
  const person = await Person.signUp();
  const [id = 0] = await makeTasks(person, "Alpha");
  await person.run("update_task", { task_id: id, claim_minutes: 30 });
  const refused = await person.call("delete_task", { task_id: id });
  expect((await problemOf(refused)).status).toBe(409);
});

describe("an undo of tasks that agents hold", () => {
  /** Someone with two tasks, changed at once since, each of which another agent holds; and their question about an undo. */
  async function askedAboutUndo() {
    const person = await Person.signUp();
    const ids = await makeTasks(person, "Alpha", "Beta");
    await ownerQuery("update tasks set title = title || '!', version = version + 1 where user_id = $1", [person.id]);
    const claims: number[] = [];
    for (const task_id of ids) {
      claims.push((await person.run("update_task", { task_id, claim_minutes: 30 })).change ?? 0);
    }
    const script = await Script.write([calls(["update_task", { undo: 3 }]), says("Done.")]);
    const answer = await chat(person, { message: `Undo it ${script.mark}` });
    return { person, ids, claims, answer, conversation_id: answer.conversation_id };
  }

  test("is asked about once, and one yes ends all claims, each of which the log names", async () => {
    const { person, ids, claims, answer, conversation_id } = await askedAboutUndo();
    const [held, other] = ids.map(
      (id, index) => `#${id} "${["Alpha!", "Beta!"][index]}" \\(claimed by .+, which this ends\\)`,
    );
    expect(questionOf(answer).question).toMatch(new RegExp(`^Undo change 3, which changes ${held}, ${other}\\?$`));
    expect(await titlesOf(person)).toEqual(["Alpha!", "Beta!"]);

    const done = await chat(person, { conversation_id, approval: yesTo(answer) });
    expect(done.tool_calls).toMatchObject([{ status: "done" }]);
    expect(await titlesOf(person)).toEqual(["Alpha", "Beta"]);
    expect((await loggedTaskChanges(person.id)).slice(-2).map(({ overrode }) => overrode)).toEqual(claims);
    for (const [index, claim] of claims.entries()) {
      const late = await person.call("complete_task", { task_id: ids[index], claim });
      expect((await problemOf(late)).detail).toContain("does not hold");
    }
  });

  test("is asked about anew, with all of them, where another claim has come since", async () => {
    const { person, ids, answer, conversation_id } = await askedAboutUndo();
    await ownerQuery("update tasks set claimed_until = now() where user_id = $1 and id = $2", [person.id, ids[1]]);
    await person.run("update_task", { task_id: ids[1], claim_minutes: 30 });

    const again = await chat(person, { conversation_id, approval: yesTo(answer) });
    expect(questionOf(again).question).toMatch(
      /^Undo change 3, which changes #\d+ "Alpha!" .* claimed by .*, #\d+ "Beta!" .* claimed by/,
    );
    expect(await titlesOf(person)).toEqual(["Alpha!", "Beta!"]);
    await chat(person, { conversation_id, approval: yesTo(again) });
    expect(await titlesOf(person)).toEqual(["Alpha", "Beta"]);
  });
});
