import { createHash } from "node:crypto";
import * as z from "zod";
import type { PlannedCall } from "../../tools/run-tool.ts";
import { CHANGES_WITHOUT_APPROVAL, type Tool } from "../../tools/tool.ts";

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
  // What a call matches may be among them.
  const isFree = ({ changes, mustConfirm, taskIds, matched }: Call) =>
    changes === 0 ||
    !(
      mustConfirm ||
      taskIds.some((id) => aboutToBeDeleted.has(id)) ||
      (matched !== undefined && aboutToBeDeleted.size > 0)
    );
  const planned = calls.filter(isFree).reduce((sum, { changes }) => sum + changes, 0);
  const tooMany = planned > 0 && changedBefore + planned > CHANGES_WITHOUT_APPROVAL;
  return calls.filter((call) => !isFree(call) || (tooMany && call.changes > 0));
}

/** Whether a call may leave the task that it names, or matches, under another title. */
export function mayRename({ changes, taskIds, matched, details }: PlannedCall): boolean {
  return changes > 0 && (taskIds.length > 0 || matched !== undefined) && details.has("title");
}

/** How many tasks a call that has run has changed. */
export function countChanges(tool: Tool, output: Record<string, unknown>): number {
  if (tool.annotations.readOnlyHint) return 0;
  const more = typeof output.more === "number" ? output.more : 0;
  return Array.isArray(output.tasks) ? output.tasks.length + more : 1;
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
const outputSchema = z.looseObject({
  tasks: z.array(z.looseObject({ id: z.int(), title: z.string(), version: z.int().optional() })),
});

/** The tasks that a tool has answered with. */
export function tasksOf(output: Record<string, unknown>) {
  return outputSchema.safeParse(output).data?.tasks ?? [];
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
