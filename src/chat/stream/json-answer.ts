import * as z from "zod";
import { approvalGroupSchema, approvalGroups, questionsOf, SEVERAL } from "./approval-groups.ts";
import { condense, type TurnEvent, textOf, usageSchema, waitingCalls } from "./turn-event.ts";
import type { WatchedTurn } from "./turn-lines.ts";

const callSchema = z
  .object({
    id: z.string(),
    tool: z.string(),
    input: z.unknown(),
    status: z.enum(["done", "failed", "refused", "approval_required", "not_run"]),
    output: z.record(z.string(), z.unknown()).optional().meta({ description: "What the tool answered, when done." }),
    error: z.string().optional().meta({ description: "Why it failed." }),
  })
  .readonly();

const requiredApprovalSchema = z
  .object({
    id: z.uuid(),
    tool: z.string(),
    input: z.unknown(),
    question: z.string(),
    expires_at: z.iso.datetime(),
  })
  .readonly();

/** What `POST /chat` answers. */
export const chatAnswerSchema = z
  .object({
    response: z.string().meta({
      description: "For the person, always: the agent's words, what it asks, or why it could not go on.",
    }),
    conversation_id: z.string(),
    message_id: z.string(),
    tool_calls: z
      .array(callSchema)
      .readonly()
      .meta({ description: "What was called in this turn, and what waited for it." }),
    approval_required: z
      .array(requiredApprovalSchema)
      .readonly()
      .optional()
      .meta({ description: "Calls that wait for the person's yes." }),
    approval_groups: z.array(approvalGroupSchema).readonly().optional().meta({
      description: "One question for several calls of one tool.",
    }),
    usage: usageSchema.readonly().meta({ description: "Of the whole message." }),
    error: z
      .object({ kind: z.string(), message: z.string() })
      .readonly()
      .optional()
      .meta({ description: "Why the turn failed; what it had done stays done." }),
    stopped: z.literal(true).optional().meta({ description: "Where the person stopped it." }),
  })
  .readonly();

/** What `POST /chat` answers. */
export type ChatAnswer = z.output<typeof chatAnswerSchema>;

type AnsweredCall = z.output<typeof callSchema>;

/** Waits for a turn to end. */
export async function collectAnswer({ start, events }: WatchedTurn): Promise<ChatAnswer> {
  const collected: TurnEvent[] = [];
  for await (const event of events) collected.push(event);
  return toChatAnswer(start.conversation_id, start.message_id, start.earlier, collected);
}

/** @param earlier what the message held before this turn */
export function toChatAnswer(
  conversationId: string,
  messageId: string,
  earlier: readonly TurnEvent[],
  events: readonly TurnEvent[],
): ChatAnswer {
  const all = condense([...earlier, ...events]);
  const inputs = new Map(all.flatMap((event) => (event.type === "tool_input" ? [[event.call_id, event]] : [])));
  const touched = new Set(events.flatMap((event) => ("call_id" in event ? [event.call_id] : [])));
  const waiting = waitingCalls(all);
  const failure = events.findLast((event) => event.type === "failure");
  const finish = events.findLast((event) => event.type === "finish");
  const usage = events.findLast((event) => event.type === "usage");
  const required = waiting.map(({ approval_id: id, call_id, question, expires_at }) => {
    const { tool = "", input } = inputs.get(call_id) ?? {};
    return { id, tool, input, question, expires_at };
  });
  const groups = approvalGroups(all);
  const questions = questionsOf(all).map((question) => `Waiting for your approval: ${question}`);
  const words = [
    textOf(condense(events)),
    [...questions, ...(questions.length > 1 ? [SEVERAL] : [])].join("\n"),
    ...(failure === undefined ? [] : [failure.message]),
  ];
  return {
    response:
      words.filter((part) => part !== "").join("\n\n") || (finish?.outcome === "stopped" ? "Stopped." : "Done."),
    conversation_id: conversationId,
    message_id: messageId,
    tool_calls: [...touched].flatMap((callId) => {
      const call = inputs.get(callId);
      return call === undefined ? [] : [{ id: callId, tool: call.tool, input: call.input, ...resultOf(callId, all) }];
    }),
    ...(required.length > 0 && { approval_required: required }),
    ...(groups.length > 0 && { approval_groups: groups }),
    usage: {
      rounds: usage?.rounds ?? 0,
      input_tokens: usage?.input_tokens ?? 0,
      output_tokens: usage?.output_tokens ?? 0,
    },
    ...(failure !== undefined && { error: { kind: failure.kind, message: failure.message } }),
    ...(finish?.outcome === "stopped" && { stopped: true }),
  };
}

function resultOf(callId: string, events: readonly TurnEvent[]): Pick<AnsweredCall, "status" | "output" | "error"> {
  const last = events.findLast((event) => "call_id" in event && event.call_id === callId);
  switch (last?.type) {
    case "tool_output":
      return { status: "done", output: last.output };
    case "tool_error":
      return { status: "failed", error: last.message };
    case "approval_request":
      return { status: "approval_required" };
    case "approval_answer":
      return { status: last.approved ? "not_run" : "refused" };
    default:
      return { status: "not_run" };
  }
}
