import { type Accept, parseAccept } from "hono/utils/accept";

/** What a client can read an answer as. */
export interface Accepted {
  readonly json: boolean;
  /** text/event-stream */
  readonly events: boolean;
}

const EVENTS = "text/event-stream";
const EVERYTHING: Accepted = { json: true, events: true };

/** What nearly every client of MCP sends. */
export const JSON_AND_EVENTS = "application/json, text/event-stream";

/** Reads an `Accept` header (RFC 9110 section 12.5.1). Who sends none takes anything. */
export function readAccept(header: string | undefined): Accepted {
  if (header === undefined || header.trim() === "" || header === JSON_AND_EVENTS) return EVERYTHING;
  const ranges = parseAccept(header);
  return { json: isAccepted(ranges, "application", "json"), events: isAccepted(ranges, "text", "event-stream") };
}

/** Whether a client asks for events by name; one that takes anything does not. */
export function asksForEvents(header: string | undefined): boolean {
  return parseAccept(header ?? "").some(({ type, q }) => type.toLowerCase() === EVENTS && q > 0);
}

/** The most exact range that names a type decides. */
function isAccepted(ranges: readonly Accept[], type: string, subtype: string): boolean {
  const decisive = [`${type}/${subtype}`, `${type}/*`, "*/*"]
    .map((name) => ranges.find((range) => range.type.toLowerCase() === name))
    .find((range) => range !== undefined);
  return decisive !== undefined && decisive.q > 0;
}
