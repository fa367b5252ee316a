import type { UIMessage } from "ai";
import { catalog } from "../../tools/catalog.ts";
import { approvalGroupParts } from "./approval-groups.ts";
import type { ChatMessage } from "./chat-message.ts";
import type { TurnEvent } from "./turn-event.ts";
import type { UiMetadata } from "./ui-chunks.ts";

type UiMessage = UIMessage<UiMetadata>;
type UiPart = UiMessage["parts"][number];
type ToolInputEvent = Extract<TurnEvent, { type: "tool_input" }>;

/** What a call is of which nothing more is told. */
const NOT_RUN = { state: "output-error", errorText: "Not run: the agent was stopped before." } as const;

const titles = new Map(catalog.map(({ name, title }) => [name, title]));

/**
 * A stored message, in which each text is one, as the AI SDK's `useChat` holds it, so that a page can begin with a
 * conversation's messages.
 *
 * @param mayBeApproved whether questions in it can still be answered
 */
export function toUiMessage(message: ChatMessage, metadata: UiMetadata, mayBeApproved: boolean): UiMessage {
  if (message.role === "user") {
    return { id: message.id, role: "user", parts: [{ type: "text", text: message.text }] };
  }
  const { events } = message;
  const groups = new Map(approvalGroupParts(events, mayBeApproved).map((part) => [part.id, part]));
  const groupsAskedBy = (earlier: readonly TurnEvent[]) =>
    approvalGroupParts(earlier).flatMap(({ id }) => {
      const part = groups.get(id);
      groups.delete(id);
      return part ?? [];
    });
  const parts = events.flatMap((event, index): UiPart[] => {
    switch (event.type) {
      case "round":
        return [{ type: "step-start" }];
      case "text":
      case "reasoning":
        return [{ type: event.type, text: event.text, state: "done" }];
      case "tool_input":
        return [toToolPart(event, events, mayBeApproved)];
      case "approval_request":
        return [
          {
            type: "data-approval",
            id: event.approval_id,
            data: { tool_call_id: event.call_id, question: event.question, expires_at: event.expires_at },
          },
        ];
      case "approval_answer":
        // Until here, the agent waited.
        return groupsAskedBy(events.slice(0, index));
      case "failure":
        return [{ type: "text", text: event.message, state: "done" }];
      default:
        return [];
    }
  });
  return { id: message.id, role: "assistant", metadata, parts: [...parts, ...groupsAskedBy(events)] };
}

function toToolPart(
  { call_id, tool, input }: ToolInputEvent,
  events: readonly TurnEvent[],
  mayBeApproved: boolean,
): UiPart {
  const title = titles.get(tool);
  const call = { type: `tool-${tool}`, toolCallId: call_id, input, ...(title !== undefined && { title }) } as const;
  let request: Extract<TurnEvent, { type: "approval_request" }> | undefined;
  let part: UiPart = { ...call, ...NOT_RUN };
  for (const event of events) {
    if (!("call_id" in event) || event.call_id !== call_id) continue;
    const approved = request === undefined ? {} : { approval: { id: request.approval_id, approved: true } as const };
    switch (event.type) {
      case "tool_output":
        part = { ...call, state: "output-available", output: event.output, ...approved };
        break;
      case "tool_error":
        part = { ...call, state: "output-error", errorText: event.message };
        break;
      case "approval_request":
        request = event;
        part =
          mayBeApproved && Date.parse(event.expires_at) > Date.now()
            ? { ...call, state: "approval-requested", approval: { id: event.approval_id } }
            : { ...call, state: "output-denied", approval: { id: event.approval_id, approved: false } };
        break;
      case "approval_answer":
        part = event.approved
          ? { ...call, ...NOT_RUN }
          : { ...call, state: "output-denied", approval: { id: event.approval_id, approved: false } };
        break;
      default:
    }
  }
  return part;
}
