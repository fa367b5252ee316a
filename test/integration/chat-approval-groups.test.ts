import type { UIMessage } from "ai";
import { expect, test } from "vitest";
import { chat, makeTasks, titlesOf } from "../support/chatting.ts";
import { chunksOf, messageOf } from "../support/event-streams.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

const titles = Array.from({ length: 30 }, (_, index) => `Task ${index} of the list that a person has dictated`);
const createAll = calls(...titles.map((title) => ["create_task", { title, tags: ["list"] }] as const));
const yesTo = (ids: readonly string[]) => ids.map((id) => ({ id, approved: true }));

test("thirty calls ask one question, in words, with as many titles as fit, and are answered at once", async () => {
  const person = await Person.signUp();
  const script = await Script.write([createAll, says("Added.")]);
  const asked = await chat(person, { message: `Add all ${script.mark}` });
  const [group, ...others] = asked.approval_groups ?? [];
  expect(others).toEqual([]);
  expect(group?.tool).toBe("create_task");
  expect(group?.question).toMatch(
    /^Create 30 tasks: "Task 0 of the list that a person has dictated", "Task 1 .*" and \d+ more\?$/,
  );
  expect(group?.question.length).toBeLessThan(700);
  expect(asked.response).toBe(`Waiting for your approval: ${group?.question}`);
  // As ever, each call has its own.
  expect(asked.approval_required?.map(({ id }) => id)).toEqual(group?.ids);
  expect(asked.approval_required?.[0]?.question).toBe(`Create task: title "${titles[0]}", tags "list"?`);

  const { conversation_id } = asked;
  const done = await chat(person, { conversation_id, approval: yesTo(group?.ids ?? []) });
  expect(done.response).toBe("Added.");
  expect(done.approval_groups).toBeUndefined();
  expect(await titlesOf(person)).toEqual(titles);
});

test("counts each task that a call would make, and names them, those with subtasks too", async () => {
  const person = await Person.signUp();
  const tasks = Array.from({ length: 22 }, (_, index) => ({ title: `Item ${index}`, tags: ["long"] }));
  const trip = { title: "Trip", subtasks: [{ title: "Pack" }, { title: "Book", priority: "high" }] };
  const script = await Script.write([calls(["create_task", { tasks }], ["create_task", trip])]);
  const asked = await chat(person, { message: `Add all ${script.mark}` });
  const titlesInQuestion = [...tasks.map(({ title }) => title), "Trip", "Pack", "Book"].map((title) => `"${title}"`);
  expect(asked.response).toBe(`Waiting for your approval: Create 25 tasks: ${titlesInQuestion.join(", ")}?`);
  const each = tasks.map(({ title }) => `"${title}" (tags "long")`).join(", ");
  expect(asked.approval_required?.map(({ question }) => question)).toEqual([
    `Create 22 tasks: ${each}?`,
    'Create 3 tasks: title "Trip", subtasks "Pack", "Book" (priority "high")?',
  ]);

  const more = await Script.write([calls(...Array.from({ length: 4 }, () => ["create_task", { tasks }] as const))]);
  expect((await chat(person, { message: `Add more ${more.mark}` })).response).toMatch(
    /: Create 88 tasks: "Item 0", .*, "Item 21" and \d+ more\?$/,
  );
});

test("leaves out what long tasks to come say beside their titles, and says so", async () => {
  const person = await Person.signUp();
  const tasks = Array.from({ length: 25 }, (_, index) => ({
    title: `${index} ${"t".repeat(190)}`,
    description: "d".repeat(9_000),
  }));
  const script = await Script.write([calls(["create_task", { tasks }])]);
  const { response } = await chat(person, { message: `Add all ${script.mark}` });
  expect(response).toMatch(
    /: Create 25 tasks: "0 t+…", .*, "24 t+…" \(what else is said of them has no room here\)\?$/,
  );
  expect(response.length).toBeLessThan(2_500);
});

test("a question about several calls says that a yes in words is not enough where one of them has more than it names", async () => {
  const person = await Person.signUp();
  const tasks = Array.from({ length: 13 }, (_, index) => ({ title: `T${index}`, tags: ["all"] }));
  for (let count = 0; count < 2; count += 1) await person.run("create_task", { tasks });
  await makeTasks(person, "Other");
  const match = { match: { tags: ["all"] }, expect_count: 26, priority: "low" };
  const script = await Script.write([
    calls(["update_task", match], ["update_task", { task_id: 27, priority: "low" }]),
    says("Which ones?"),
  ]);
  const asked = await chat(person, { message: `Do it ${script.mark}` });
  expect(asked.response).toMatch(
    /: Update 27 tasks: .*\(Not all of them are named, so a written yes is not enough: .*\)$/,
  );
  await chat(person, { conversation_id: asked.conversation_id, message: "yes" });
  expect((await person.run("list_tasks", { priority: "low" })).tasks).toEqual([]);
});

test("counts a task once that two calls are about", async () => {
  const person = await Person.signUp();
  const ids = await makeTasks(person, "A", "B", "C");
  const script = await Script.write([
    calls(["delete_task", { task_ids: ids.slice(0, 2) }], ["delete_task", { task_ids: ids.slice(1) }]),
  ]);
  const asked = await chat(person, { message: `Delete them ${script.mark}` });
  expect(asked.response).toContain(': Delete 3 tasks: #1 "A", #2 "B", #2 "B", #3 "C"?');
});

test("one by one: the question is about those that still wait", async () => {
  const person = await Person.signUp();
  const ids = await makeTasks(person, "A", "B", "C");
  const script = await Script.write([calls(...ids.map((id) => ["delete_task", { task_id: id }] as const))]);
  const asked = await chat(person, { message: `Delete all ${script.mark}` });
  const questions = [asked.approval_groups?.[0]?.question];
  const [first, second] = asked.approval_required ?? [];
  const { conversation_id } = asked;
  const fewer = await chat(person, { conversation_id, approval: { id: first?.id, approved: true } });
  questions.push(fewer.approval_groups?.[0]?.question);
  const one = await chat(person, { conversation_id, approval: { id: second?.id, approved: false } });
  expect(questions).toEqual([
    `Delete 3 tasks: #${ids[0]} "A", #${ids[1]} "B", #${ids[2]} "C"?`,
    `Delete 2 tasks: #${ids[1]} "B", #${ids[2]} "C"?`,
  ]);
  expect(one.approval_groups).toBeUndefined();
  expect(one.response).toBe(`Waiting for your approval: Delete task #${ids[2]} "C"?`);
});

test("several tools ask a question each; what a change would write is in it", async () => {
  const person = await Person.signUp();
  const ids = await makeTasks(person, "A", "B", "C", "D");
  const script = await Script.write([
    calls(
      ...ids.slice(0, 2).map((id) => ["update_task", { task_id: id, priority: "low", tags: ["x", "y"] }] as const),
      ...ids.map((id) => ["delete_task", { task_id: id }] as const),
    ),
  ]);
  const asked = await chat(person, { message: `Do it ${script.mark}` });
  const change = '(priority "low", tags "x", "y")';
  expect(asked.approval_groups?.map(({ question }) => question)).toEqual([
    `Update 2 tasks: #${ids[0]} "A" ${change}, #${ids[1]} "B" ${change}?`,
    `Delete 4 tasks: #${ids[0]} "A", #${ids[1]} "B", #${ids[2]} "C", #${ids[3]} "D"?`,
  ]);
  // A yes in words counts for one question alone.
  expect(asked.response).toMatch(/\?\n\(These are several questions, so a written yes is not enough: .*\)$/);
});

test("a yes in words answers the one question about several calls, each for the task as it was shown", async () => {
  const person = await Person.signUp();
  const ids = await makeTasks(person, "A", "B", "C");
  const script = await Script.write([calls(...ids.map((id) => ["delete_task", { task_id: id }] as const))]);
  const { conversation_id } = await chat(person, { message: `Delete all ${script.mark}` });
  await person.run("update_task", { task_id: ids[1], title: "Bread" });
  const done = await chat(person, { message: "yes", conversation_id });
  expect(done.tool_calls.map(({ status }) => status)).toEqual(["done", "approval_required", "done"]);
  expect(await titlesOf(person)).toEqual(["Bread"]);
});

/** Makes more tasks than a question has room to name. */
async function makeMany(person: Person): Promise<number[]> {
  const tasks = Array.from({ length: 15 }, (_, index) => ({ title: `${index} ${"long ".repeat(20)}` }));
  await person.run("create_task", { tasks });
  const { tasks: more } = await person.run("create_task", { tasks });
  return more.flatMap(({ id }) => [id - 15, id]);
}

test("a no in words answers a question too that had no room to name everything", async () => {
  const person = await Person.signUp();
  const ids = await makeMany(person);
  const script = await Script.write([
    calls(...ids.map((task_id): [string, object] => ["delete_task", { task_id }])),
    says("Kept."),
  ]);
  const { conversation_id } = await chat(person, { message: `Delete all ${script.mark}` });
  const refused = await chat(person, { conversation_id, message: "no" });

  expect(refused.tool_calls.map(({ status }) => status)).toEqual(ids.map(() => "refused"));
  expect((await person.run("list_tasks", { limit: 100 })).tasks).toHaveLength(30);
});

test("a yes in words deletes nothing that its question had no room to name", async () => {
  const person = await Person.signUp();
  const ids = await makeMany(person);
  const script = await Script.write([
    calls(...ids.map((task_id): [string, object] => ["delete_task", { task_id }])),
    says("Which ones?"),
  ]);
  const asked = await chat(person, { message: `Delete all ${script.mark}` });
  // The question says so, and how it is answered.
  expect(asked.response).toMatch(/and \d+ more\? \(Not all of them are named, so a written yes is not enough: .*\)$/);
  expect(asked.response).toContain(asked.approval_groups?.[0]?.question);
  await chat(person, { conversation_id: asked.conversation_id, message: "ok" });

  expect((await person.run("list_tasks", { limit: 100 })).tasks).toHaveLength(30);
});

/** Writes the open questions anew, the last one first: in the order of their rows they are the wrong way round then. */
async function turnRowsRound(person: Person, ids: readonly string[]): Promise<void> {
  for (const id of ids.toReversed()) {
    await ownerQuery("update approvals set created_at = clock_timestamp() where user_id = $1 and id = $2", [
      person.id,
      id,
    ]);
  }
}

test.each(["in words", "by their ids"])(
  "calls that are approved %s run, and are told, in the model's order",
  async (how) => {
    const person = await Person.signUp();
    const script = await Script.write([createAll, says("Added.")]);
    const { conversation_id, approval_required = [] } = await chat(person, { message: `Add all ${script.mark}` });
    const ids = approval_required.map(({ id }) => id);
    await turnRowsRound(person, ids);
    const yes = how === "in words" ? { message: "yes" } : { approval: yesTo(ids) };
    const { tool_calls } = await chat(person, { conversation_id, ...yes });
    expect(tool_calls.map(({ input }) => input)).toEqual(titles.map((title) => ({ title, tags: ["list"] })));
    expect(await titlesOf(person)).toEqual(titles);
  },
);

test("a yes in words makes what its question had no room to name: that can be deleted again", async () => {
  const person = await Person.signUp();
  const script = await Script.write([createAll, says("Added.")]);
  const asked = await chat(person, { message: `Add all ${script.mark}` });
  expect(asked.response).toMatch(/and \d+ more\?$/);
  await chat(person, { conversation_id: asked.conversation_id, message: "yes" });
  expect(await titlesOf(person)).toEqual(titles);
});

test("questions of the release before are asked one by one, and in words answered alone", async () => {
  const person = await Person.signUp();
  const ids = await makeTasks(person, "A", "B");
  const script = await Script.write([calls(...ids.map((id) => ["delete_task", { task_id: id }] as const))]);
  const body = { message: `Delete all ${script.mark}`, message_id: "m-1" };
  const { conversation_id } = await chat(person, body);
  await ownerQuery(
    `update messages set content = (select jsonb_agg(event - 'about') from jsonb_array_elements(content) as event)
    where user_id = $1 and role = 'assistant'`,
    [person.id],
  );
  const again = await chat(person, body);
  expect(again.approval_groups).toBeUndefined();
  expect(again.response).toMatch(/^Waiting .*\nWaiting .*\n\(These are several questions, .*\)$/);
  await chat(person, { message: "yes", conversation_id });
  expect(await titlesOf(person)).toEqual(["A", "B"]);
});

test("useChat has a part for it, which the server tells alike, live, replayed and stored", async () => {
  const person = await Person.signUp();
  const ids = await makeTasks(person, "A", "B", "C");
  const script = await Script.write([
    calls(...ids.map((id) => ["delete_task", { task_id: id }] as const)),
    says("Deleted."),
  ]);
  const post = (message: UIMessage) =>
    person.send("/api/chat", { method: "POST", body: { id: "c", messages: [message], trigger: "submit-message" } });
  const said: UIMessage = { id: "1", role: "user", parts: [{ type: "text", text: `Delete all ${script.mark}` }] };
  const kinds = ({ parts }: UIMessage) => parts.map(({ type }) => type);
  const groupIn = ({ parts }: UIMessage) => parts.find(({ type }) => type === "data-approval-group");
  const stored = async () => {
    const { messages } = (await (await person.send("/api/conversations/c")).json()) satisfies unknown as {
      messages: UIMessage[];
    };
    return messages[1];
  };
  let shown = await messageOf(await chunksOf(await post(said)));
  expect(groupIn(shown)).toMatchObject({
    data: { tool: "delete_task", question: expect.stringMatching(/^Delete 3 tasks: /), approval_ids: { length: 3 } },
  });
  for (const approvals of [1, 2]) {
    let left = approvals;
    for (const part of shown.parts) {
      if (part.type !== "tool-delete_task" || !("approval" in part) || part.state !== "approval-requested") continue;
      if (left-- > 0)
        Object.assign(part, { state: "approval-responded", approval: { ...part.approval, approved: true } });
    }
    shown = await messageOf(await chunksOf(await post(shown)), shown);
    const now = await stored();
    expect(now && groupIn(now)).toEqual(groupIn(shown));
    expect(now && kinds(now)).toEqual(kinds(shown));
    const replayed = await messageOf(await chunksOf(await post(said)));
    expect(groupIn(replayed)).toEqual(groupIn(shown));
    expect(kinds(replayed)).toEqual(kinds(shown));
  }
  expect(groupIn(shown)).toMatchObject({ data: { question: "", approval_ids: [] } });
});
