import { beforeAll, expect, inject, it } from "vitest";
import { chat } from "../support/chatting.ts";
import { Person } from "../support/person.ts";
import { setVariables } from "../support/variables.ts";

// What the demo model says of a yes or a no in words, beside what the server has done with it.

beforeAll(() => setVariables({ ...inject("demoModel"), AGENT_TIMEOUT: "60", DAILY_TOKEN_BUDGET: "1000" }));

/** What is answered to each message of one conversation. */
async function converse(person: Person, ...messages: readonly string[]): Promise<string[]> {
  let conversation: { conversation_id: string } | undefined;
  const answers: string[] = [];
  for (const message of messages) {
    const { response, conversation_id } = await chat(person, { message, ...conversation });
    conversation = { conversation_id };
    answers.push(response);
  }
  return answers;
}

const titles = async (person: Person) => (await person.run("list_tasks", {})).tasks.map(({ title }) => title);

it.each(["yes", "Ja", "oui", "Sí", "tak", "はい", "好的", "네", "हाँ"])(
  "“%s” does it, and that is told",
  async (yes) => {
    const person = await Person.signUp();
    const [, , answer, again] = await converse(person, "add milk and eggs", "delete eggs", yes, yes);
    expect(await titles(person)).toEqual(["Milk"]);
    expect(answer).toMatch(/^\[demo model\] Deleted #2 "Eggs" [^\n]*$/);
    expect(again).toContain("Nothing is waiting for your answer");
  },
);

it.each(["no", "Nein", "non", "nie", "いいえ", "لا"])("“%s” leaves it, and that is told", async (no) => {
  const person = await Person.signUp();
  const [, , answer, again] = await converse(person, "add milk and eggs", "delete eggs", no, "yes");
  expect(await titles(person)).toEqual(["Milk", "Eggs"]);
  expect(answer).toBe("[demo model] Not done: you said no.");
  expect(again).toContain("Nothing is waiting for your answer");
});

it("a question that was set aside is told to be", async () => {
  const person = await Person.signUp();
  const answers = await converse(
    person,
    "add milk and eggs",
    "delete eggs",
    "show my tasks",
    "Ja",
    "delete eggs",
    "Ja",
  );
  expect(answers[3]).toContain("What I asked after “delete eggs” no longer counts");
  expect(answers[5]).toContain("Deleted #2");
  expect(await titles(person)).toEqual(["Milk"]);
});

it("of several questions a yes answers the last, and that the others are set aside is told", async () => {
  const person = await Person.signUp();
  const answers = await converse(person, "add milk and eggs", "delete eggs", "delete milk", "oui", "oui");
  expect(answers[3]).toContain("Deleted #1");
  expect(answers[4]).toMatch(/Nothing is waiting for your answer: .* set aside by what was said since/);
  expect(await titles(person)).toEqual(["Eggs"]);
});

it("a long list is shown page by page", async () => {
  const person = await Person.signUp();
  for (const count of [25, 25, 25, 1]) {
    await person.run("create_task", {
      tasks: Array.from({ length: count }, (_, index) => ({ title: `Task ${index}` })),
    });
  }
  const answers = await converse(person, "show my tasks", ...Array.from({ length: 8 }, () => "show more"));
  const shown = answers.flatMap((answer) => [...answer.matchAll(/^(?:\[demo model\] )?#(\d+)/gm)].map(([, id]) => id));
  expect(shown).toEqual(Array.from({ length: 76 }, (_, index) => `${index + 1}`));
  expect(answers.join("\n")).not.toContain("cursor");
  expect(answers[0]).toMatch(/There are more: say “show more”\.$/);
});
