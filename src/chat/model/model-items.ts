import { showMoment, weekdayOf } from "../../moment.ts";
import type { ChatMessage, ReplacedCall } from "../stream/chat-message.ts";
import { trimOutput } from "../stream/trim-output.ts";
import type { TurnEvent } from "../stream/turn-event.ts";
import type { ModelItem } from "./model.ts";

type PersonMessage = Extract<ChatMessage, { role: "user" }>;

const MINUTE = 60_000;

const NOT_REACHED = "Not done: the agent was stopped, or failed, before it came to this.";

const REPLACED =
  "The server's note: answers to this message that were replaced made the calls above. What they did still holds: do not do it again, and change or undo what the person now wants otherwise.";

/**
 * What the model is shown: the conversation so far, then the message it is writing. What stands of an earlier turn is
 * the same in every turn after it, to the letter: the provider has it in its cache then.
 *
 * @param history what came before, its old tool outputs trimmed
 * @param current what the message that is being written holds already
 * @param timeZone the person's
 */
export function toModelItems(
  history: readonly ChatMessage[],
  current: readonly TurnEvent[],
  timeZone: string,
): ModelItem[] {
  const items = history.flatMap((message): ModelItem[] =>
    message.role === "user"
      ? [toSaid(message, timeZone), ...toReplacedItems(message.replaced)]
      : toItems(message.events, trimOutput).filter((item) => item.type !== "sealed_reasoning"),
  );
  return [...items, ...toItems(current, ({ text }) => text)];
}

function toSaid({ text, images = [], sentAt }: PersonMessage, timeZone: string): ModelItem {
  const urls = images.flatMap(({ url }) => url ?? []);
  return {
    type: "said",
    role: "user",
    text,
    sentAt: describeMoment(sentAt, timeZone),
    ...(urls.length > 0 && { images: urls }),
  };
}

/** What earlier answers to a person's message have done, right behind it. */
function toReplacedItems(calls: readonly ReplacedCall[]): ModelItem[] {
  const items = calls.flatMap(({ call_id: callId, tool, input, text }): ModelItem[] => [
    { type: "call", callId, tool, input },
    { type: "call_output", callId, text },
  ]);
  return items.length === 0 ? [] : [...items, { type: "note", text: REPLACED }];
}

function toItems(events: readonly TurnEvent[], tellOutput: typeof trimOutput): ModelItem[] {
  const items: ModelItem[] = [];
  /** The calls without an output yet, and why they would stay without one. */
  const open = new Map<string, string>();
  const tools = new Map<string, string>();
  const close = (callId: string, text: string) => {
    items.push({ type: "call_output", callId, text });
    open.delete(callId);
  };
  for (const event of events) {
    switch (event.type) {
      case "text": {
        const last = items.at(-1);
        if (last?.type === "said" && last.role === "assistant" && last.phase === event.phase) {
          items[items.length - 1] = { ...last, text: last.text + event.text };
        } else items.push({ type: "said", role: "assistant", text: event.text, phase: event.phase });
        break;
      }
      case "sealed_reasoning":
        items.push({ type: "sealed_reasoning", id: event.id, encrypted: event.encrypted });
        break;
      case "tool_input":
        items.push({
          type: "call",
          callId: event.call_id,
          tool: event.tool,
          input: event.input,
          arguments: event.arguments,
        });
        open.set(event.call_id, NOT_REACHED);
        tools.set(event.call_id, event.tool);
        break;
      case "tool_output":
        close(event.call_id, tellOutput(event, tools.get(event.call_id)));
        break;
      case "tool_error":
        close(event.call_id, `Error: ${event.message}`);
        break;
      case "approval_request":
        open.set(event.call_id, "Not done: the person was asked, and wrote instead.");
        break;
      case "approval_answer":
        open.set(event.call_id, NOT_REACHED);
        if (!event.approved) close(event.call_id, "Not done: the person said no.");
        break;
      default:
    }
  }
  // Every call needs its output, or the API refuses the conversation.
  for (const [callId, reason] of [...open]) close(callId, reason);
  return items;
}

/** To the minute, such as "Saturday, 2026-11-28T17:05:00+01:00". */
function describeMoment(moment: Date, timeZone: string): string {
  const minute = new Date(Math.floor(moment.getTime() / MINUTE) * MINUTE);
  return `${weekdayOf(minute, timeZone)}, ${showMoment(minute, timeZone)}`;
}
