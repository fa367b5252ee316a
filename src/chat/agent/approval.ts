import { createHash } from "node:crypto";
import * as z from "zod";
import { quote } from "../../quote.ts";
import type { Tool } from "../../tools/tool.ts";

/** How many tasks one turn may change before the person is asked. */
const CHANGES_WITHOUT_APPROVAL = 5;

/** How long a question waits for its answer, in milliseconds. */
export const APPROVAL_LIFETIME = 15 * 60 * 1000;

/** Tools that never run without a yes, however little they change. */
const ALWAYS_ASKED: ReadonlySet<string> = new Set(["delete_task"]);

/** A call of a tool whose input its schema has accepted. */
export interface PlannedCall {
  readonly callId: string;
  readonly tool: Tool;
  readonly input: Record<string, unknown>;
}

/**
 * The calls of one round that must wait for the person. Deleting always does, and with it every change to what is to
 * be deleted, or the question would name the task as the model has just made it; and once a round would take the turn
 * past the changes it may make, all the round's changes do, so that the person is asked before half of it is done.
 *
 * @param changedBefore how many tasks the turn has changed until now
 */
export function callsToApprove(calls: readonly PlannedCall[], changedBefore: number): readonly PlannedCall[] {
  const asked = calls.filter(({ tool }) => ALWAYS_ASKED.has(tool.name));
  const threatened = new Set(asked.map(({ input }) => input.task_id));
  const isFree = ({ tool, input }: PlannedCall) =>
    tool.annotations.readOnlyHint || !(ALWAYS_ASKED.has(tool.name) || threatened.has(input.task_id));
  const free = calls.filter(isFree);
  const planned = free.reduce((sum, { tool, input }) => sum + plannedChanges(tool, input), 0);
  const tooMany = planned > 0 && changedBefore + planned > CHANGES_WITHOUT_APPROVAL;
  return calls.filter((call) => !isFree(call) || (tooMany && !call.tool.annotations.readOnlyHint));
}

/** Whether a call that changes a task may leave it under another name. */
export function mayRename({ tool, input }: Pick<PlannedCall, "tool" | "input">): boolean {
  return !tool.annotations.readOnlyHint && input.task_id !== undefined && input.title !== undefined;
}

/** How many tasks a call that has run has changed. */
export function countChanges(tool: Tool, output: Record<string, unknown>): number {
  if (tool.annotations.readOnlyHint) return 0;
  return Array.isArray(output.tasks) ? output.tasks.length : 1;
}

/** Any list in the input but one of words (tags, fields to clear) is taken for a list of tasks. */
function plannedChanges(tool: Tool, input: Record<string, unknown>): number {
  if (tool.annotations.readOnlyHint) return 0;
  const lists = Object.values(input).filter((value) => Array.isArray(value));
  return Math.max(
    1,
    ...lists.filter((list) => list.some((item) => typeof item !== "string")).map(({ length }) => length),
  );
}

/** What a call and its approval are bound together by: SHA-256, in hex, of the user, the conversation and the call. */
export function hashCall(
  userId: number,
  conversationId: string,
  call: { readonly call_id: string; readonly tool: string; readonly input?: unknown },
): string {
  const bound = JSON.stringify([userId, conversationId, call.call_id, call.tool, canonical(call.input)]);
  return createHash("sha256").update(bound).digest("hex");
}

// Outputs are kept, and read by releases before and after the one that wrote them: no more is asked of them than is used.
const outputSchema = z.looseObject({ tasks: z.array(z.looseObject({ id: z.int(), title: z.string() })).min(1) });

/** As much of a task as a question says of it. */
export type NamedTask = z.output<typeof outputSchema>["tasks"][number];

/** The task that a tool has answered with. */
export function firstTask(output: Record<string, unknown>): NamedTask | undefined {
  return outputSchema.safeParse(output).data?.tasks[0];
}

/** How much of a value a question shows, in code points. */
const LONGEST_VALUE = 300;

/**
 * The question for a person, such as `Update task #12 "Buy milk": title "Buy oat milk", tags "dairy"?` What stands in
 * it in quotation marks is what a task says or a model wrote; all else is ours.
 *
 * @param task the one that the call is about, where it is about one
 * @param titleBefore what that was called before this message renamed it
 */
export function askToRun({ tool, input }: PlannedCall, task: NamedTask | undefined, titleBefore?: string): string {
  const words: string[] = [tool.title];
  if (task !== undefined) words.push(`#${task.id} ${quote(titleBefore ?? task.title)}`);
  if (task !== undefined && titleBefore !== undefined && titleBefore !== task.title) {
    words.push(`(now renamed to ${quote(task.title)})`);
  }
  const values = Object.keys(tool.input.shape)
    .filter((field) => field !== "task_id" && input[field] !== undefined)
    .map((field) => `${field} ${showValue(input[field])}`);
  return `${words.join(" ")}${values.length > 0 ? `: ${values.join(", ")}` : ""}?`;
}

function showValue(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.map(showText).join(", ");
  if (typeof value === "string") return showText(value);
  return typeof value === "object" && value !== null ? showText(JSON.stringify(value)) : String(value);
}

/** A text in quotation marks; where it is long its beginning, and outside of the marks how much is left out. */
function showText(value: string): string {
  const characters = Array.from(value);
  const left = characters.length - LONGEST_VALUE;
  if (left <= 0) return quote(value);
  return `${quote(characters.slice(0, LONGEST_VALUE).join(""))} and ${left} characters more`;
}

/** The same JSON value with every object's keys in one order (RFC 8785 section 3.2.3). */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]) => [key, canonical(item)]),
  );
}
