import { z } from "zod";

/** A message as the front ends' pages show it: whose it is, and its lines. */
export type ShownMessage = readonly [role: string, ...lines: string[]];

/** What a tool answers, as far as it is shown. */
export const tasksSchema = z.object({ tasks: z.array(z.object({ title: z.string() })) });

const partSchema = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({
    type: z.templateLiteral(["tool-", z.string()]),
    state: z.string(),
    output: tasksSchema.optional(),
    errorText: z.string().optional(),
  }),
  z.object({ type: z.string() }).transform(() => undefined),
]);

const conversationSchema = z.object({
  messages: z.array(z.object({ role: z.string(), parts: z.array(partSchema) })),
});

const outcomes: Readonly<Record<string, string>> = { "approval-requested": "waits", "output-denied": "denied" };

/** A stored conversation, as `GET /api/conversations/{id}` answers it, in the words that the pages show it in. */
export function shownOf(conversation: unknown): ShownMessage[] {
  const { messages } = conversationSchema.parse(conversation);
  return messages.map(({ role, parts }) => [role, ...parts.flatMap(lineOf)]);
}

function lineOf(part: z.output<typeof partSchema>): string[] {
  if (part === undefined) return [];
  if ("text" in part) return [part.text];
  const done = `done: ${part.output?.tasks.map(({ title }) => title).join(", ")}`;
  const told = part.errorText === undefined ? done : `failed: ${part.errorText}`;
  return [`${part.type.slice("tool-".length)}, ${outcomes[part.state] ?? told}`];
}
