import { expect } from "vitest";
import { z } from "zod";
import { ownerQuery } from "./owner.ts";
import type { Person } from "./person.ts";

const approvalSchema = z.strictObject({
  id: z.uuid(),
  tool: z.string(),
  input: z.unknown(),
  question: z.string(),
  expires_at: z.iso.datetime(),
});

const answerSchema = z.strictObject({
  response: z.string().min(1),
  conversation_id: z.string(),
  message_id: z.uuid(),
  tool_calls: z.array(
    z.strictObject({
      id: z.string(),
      tool: z.string(),
      input: z.unknown(),
      status: z.enum(["done", "failed", "refused", "approval_required", "not_run"]),
      output: z.looseObject({}).optional(),
      error: z.string().optional(),
    }),
  ),
  approval_required: z.array(approvalSchema).min(1).optional(),
  approval_groups: z
    .array(
      z.strictObject({
        tool: z.string(),
        question: z.string(),
        ids: z.array(z.uuid()).min(2),
        expires_at: z.iso.datetime(),
      }),
    )
    .min(1)
    .optional(),
  usage: z.strictObject({ rounds: z.int(), input_tokens: z.int(), output_tokens: z.int() }),
  error: z.strictObject({ kind: z.string(), message: z.string() }).optional(),
  stopped: z.literal(true).optional(),
});

export type Answer = z.output<typeof answerSchema>;

/** Posts to `/chat` what must be answered with 200. */
export async function chat(
  person: Person,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await person.send("/chat", { method: "POST", body, headers });
  const answer: unknown = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return answerSchema.parse(answer);
}

/** The question that the agent asks, where it asks exactly one. */
export function questionOf(answer: Answer): z.output<typeof approvalSchema> {
  expect(answer.approval_required).toHaveLength(1);
  return z.tuple([approvalSchema]).parse(answer.approval_required)[0];
}

/** The titles of a person's tasks, read from the database in the order they were made. */
export async function titlesOf(person: Person): Promise<unknown[]> {
  const rows = await ownerQuery("select title from tasks where user_id = $1 and deleted_at is null order by id", [
    person.id,
  ]);
  return rows.map(({ title }) => title);
}

/** Makes tasks by plain HTTP. */
export async function makeTasks(person: Person, ...titles: string[]): Promise<number[]> {
  const ids: number[] = [];
  for (const title of titles) ids.push((await person.runForTask("create_task", { title })).id);
  return ids;
}
