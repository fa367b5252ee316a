import type { Context } from "hono";

/** A UUID or a bare hexadecimal number: what tracing systems make, and what can hold nobody's words. */
const WORDLESS = /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{16,64})$/i;

/** The id that a request goes by in logs and error reports: the client's, where it cannot be words, else a new one. */
export function requestIdOf(context: Context): string {
  const sent = context.req.header("X-Request-Id");
  return sent !== undefined && WORDLESS.test(sent) ? sent : crypto.randomUUID();
}
