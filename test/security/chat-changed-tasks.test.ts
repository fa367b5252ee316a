import { env, runInDurableObject } from "cloudflare:test";
import type { UIMessage } from "ai";
import { describe, expect, test, vi } from "vitest";
import { chat, makeTasks, questionOf, titlesOf } from "../support/chatting.ts";
import { holdAnswers } from "../support/database-requests.ts";
import { chunksOf, messageOf } from "../support/event-streams.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

/** Someone whom the agent has asked about a call for each of their tasks. */
async function asked(titles: readonly string[], callFor: (id: number) => readonly [tool: string, input: object]) {
  const person = await Person.signUp();
  const ids = await makeTasks(person, ...titles);
  const script = await Script.write([calls(...ids.map(callFor)), says("Done.")]);
  const answer = await chat(person, { message: `Do it ${script.mark}` });
  const { conversation_id, approval_required: questions = [] } = answer;
  return { person, ids, id: ids[0] ?? 0, script, answer, questions, conversation_id };
}

const remove = (task_id: number) => ["delete_task", { task_id }] as const;
const yesTo = (questions: readonly { readonly id: string }[]) => questions.map(({ id }) => ({ id, approved: true }));

describe("a yes counts for the tasks as its question showed them", () => {
  test("where one has changed since, it stays, and is asked about anew as it is now", async () => {
    const { person, id, script, questions, conversation_id } = await asked(["Alpha"], remove);
    await person.run("update_task", { task_id: id, title: "Passport: do not lose", priority: "high" });

    const again = await chat(person, { conversation_id, approval: yesTo(questions) });
    expect(await titlesOf(person)).toEqual(["Passport: do not lose"]);
    expect(questionOf(again).question).toBe(
      `Delete task #${id} "Passport: do not lose" · pending · high priority · version 2 (changed since you were asked)?`,
    );
    expect(again.tool_calls).toMatchObject([{ tool: "delete_task", status: "approval_required" }]);
    expect((await script.record()).requests).toHaveLength(1);
    expect(questionOf(again).id).not.toBe(questions[0]?.id);

    const old = await person.send("/chat", { method: "POST", body: { conversation_id, approval: yesTo(questions) } });
    expect(old.status).toBe(409);
    const done = await chat(person, { conversation_id, approval: { id: questionOf(again).id, approved: true } });
    expect(done.response).toBe("Done.");
    expect(await titlesOf(person)).toEqual([]);
  });

  test("as often as it changes, and a no still leaves it", async () => {
    const { person, id, answer, conversation_id } = await asked(["Alpha"], remove);
    let { approval_required: questions = [] } = answer;
    for (const title of ["Beta", "Gamma"]) {
      await person.run("update_task", { task_id: id, title });
      const again = await chat(person, { conversation_id, approval: yesTo(questions) });
      expect(questionOf(again).question).toContain(`#${id} "${title}"`);
      questions = again.approval_required ?? [];
    }
    const left = await chat(person, { conversation_id, approval: { id: questions[0]?.id, approved: false } });
    expect(left.response).toBe("Done.");
    expect(await titlesOf(person)).toEqual(["Gamma"]);
  });

  test("each for itself: what has not changed is done, by any tool", async () => {
    const { person, ids, questions, conversation_id } = await asked(["A", "B", "C", "D", "E", "F"], (task_id) => [
      "update_task",
      { task_id, priority: "low" },
    ]);
    await person.run("complete_task", { task_id: ids[2] });
    const again = await chat(person, { conversation_id, approval: yesTo(questions) });
    expect(again.tool_calls.map(({ status }) => status)).toEqual([
      ...["done", "done", "approval_required", "done", "done", "done"],
    ]);
    expect(questionOf(again).question).toMatch(/^Update task #\d+ "C" · completed .*: priority "low"\?$/);
  });

  test("where one is gone, the model hears of it", async () => {
    const { person, id, script, questions, conversation_id } = await asked(["Alpha"], remove);
    await person.run("delete_task", { task_id: id });
    const done = await chat(person, { conversation_id, approval: yesTo(questions) });
    expect(done.tool_calls).toMatchObject([{ status: "failed", error: "Task not found" }]);
    expect((await script.record()).requests).toHaveLength(2);
  });

  test("what was not there when it was asked is no part of it, also where it is there again", async () => {
    const person = await Person.signUp();
    const [one = 0, gone = 0, other = 0] = await makeTasks(person, "One", "Gone", "Other");
    const { change } = await person.run("delete_task", { task_id: gone });
    const script = await Script.write([calls(["delete_task", { task_ids: [one, gone, other] }]), says("Done.")]);
    const asked = await chat(person, { message: `Do it ${script.mark}` });
    const { conversation_id, approval_required: questions = [] } = asked;
    expect(questionOf(asked).question).toBe(`Delete 2 tasks: #${one} "One", #${other} "Other"?`);
    await person.run("update_task", { undo: change });
    await chat(person, { conversation_id, approval: yesTo(questions) });
    expect(await titlesOf(person)).toEqual(["Gone"]);
  });

  test("what the person has said yes to in the same message is no change since, at once or one by one", async () => {
    for (const atOnce of [true, false]) {
      const person = await Person.signUp();
      const [id = 0] = await makeTasks(person, "Alpha");
      const script = await Script.write([
        calls(["update_task", { task_id: id, title: "Beta" }], ["delete_task", { task_id: id }]),
        says("Done."),
      ]);
      const answer = await chat(person, { message: `Do it ${script.mark}` });
      const { conversation_id, approval_required: questions = [] } = answer;
      const steps = atOnce ? [yesTo(questions)] : yesTo(questions).map((each) => [each]);
      for (const approval of steps) await chat(person, { conversation_id, approval });
      expect(await titlesOf(person)).toEqual([]);
    }
  });

  test("a change of another's between two of them is one", async () => {
    const person = await Person.signUp();
    const [id = 0] = await makeTasks(person, "Alpha");
    const script = await Script.write([
      calls(["update_task", { task_id: id, title: "Beta" }], ["delete_task", { task_id: id }]),
    ]);
    const answer = await chat(person, { message: `Do it ${script.mark}` });
    const { conversation_id, approval_required: [update, deletion] = [] } = answer;
    await chat(person, { conversation_id, approval: { id: update?.id, approved: true } });
    await person.run("update_task", { task_id: id, title: "Gamma" });
    const again = await chat(person, { conversation_id, approval: { id: deletion?.id, approved: true } });
    expect(questionOf(again).question).toContain('"Gamma"');
    expect(await titlesOf(person)).toEqual(["Gamma"]);
  });
});

test("a yes given again after a restart finds what its call has done, and is not asked anew about that", async () => {
  const { person, questions, conversation_id } = await asked(["A", "B", "C", "D", "E", "F"], (task_id) => [
    "update_task",
    { task_id, priority: "low" },
  ]);
  const body = { conversation_id, approval: yesTo(questions) };
  using updating = holdAnswers(person, 'update "tasks"');
  const answering = person.send("/chat", { method: "POST", body });
  const lowOnes = () => ownerQuery("select from tasks where user_id = $1 and priority = 'low'", [person.id]);
  await vi.waitFor(async () => expect(await lowOnes()).toHaveLength(1), PATIENCE);
  const object = env.CHAT_CONVERSATIONS.getByName(`${person.id}/${conversation_id}`);
  await runInDurableObject(object, (_, state) => state.abort("restarted")).catch(() => undefined);
  await (await answering).text();
  updating.release();
  const done = await chat(person, body);
  expect(done.response).toBe("Done.");
  expect(done.tool_calls.map(({ output }) => output?.replayed).filter(Boolean)).toEqual([true]);
  expect(done.approval_required).toBeUndefined();
  expect(await lowOnes()).toHaveLength(6);
});

test("a question of the release before shows no versions: a yes to it runs as it did", async () => {
  const { person, id, questions, conversation_id } = await asked(["Alpha"], remove);
  await ownerQuery(
    `update messages set content = (select jsonb_agg(event - 'tasks') from jsonb_array_elements(content) as event)
    where user_id = $1 and role = 'assistant'`,
    [person.id],
  );
  await person.run("update_task", { task_id: id, title: "Beta" });
  expect((await chat(person, { conversation_id, approval: yesTo(questions) })).response).toBe("Done.");
  expect(await titlesOf(person)).toEqual([]);
});

test("useChat shows the new question in the place of the old one, and so does the server", async () => {
  const person = await Person.signUp();
  const [id = 0] = await makeTasks(person, "Alpha");
  const script = await Script.write([calls(remove(id)), says("Deleted.")]);
  const post = (message: UIMessage) =>
    person.send("/api/chat", { method: "POST", body: { id: "c", messages: [message], trigger: "submit-message" } });
  const parts = [{ type: "text" as const, text: `Delete it ${script.mark}` }];
  let shown = await messageOf(await chunksOf(await post({ id: "1", role: "user", parts })));
  const questionsShown = () => shown.parts.filter(({ type }) => type === "tool-delete_task");
  const answer = async () => {
    for (const part of shown.parts) {
      if (part.type !== "tool-delete_task" || !("approval" in part)) continue;
      Object.assign(part, { state: "approval-responded", approval: { ...part.approval, approved: true } });
    }
    shown = await messageOf(await chunksOf(await post(shown)), shown);
  };
  const first = questionsShown();
  await person.run("update_task", { task_id: id, title: "Beta" });
  await answer();
  expect(questionsShown()).toMatchObject([{ state: "approval-requested" }]);
  expect(questionsShown()).not.toMatchObject(first);
  const stored = await (await person.send("/api/conversations/c")).json();
  expect(stored).toMatchObject({ messages: [{}, { parts: expect.arrayContaining(questionsShown()) }] });
  await answer();
  expect(questionsShown()).toMatchObject([{ state: "output-available" }]);
  expect(shown.parts.at(-1)).toMatchObject({ text: "Deleted." });
});
