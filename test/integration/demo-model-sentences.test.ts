import { beforeAll, expect, inject, it } from "vitest";
import { adding } from "../support/demo-list/adding.ts";
import { sayToModel } from "../support/demo-list/agent.ts";
import { changing } from "../support/demo-list/changing.ts";
import { day, timeZone } from "../support/demo-list/clock.ts";
import { dialogues } from "../support/demo-list/dialogues.ts";
import { type End, rowsAfter, type Sentence } from "../support/demo-list/end.ts";
import { finishing } from "../support/demo-list/finishing.ts";
import { listOwner, rowsOf, say, tasksBefore } from "../support/demo-list/list.ts";
import { listing } from "../support/demo-list/listing.ts";
import { next } from "../support/demo-model-answers.ts";
import { Person } from "../support/person.ts";
import { setVariables } from "../support/variables.ts";

// What a person may say to the demo model, and the rows that it leaves: the right ones, or those from before and an
// answer that says what was not understood. A sentence by itself is said to the model alone, and its calls run over MCP;
// what takes several is said in chat.

// It uses up no tokens, so that the smallest budget lets a person say as much as they like.
beforeAll(() => setVariables({ ...inject("demoModel"), AGENT_TIMEOUT: "60", DAILY_TOKEN_BUDGET: "1000" }));

const sentences = [...adding, ...changing, ...finishing, ...listing];

async function endsIn(speak: (person: Person) => Promise<string>, { answer, listed, ...end }: End): Promise<void> {
  const person = await listOwner();
  const last = await speak(person);
  expect(await rowsOf(person), last).toEqual(rowsAfter(end));
  if (answer !== undefined) expect(last).toMatch(answer);
  if (listed === undefined) return;
  const named = tasksBefore.filter(({ title }) =>
    new RegExp(`^(?:\\[demo model\\] )?#\\d+ "?${title}\\b`, "m").test(last),
  );
  expect(named.map(({ title }) => title).sort(), last).toEqual([...listed].sort());
}

it("knows at least 120 sentences, each of them once", () => {
  expect(new Set(sentences.map(([sentence]) => sentence)).size).toBe(sentences.length);
  expect(sentences.length).toBeGreaterThanOrEqual(120);
});

const isUnderstood = ([, { isMisunderstood = false }]: Sentence) => !isMisunderstood;

it.each(sentences.filter(isUnderstood))("“%s” ends in the right rows, or in an honest answer", (sentence, end) =>
  endsIn((person) => sayToModel(person, sentence), end),
);

// Where no tool is called, no row is another: the worker need not be asked.
it.each(sentences.filter((one) => !isUnderstood(one)))("“%s” is not understood, and calls no tool", (sentence, end) => {
  const { calls, words } = next([[sentence]]);
  expect(calls).toEqual([]);
  expect(words).toMatch(end.answer ?? /^$/);
});

it.each(dialogues)("%j end in the right rows, or in an honest answer", (said, end) =>
  endsIn((person) => say(person, ...said), end),
);

it("changes more tasks than a call can name by what they fit", async () => {
  const person = await Person.signUp({ time_zone: timeZone });
  for (const count of [25, 5]) {
    const tasks = Array.from({ length: count }, (_, index) => ({ title: `Task ${index}`, due: day(1) }));
    await person.run("create_task", { tasks });
  }
  expect(await say(person, "move everything due tomorrow to in 3 days")).toContain("Updated 30 tasks");
  expect(new Set((await rowsOf(person)).map(({ due }) => due))).toEqual(new Set([day(3)]));
  await person.run("create_task", { title: "At noon", due: `${day(3)}T12:00:00` });
  expect(await say(person, "move everything due in 3 days to tomorrow")).toContain("Updated 25 tasks");
  expect(new Set((await rowsOf(person)).map(({ due }) => due))).toEqual(new Set([day(1), `${day(1)} 12:00`]));
});

it("says that a week is empty", async () => {
  expect(await say(await Person.signUp({ time_zone: timeZone }), "how does my week look?")).toBe(
    "[demo model] Nothing is due this week.",
  );
});
