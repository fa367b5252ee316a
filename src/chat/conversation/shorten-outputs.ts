import { excerpt } from "../../excerpt.ts";
import { isObject } from "../../json.ts";
import type { Outcome, TurnEvent } from "../stream/turn-event.ts";

/** How much is kept of what a call has answered as data: so much JSON, in UTF-16 units. */
const LARGEST_OUTPUT = 8_000;

/** How much of each text in it is kept then, in code points. */
const LONGEST_VALUE = 200;

/** How much is kept of the same as text, in code points; `trimOutput` shows the model the first 400 in later turns. */
const LONGEST_TEXT = 1_000;

/** Of a message that goes on the model is shown all: no page of a list is longer. */
const LONGEST_OPEN_TEXT = 50_000;

const CUT_TEXT = " … (cut: no more is kept)";

/** What says of an output that it is not kept whole. */
const CUT = { cut: true } as const;

/**
 * The events of a message as they are kept: of what a call has answered as much as the model needs in later turns, and a
 * page to show it. What is left out is said to be.
 *
 * @param outcome how the turn has ended: one that waits for a yes goes on with what is kept
 */
export function shortenOutputs(events: readonly TurnEvent[], outcome: Outcome | undefined): TurnEvent[] {
  const longest = outcome === "approval_required" ? LONGEST_OPEN_TEXT : LONGEST_TEXT;
  return events.map((event) =>
    event.type === "tool_output"
      ? { ...event, output: shortenOutput(event.output), text: excerpt(event.text, longest, CUT_TEXT) }
      : event,
  );
}

/** An output that is no larger than `LARGEST_OUTPUT`, and marked where it was. */
function shortenOutput(output: Record<string, unknown>): Record<string, unknown> {
  if (sizeOf(output) <= LARGEST_OUTPUT) return output;
  const { tasks, ...rest } = withShortTexts(output);
  let room = LARGEST_OUTPUT - sizeOf(rest);
  if (room < 0) return { ...("change" in rest && { change: rest.change }), ...CUT };
  const kept = !Array.isArray(tasks)
    ? undefined
    : tasks.filter((task) => {
        // None after the first for which there is no room.
        room -= room < 0 ? 0 : sizeOf(task) + 1;
        return room >= 0;
      });
  return { ...rest, ...(kept && { tasks: kept }), ...CUT };
}

function withShortTexts(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shortenValue(item)]));
}

function shortenValue(value: unknown): unknown {
  if (typeof value === "string") return excerpt(value, LONGEST_VALUE);
  if (Array.isArray(value)) return value.map(shortenValue);
  return isObject(value) ? withShortTexts(value) : value;
}

function sizeOf(value: unknown): number {
  return JSON.stringify(value)?.length ?? 0;
}
