import { JSON_AND_EVENTS, readAccept } from "../http/accept.ts";
import { jsonRpcErrorResponse, type RequestId } from "./json-rpc.ts";

/** The header as a session's object of the release before looks for it: the SDK's transport knows no ranges. */
export function usualAccept(header: string | undefined): string {
  return readAccept(header).events ? JSON_AND_EVENTS : (header ?? "");
}

/** Refuses a request whose client takes no such answer. */
export function notAcceptableResponse(types: string, id: RequestId | null = null): Response {
  return jsonRpcErrorResponse(406, "badRequest", `Not acceptable: Accept must name ${types}, or leave it open.`, id);
}
