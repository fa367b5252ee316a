import { beforeAll, expect, inject, it } from "vitest";
import { chat } from "../support/chatting.ts";
import { Person } from "../support/person.ts";
import { setVariables } from "../support/variables.ts";

// What the demo model answers in a conversation.

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
