import { expect, test } from "vitest";
import { chat, questionOf, titlesOf } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

const friday = { due_from: "2026-12-04", due_before: "2026-12-05" };

/** Someone with so many tasks due on Friday, and who has had the chat do something. */
async function asked(count: number, call: readonly [tool: string, input: object]) {
  const person = await Person.signUp();
  await fill(person, count);
  const script = await Script.write([calls(call), says("Done.")]);
  const answer = await chat(person, { message: `Do it ${script.mark}` });
  return { person, answer, conversation_id: answer.conversation_id };
}

const fill = (person: Person, count: number) =>
  ownerQuery(
    `insert into tasks (user_id, title, due_date)
     select $1, 'Task ' || number, '2026-12-04' from generate_series(1, $2) as number`,
    [person.id, count],
  );

const yesTo = (answer: Awaited<ReturnType<typeof chat>>) => ({ id: questionOf(answer).id, approved: true });

const completed = async ({ id }: Person) =>
  (await ownerQuery("select id from tasks where user_id = $1 and status = 'completed' order by id", [id])).length;

test("a change of more than five tasks that fit a filter waits for a yes, and its question names them", async () => {
  const call = ["complete_task", { match: friday, expect_count: 7 }] as const;
  const { person, answer, conversation_id } = await asked(7, call);
  const names = Array.from({ length: 7 }, (_, index) => `#${index + 1} "Task ${index + 1}"`).join(", ");
  expect(questionOf(answer).question).toBe(`Complete 7 tasks: ${names}?`);
  expect(await completed(person)).toBe(0);
  await chat(person, { conversation_id, approval: yesTo(answer) });
  expect(await completed(person)).toBe(7);
});

test("a yes counts for the tasks that were shown: with another in place of one it is asked anew", async () => {
  const call = ["complete_task", { match: friday, expect_count: 6 }] as const;
  const { person, answer, conversation_id } = await asked(6, call);
  await person.run("update_task", { task_id: 3, due: "2026-12-09" });
  await fill(person, 1);
  const again = await chat(person, { conversation_id, approval: yesTo(answer) });
  expect(again.tool_calls).toMatchObject([{ status: "approval_required" }]);
  expect(questionOf(again).question).toContain("#7 ");
  expect(await completed(person)).toBe(0);
  await chat(person, { conversation_id, approval: yesTo(again) });
  expect(await completed(person)).toBe(6);
});

test("a question about more tasks than it has room for says how many it does not name", async () => {
  const call = ["update_task", { match: friday, expect_count: 30, due: "2026-12-07" }] as const;
  const { person, answer, conversation_id } = await asked(30, call);
  expect(questionOf(answer).question).toMatch(
    /^Update 30 tasks: #1 "Task 1", .*, #25 "Task 25" and 5 more \(each: due "2026-12-07"\)\? \(Not all of them are named/,
  );
  await chat(person, { conversation_id, message: "yes" });
  const moved = "select from tasks where user_id = $1 and due_date = '2026-12-07'";
  expect(await ownerQuery(moved, [person.id])).toHaveLength(0);
});

test("a few are changed without a question, unless an agent holds one; a yes ends its claim", async () => {
  const call = ["complete_task", { match: friday, expect_count: 2 }] as const;
  const free = await asked(2, call);
  expect(await completed(free.person)).toBe(2);

  const person = await Person.signUp();
  await fill(person, 2);
  await person.run("update_task", { task_id: 2, claim_minutes: 30 });
  const script = await Script.write([calls(call), says("Done.")]);
  const answer = await chat(person, { message: `Do it ${script.mark}` });
  expect(questionOf(answer).question).toMatch(
    /^Complete 2 tasks: #1 "Task 1", #2 "Task 2" \(claimed by .*, which this ends\)\?$/,
  );
  await chat(person, { conversation_id: answer.conversation_id, approval: yesTo(answer) });
  expect(await completed(person)).toBe(2);
});

test("a deletion of several is one question, which names those that there are", async () => {
  const { person, answer, conversation_id } = await asked(3, ["delete_task", { task_ids: [1, 3, 99] }]);
  expect(questionOf(answer).question).toBe('Delete 2 tasks: #1 "Task 1", #3 "Task 3"?');
  const done = await chat(person, { conversation_id, approval: yesTo(answer) });
  expect(JSON.stringify(done.tool_calls)).toContain("not_found");
  expect(await titlesOf(person)).toEqual(["Task 2"]);
});

test("a deletion that names no task is refused, not asked about", async () => {
  const { answer } = await asked(1, ["delete_task", {}]);
  expect(answer.tool_calls).toMatchObject([{ status: "failed" }]);
});
