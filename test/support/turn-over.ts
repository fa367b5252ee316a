import { expect } from "vitest";
import { chat } from "./chatting.ts";
import { ownerQuery } from "./owner.ts";
import { Person } from "./person.ts";
import { Script, says } from "./scripted-model.ts";
import type { ScriptStep } from "./scripted-responses.ts";

/** A turn over these steps; then checks that the conversation still answers. */
export async function turnOver(steps: readonly ScriptStep[], options: { repeats?: boolean } = {}) {
  const person = await Person.signUp();
  const script = await Script.write(steps, options);
  const answer = await chat(person, { message: `Do it ${script.mark}` });
  const next = await Script.write([says("Still here.")]);
  const { conversation_id } = answer;
  expect((await chat(person, { message: `And now? ${next.mark}`, conversation_id })).response).toBe("Still here.");
  const [, stored] = await ownerQuery("select outcome, content from messages where user_id = $1 order by seq", [
    person.id,
  ]);
  return { person, answer, script, stored, record: await script.record() };
}
