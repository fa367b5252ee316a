import { excerpt } from "../../excerpt.ts";
import { quote } from "../../quote.ts";
import { type PlannedCall, planCall } from "../../tools/run-tool.ts";
import type { TurnEvent } from "../stream/turn-event.ts";

/** How much of a title is shown, in code points. */
const LONGEST_TITLE = 80;

/** A call that may have been carried out, and what to call it for a person. */
interface UnheardCall {
  readonly callId: string;
  /** Such as `Create task "Milk"`. */
  readonly name: string;
}

/** Of a message that was cut off, the calls that may have changed tasks: nobody has heard what came of them. */
export function unheardCalls(events: readonly TurnEvent[]): UnheardCall[] {
  const last = new Map(events.flatMap((event) => ("call_id" in event ? [[event.call_id, event]] : [])));
  return [...last].flatMap(([callId, event]) => {
    // One that was asked about runs only after a yes.
    const isOpen = event.type === "tool_input" || (event.type === "approval_answer" && event.approved);
    const call = isOpen ? plannedCall(callId, events) : undefined;
    if (call === undefined || call.changes === 0) return [];
    return event.type === "tool_input" && call.mustConfirm ? [] : [{ callId, name: nameCall(call) }];
  });
}

/** @returns undefined for one that cannot run */
function plannedCall(callId: string, events: readonly TurnEvent[]): PlannedCall | undefined {
  const call = events.find((event) => event.type === "tool_input" && event.call_id === callId);
  try {
    return call?.type === "tool_input" ? planCall(call.tool, call.input) : undefined;
  } catch {
    return undefined;
  }
}

function nameCall({ tool, taskIds, details }: PlannedCall): string {
  const title = details.get("title");
  const about = [
    ...taskIds.map((id) => `#${id}`),
    ...(typeof title === "string" ? [quote(excerpt(title, LONGEST_TITLE))] : []),
  ];
  return [tool.title, ...about].join(" ");
}
