import { type Accept, parseAccept } from "hono/utils/accept";
import { jsonRpcErrorResponse, type RequestId } from "./json-rpc.ts";

/** What a client can read an answer as. */
export interface Accepted {
  readonly json: boolean;
  /** text/event-stream */
  readonly events: boolean;
}

const EVERYTHING: Accepted = { json: true, events: true };

/** What nearly every client sends, and MCP asks for. */
const USUAL = "application/json, text/event-stream";

/** Reads an `Accept` header (RFC 9110 section 12.5.1). Who sends none takes anything. */
export function readAccept(header: string | undefined): Accepted {
  if (header === undefined || header.trim() === "" || header === USUAL) return EVERYTHING;
  const ranges = parseAccept(header);
  return { json: isAccepted(ranges, "application", "json"), events: isAccepted(ranges, "text", "event-stream") };
}

/** The header as a session's object of the release before looks for it: the SDK's transport knows no ranges. */
export function usualAccept(header: string | undefined): string {
  return readAccept(header).events ? USUAL : (header ?? "");
}

/** Refuses a request whose client takes no such answer. */
export function notAcceptableResponse(types: string, id: RequestId | null = null): Response {
  return jsonRpcErrorResponse(406, "badRequest", `Not acceptable: Accept must name ${types}, or leave it open.`, id);
}

/** The most exact range that names a type decides. */
function isAccepted(ranges: readonly Accept[], type: string, subtype: string): boolean {
  const decisive = [`${type}/${subtype}`, `${type}/*`, "*/*"]
    .map((name) => ranges.find((range) => range.type.toLowerCase() === name))
    .find((range) => range !== undefined);
  return decisive !== undefined && decisive.q > 0;
}
