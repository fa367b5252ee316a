import { beforeAll, expect, inject, it } from "vitest";
import { say } from "../support/demo-list/list.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";
import { setVariables } from "../support/variables.ts";

// What a person may say to the demo model of claims, and what comes of it.

beforeAll(() => setVariables({ ...inject("demoModel"), AGENT_TIMEOUT: "60", DAILY_TOKEN_BUDGET: "100000000" }));

/** Someone with three tasks. */
async function listOwner(): Promise<Person> {
  const person = await Person.signUp();
  for (const title of ["Alpha", "Beta", "Gamma"]) await person.run("create_task", { title });
  return person;
}

const readyIds = async (person: Person) =>
  (await person.run("list_tasks", { status: "ready" })).tasks.map(({ id }) => id);

it.each([
  ["claim task 2", /Claimed #2 "Beta" .* · claim 4 · change 4$/, [1, 3]],
  ["claim Beta", /Claimed #2 "Beta" .* · claim 4 · change 4$/, [1, 3]],
  ["claim the next task", /Claimed #1 "Alpha" .* · claim 4 · change 4$/, [2, 3]],
  ["Please claim the next two tasks.", /Claimed #1 "Alpha" .*\nClaimed #2 "Beta" .* · claim 4 · change 4$/, [3]],
  ["claim the next thing on earth", /I find no task/, [1, 2, 3]],
  ["don't claim task 2", /I did not understand/, [1, 2, 3]],
])("“%s” claims that, and nothing else", async (sentence, answer, ready) => {
  const person = await listOwner();
  expect(await say(person, sentence)).toMatch(answer);
  expect(await readyIds(person)).toEqual(ready);
});

it("tells who holds a task, and which are ready", async () => {
  const person = await listOwner();
  await person.run("update_task", { task_id: 3, claim_minutes: 30 });
  for (const question of ["who holds task 3?", "Who is working on #3?", "who has claimed Gamma"]) {
    expect(await say(person, question), question).toMatch(/#3 "Gamma" · pending · claimed by "http" until \S+ ·/);
  }
  for (const question of ["what is ready?", "show the ready tasks", "which tasks are ready to claim?"]) {
    const answer = await say(person, question);
    expect(answer, question).toMatch(/#1 "Alpha".*\n#2 "Beta"/);
    expect(answer, question).not.toContain("Gamma");
  }
});

it("releases a task that an agent holds, after a yes, and puts one back that was set aside", async () => {
  const person = await listOwner();
  const { change: claim } = await person.run("update_task", { task_id: 3, claim_minutes: 30 });
  expect(await say(person, "release task 3")).toMatch(/Released #3 "Gamma"/);
  expect((await person.call("complete_task", { task_id: 3, claim })).status).toBe(409);

  await person.run("update_task", { task_id: 3, claim_minutes: 30 });
  await ownerQuery("update tasks set claimed_until = now(), claim_lapses = 2 where user_id = $1 and id = 3", [
    person.id,
  ]);
  expect(await say(person, "show task 3")).toContain(" · set aside for a person after 3 lapsed claims · ");
  expect(await readyIds(person)).toEqual([1, 2]);
  expect(await say(person, "release it", "release task 3")).toMatch(/Released #3 "Gamma" · pending · version 1/);
  expect(await readyIds(person)).toEqual([1, 2, 3]);
});
