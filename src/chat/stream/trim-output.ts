import { excerpt } from "../../excerpt.ts";
import { toolCalled } from "../../tools/catalog.ts";
import type { TurnEvent } from "./turn-event.ts";

/** How much of what a call has answered the model is shown in later turns, in code points. */
const TRIMMED_LENGTH = 400;

/**
 * What a call has answered, as later turns show it to the model: its beginning, and of a call that changed tasks the
 * number of the change, by which it is undone; in the text that may stand at the end.
 */
export function trimOutput(
  { text, output }: Extract<TurnEvent, { type: "tool_output" }>,
  tool: string | undefined,
): string {
  const hasChanged =
    output.change !== undefined && tool !== undefined && toolCalled(tool)?.annotations.readOnlyHint === false;
  const rest = hasChanged
    ? `this was change ${output.change}; list_tasks tells what is true now`
    : "call the tool again for what is true now";
  return excerpt(text, TRIMMED_LENGTH, ` … (trimmed; ${rest})`);
}
