import type { WatchedTurn } from "./event-stream.ts";
import { condense, type TurnEvent, textOf, type Usage, waitingCalls } from "./turn-event.ts";

/** A call the agent made. */
interface AnsweredCall {
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  readonly status: "done" | "failed" | "refused" | "approval_required" | "not_run";
  readonly output?: Record<string, unknown>;
  readonly error?: string;
}

/** A call that waits for the person's yes. */
interface RequiredApproval {
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  readonly question: string;
  readonly expires_at: string;
}

/** What `POST /chat` answers. */
export interface ChatAnswer {
  /** For the person, always: the agent's words, what it asks, or why it could not go on. */
  readonly response: string;
  readonly conversation_id: string;
  readonly message_id: string;
  /** What was called in this turn, and what waited for it. */
  readonly tool_calls: readonly AnsweredCall[];
  readonly approval_required?: readonly RequiredApproval[];
  readonly usage: Usage;
  /** Why the turn failed; what it had done stays done. */
  readonly error?: { readonly kind: string; readonly message: string };
  readonly stopped?: true;
}

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
  const words = [
    textOf(condense(events)),
    required.map(({ question }) => `Waiting for your approval: ${question}`).join("\n"),
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
