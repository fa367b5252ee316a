import * as z from "zod";
import { next } from "../demo-model-answers.ts";
import { answerOf, statelessRequest } from "../mcp.ts";
import type { Person } from "../person.ts";
import { timeZone } from "./clock.ts";

const resultSchema = z.object({
  content: z.tuple([z.object({ text: z.string() })]),
  isError: z.boolean().default(false),
});

/**
 * Says a sentence to the demo model, and runs what it calls over MCP until it answers in words: the same calls as in chat,
 * without a conversation, which is kept and streamed, and without questions.
 */
export async function sayToModel(person: Person, sentence: string): Promise<string> {
  const outputs: string[] = [];
  for (;;) {
    const { words, calls } = next([[sentence, outputs]], { now: new Date().toISOString(), timeZone });
    if (calls.length === 0) return words;
    for (const { name, ...input } of calls) outputs.push(await outputOf(person, name, input));
  }
}

/** What a model is shown of a call. */
async function outputOf(person: Person, name: string, input: Record<string, unknown>): Promise<string> {
  const { result } = await answerOf(await statelessRequest(person, "tools/call", { name, arguments: input }));
  const { content, isError } = resultSchema.parse(result);
  return isError ? `Error: ${content[0].text}` : content[0].text;
}
