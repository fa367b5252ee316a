import * as z from "zod";
import { type ErrorKind, isErrorKind } from "../../errors.ts";
import type { Logger } from "../../observability/log.ts";

export const outcomeSchema = z.enum(["completed", "approval_required", "stopped", "failed"]);

/** How a turn ended. */
export type Outcome = z.output<typeof outcomeSchema>;

/** How often the model was asked, and what that took. */
export const usageSchema = z.object({ rounds: z.int(), input_tokens: z.int(), output_tokens: z.int() });

export type Usage = z.output<typeof usageSchema>;

const text = z.object({
  type: z.literal("text"),
  /** Texts of one id are one text. */
  id: z.string(),
  text: z.string(),
  /** OpenAI's `phase`, which a model wants back as it was. */
  phase: z.enum(["commentary", "final_answer"]).optional(),
});
const reasoning = z.object({ type: z.literal("reasoning"), id: z.string(), text: z.string() });
/** Reasoning that only the model can read, and wants back within the same message. */
const sealedReasoning = z.object({ type: z.literal("sealed_reasoning"), id: z.string(), encrypted: z.string() });
const round = z.object({ type: z.literal("round") });
const toolInput = z.object({
  type: z.literal("tool_input"),
  call_id: z.string(),
  tool: z.string(),
  input: z.unknown(),
  /** The same as the model wrote it, which jsonb would put in another order; undefined where that was no JSON object. */
  arguments: z.string().optional(),
});
const toolOutput = z.object({
  type: z.literal("tool_output"),
  call_id: z.string(),
  output: z.record(z.string(), z.unknown()),
  /** The output as the model reads it. */
  text: z.string(),
  /** What the task was called that the call may have renamed. */
  title_before: z.string().optional(),
});
const toolError = z.object({ type: z.literal("tool_error"), call_id: z.string(), message: z.string() });
const approvalRequest = z.object({
  type: z.literal("approval_request"),
  approval_id: z.string(),
  call_id: z.string(),
  /** What is asked, for a person. */
  question: z.string(),
  expires_at: z.string(),
  /** What the call is about, for a question about several; undefined where the release before has asked. */
  about: z.string().optional(),
  /** The tasks that the call names, as they were when this was asked; undefined where the release before has asked. */
  tasks: z.array(z.object({ id: z.int(), version: z.int(), claim: z.int().optional() })).optional(),
  /** How many tasks the call would change or make; undefined where the release before has asked. */
  count: z.int().optional(),
});
const approvalAnswer = z.object({
  type: z.literal("approval_answer"),
  approval_id: z.string(),
  call_id: z.string(),
  approved: z.boolean(),
});
const usage = usageSchema.extend({ type: z.literal("usage") });
const failure = z.object({
  type: z.literal("failure"),
  kind: z.custom<ErrorKind>(isErrorKind),
  message: z.string(),
});
const finish = z.object({ type: z.literal("finish"), outcome: outcomeSchema });
/** What another release has written and this one does not know: it is passed over, and stored again as it was. */
const foreign = z.object({ type: z.literal("foreign"), event: z.unknown() });

/** Something that happened in a message of the agent: what is streamed, stored, and shown to the model again. */
const turnEventSchema = z.discriminatedUnion("type", [
  round,
  text,
  reasoning,
  sealedReasoning,
  toolInput,
  toolOutput,
  toolError,
  approvalRequest,
  approvalAnswer,
  usage,
  failure,
  finish,
  foreign,
]);

/** An event that this release or another has written. */
export const anyEventSchema = z.union([
  turnEventSchema,
  z.unknown().transform((event) => ({ type: "foreign" as const, event })),
]);

export type TurnEvent = z.output<typeof turnEventSchema>;

/** What stands before a turn's own events. */
export const turnStartSchema = z.object({
  type: z.literal("start"),
  conversation_id: z.string(),
  message_id: z.string(),
  /** What the message held already when an approval made it go on. */
  earlier: z.array(anyEventSchema),
});

export type TurnStart = z.output<typeof turnStartSchema>;

/**
 * The events with the pieces of one text, or one reasoning, put together, and nothing in them that Postgres' jsonb
 * does not keep: U+0000 and lone surrogates become U+FFFD.
 */
export function condense(events: readonly TurnEvent[]): TurnEvent[] {
  const condensed: TurnEvent[] = [];
  for (const event of events) {
    const last = condensed.at(-1);
    if ((event.type === "text" || event.type === "reasoning") && last?.type === event.type && last.id === event.id) {
      condensed[condensed.length - 1] = { ...last, text: last.text + event.text };
    } else condensed.push(event);
  }
  return z.array(turnEventSchema).parse(storable(condensed));
}

/** The events as they are stored. */
export function toStoredEvents(events: readonly TurnEvent[]): unknown[] {
  return events.map((event) => (event.type === "foreign" ? event.event : event));
}

/** Says in the log how many events of a message this release does not know. */
export function logForeignEvents(log: Logger, events: readonly TurnEvent[]): void {
  const count = events.filter(({ type }) => type === "foreign").length;
  if (count > 0) log.warn("chat_events_unknown", { events: count });
}

/** All text of the events. */
export function textOf(events: readonly TurnEvent[]): string {
  let text = "";
  let id: string | undefined;
  for (const event of events) {
    if (event.type !== "text") continue;
    if (id !== undefined && id !== event.id) text += "\n\n";
    id = event.id;
    text += event.text;
  }
  return text;
}

/** What is asked of a person about a call. */
export type ApprovalRequest = Extract<TurnEvent, { type: "approval_request" }>;

/** The calls that wait for a yes: asked for, and since then neither answered nor ended. */
export function waitingCalls(events: readonly TurnEvent[]): ApprovalRequest[] {
  const waiting = new Map<string, ApprovalRequest>();
  for (const event of events) {
    if (event.type === "approval_request") waiting.set(event.call_id, event);
    else if (isSettling(event)) waiting.delete(event.call_id);
  }
  return [...waiting.values()];
}

/** A call of a message, by its id. */
export function callWithId(events: readonly TurnEvent[], callId: string) {
  return events.filter((event) => event.type === "tool_input").find(({ call_id }) => call_id === callId);
}

/** Approvals of a message in the order of their calls: the database has no order of those that were asked at once. */
export function inOrderOfCalls<Approval extends { readonly callId: string }>(
  events: readonly TurnEvent[],
  approvals: readonly Approval[],
): Approval[] {
  const calls = events.flatMap((event) => (event.type === "tool_input" ? [event.call_id] : []));
  return approvals.toSorted((one, other) => calls.indexOf(one.callId) - calls.indexOf(other.callId));
}

function isSettling(
  event: TurnEvent,
): event is Extract<TurnEvent, { type: "approval_answer" | "tool_output" | "tool_error" }> {
  return event.type === "approval_answer" || event.type === "tool_output" || event.type === "tool_error";
}

function storable(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("\0", "\uFFFD").toWellFormed();
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storable(key), storable(item)]));
}
