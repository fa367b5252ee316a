import { isNotNull, notInArray, or, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { messages } from "../../database/chat-schema.ts";
import { excerpt } from "../../excerpt.ts";
import { catalog, toolCalled } from "../../tools/catalog.ts";
import type { ChatMessage, ReplacedCall } from "../stream/chat-message.ts";
import { trimOutput } from "../stream/trim-output.ts";
import type { TurnEvent } from "../stream/turn-event.ts";

/** How many calls are kept of the answers that a message replaces, the newest. */
export const MOST_REPLACED_CALLS = 100;

/** How much is kept of why a call failed. */
const LONGEST_ERROR = 400;

/** An input that is longer as JSON is left out: what came of the call names the task. */
const LONGEST_INPUT = 2_000;

const replacedCallSchema = z.object({ call_id: z.string(), tool: z.string(), input: z.unknown(), text: z.string() });

/** Reads what `replacedCalls` has written; what another release writes otherwise is passed over. */
export function readReplacedCalls(stored: unknown): ReplacedCall[] {
  const list = z.array(z.unknown()).safeParse(stored).data ?? [];
  return list.flatMap((call) => replacedCallSchema.safeParse(call).data ?? []);
}

/** The condition that there may be calls in a message for `replacedCalls`: of a tool that does not only read. */
export function hasReplacedCalls(): SQL | undefined {
  const reading = catalog.filter(({ annotations }) => annotations.readOnlyHint).map(({ name }) => name);
  return or(
    isNotNull(messages.replaced),
    sql`exists (
      select from jsonb_array_elements(${messages.content}) as events (event)
      where event ->> 'type' = 'tool_input' and ${notInArray(sql`event ->> 'tool'`, reading)}
    )`,
  );
}

/**
 * What messages that are to be replaced have done to the tasks: their calls that write and came to an end, and those of
 * the answers that they had replaced themselves.
 */
export function replacedCalls(messages: readonly ChatMessage[]): ReplacedCall[] {
  const calls = messages.flatMap((message) =>
    message.role === "user" ? message.replaced : writingCalls(message.events),
  );
  return withUniqueIds(calls.slice(-MOST_REPLACED_CALLS));
}

function writingCalls(events: readonly TurnEvent[]): ReplacedCall[] {
  return events.flatMap((event) => {
    if (event.type !== "tool_input" || toolCalled(event.tool)?.annotations.readOnlyHint !== false) return [];
    const text = outcomeOf(event, events);
    const input = JSON.stringify(event.input ?? null).length > LONGEST_INPUT ? {} : event.input;
    return text === undefined ? [] : [{ call_id: event.call_id, tool: event.tool, input, text }];
  });
}

/** What came of a call; undefined where it was never run. */
function outcomeOf(
  { call_id: callId, tool }: Extract<TurnEvent, { type: "tool_input" }>,
  events: readonly TurnEvent[],
): string | undefined {
  const ended = events.find(
    (event) => (event.type === "tool_output" || event.type === "tool_error") && event.call_id === callId,
  );
  if (ended?.type === "tool_output") return trimOutput(ended, tool);
  return ended?.type === "tool_error" ? excerpt(`Error: ${ended.message}`, LONGEST_ERROR) : undefined;
}

/** Not every server makes ids that are unique beyond one answer. */
function withUniqueIds(calls: readonly ReplacedCall[]): ReplacedCall[] {
  const known = new Set<string>();
  return calls.map((call, index) => {
    const call_id = known.has(call.call_id) ? `${call.call_id}.${index}` : call.call_id;
    known.add(call_id);
    return { ...call, call_id };
  });
}
