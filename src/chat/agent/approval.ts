import { createHash } from "node:crypto";
import * as z from "zod";
import { quote } from "../../quote.ts";
import type { NamedTask, PlannedCall } from "../../tools/run-tool.ts";
import type { Tool } from "../../tools/tool.ts";

/** How many tasks one turn may change before the person is asked. */
const CHANGES_WITHOUT_APPROVAL = 5;

/** How long a question waits for its answer, in milliseconds. */
export const APPROVAL_LIFETIME = 15 * 60 * 1000;

/**
 * The calls of one round that must wait for the person: those whose tool says so, such as every deletion, and with them
 * every change to what they are about, or the question would name the task as the model has just made it; and once a
 * round would take the turn past the changes it may make, all the round's changes do, so that the person is asked before
 * half of it is done.
 *
 * @param changedBefore how many tasks the turn has changed until now
 */
export function callsToApprove<Call extends PlannedCall>(
  calls: readonly Call[],
  changedBefore: number,
): readonly Call[] {
  const aboutToBeDeleted = new Set(calls.filter(({ mustConfirm }) => mustConfirm).flatMap(({ taskIds }) => taskIds));
  const isFree = ({ changes, mustConfirm, taskIds }: Call) =>
    changes === 0 || !(mustConfirm || taskIds.some((id) => aboutToBeDeleted.has(id)));
  const planned = calls.filter(isFree).reduce((sum, { changes }) => sum + changes, 0);
  const tooMany = planned > 0 && changedBefore + planned > CHANGES_WITHOUT_APPROVAL;
  return calls.filter((call) => !isFree(call) || (tooMany && call.changes > 0));
}

/** Whether a call may leave the task that it names under another title. */
export function mayRename({ changes, taskIds, details }: PlannedCall): boolean {
  return changes > 0 && taskIds.length > 0 && details.has("title");
}

/** How many tasks a call that has run has changed. */
export function countChanges(tool: Tool, output: Record<string, unknown>): number {
  if (tool.annotations.readOnlyHint) return 0;
  return Array.isArray(output.tasks) ? output.tasks.length : 1;
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

/** The task that a tool has answered with. */
export function firstTask(output: Record<string, unknown>): NamedTask | undefined {
  return outputSchema.safeParse(output).data?.tasks[0];
}

/** How much of a value a question shows, in code points. */
const LONGEST_VALUE = 300;

/** A task in a question. */
interface AskedTask extends NamedTask {
  /** What it was called before this message renamed it. */
  readonly titleBefore?: string | undefined;
}

/**
 * The question for a person, such as `Update task #12 "Buy milk": title "Buy oat milk", tags "dairy"?` What stands in
 * it in quotation marks is what a task says or a model wrote; all else is ours.
 *
 * @param tasks those that the call names
 */
export function approvalQuestion({ tool, details }: PlannedCall, tasks: readonly AskedTask[]): string {
  const about = tasks.map(nameTask).join(", ");
  const values = [...details].map(([field, value]) => `${field} ${showValue(value)}`).join(", ");
  return `${tool.title}${about && ` ${about}`}${values && `: ${values}`}?`;
}

function nameTask({ id, title, titleBefore = title }: AskedTask): string {
  const renamed = titleBefore === title ? "" : ` (now renamed to ${quote(title)})`;
  return `#${id} ${quote(titleBefore)}${renamed}`;
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
