import { callForText } from "../call-for-text.ts";
import { next } from "../demo-model-answers.ts";
import type { Person } from "../person.ts";
import { timeZone } from "./clock.ts";

/**
 * Says a sentence to the demo model, and runs what it calls over MCP until it answers in words: the same calls as in chat,
 * without a conversation, which is kept and streamed, and without questions.
 */
export async function sayToModel(person: Person, sentence: string): Promise<string> {
  const outputs: string[] = [];
  for (;;) {
    const { words, calls } = next([[sentence, outputs]], { now: new Date().toISOString(), timeZone });
    if (calls.length === 0) return words;
    for (const { name, ...input } of calls) {
      const { text, isError } = await callForText(person, name, input);
      // As chat shows a failure to the model.
      outputs.push(isError ? `Error: ${text}` : text);
    }
  }
}
