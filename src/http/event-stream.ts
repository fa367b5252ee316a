/** A server-sent event; undefined fields are left out. */
interface ServerSentEvent {
  readonly event?: string | undefined;
  readonly id?: string | undefined;
  /** After how many milliseconds a client comes back once the stream has ended. */
  readonly retry?: number | undefined;
  /** One line, such as JSON; an event without it only tells the client its id and when to come back. */
  readonly data?: string | undefined;
}

/** The text of an event (WHATWG HTML, section 9.2, server-sent events). No value may have a line break. */
export function serverSentEvent({ event, id, retry, data }: ServerSentEvent): string {
  return `${line("event", event)}${line("id", id)}${line("retry", retry)}${line("data", data)}\n`;
}

function line(field: string, value: string | number | undefined): string {
  return value === undefined ? "" : `${field}: ${value}\n`;
}

/** The text of a comment, which every client passes over: it keeps the connections on the way open. */
export function serverSentComment(text: string): string {
  return `: ${text}\n\n`;
}

/** The headers of a stream of events, which is UTF-8 without saying so: nobody on the way may keep it, change it, or hold it back. */
export const eventStreamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
} as const;
