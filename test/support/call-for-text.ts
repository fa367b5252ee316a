import * as z from "zod";
import { answerOf, statelessRequest } from "./mcp.ts";
import type { Person } from "./person.ts";

const resultSchema = z.object({
  content: z.tuple([z.object({ type: z.literal("text"), text: z.string() })]),
  isError: z.boolean().default(false),
});

/** Calls a tool over MCP, in the stateless mode, and gives the one text of its answer. */
export async function callForText(
  person: Person,
  name: string,
  input: object,
): Promise<{ text: string; isError: boolean }> {
  const { result } = await answerOf(await statelessRequest(person, "tools/call", { name, arguments: input }));
  const { content, isError } = resultSchema.parse(result);
  return { text: content[0].text, isError };
}

/** The text of such a call's answer. */
export async function textOfCall(person: Person, name: string, input: object): Promise<string> {
  return (await callForText(person, name, input)).text;
}
