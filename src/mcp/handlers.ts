import { SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import { isJsonContentType } from "@modelcontextprotocol/server";
import { ApplicationError } from "../errors.ts";
import { readAccept } from "../http/accept.ts";
import { type ApplicationContext, originOf } from "../http/application.ts";
import { readTextBody } from "../http/body.ts";
import { isReadOnly } from "../http/limit-to-reading.ts";
import { isObject, readJson } from "../json.ts";
import { notAcceptableResponse } from "./accept.ts";
import { onlyCallsTools, requireScopes } from "./call-tool.ts";
import { clientNameIn } from "./client-name.ts";
import { faultOf, jsonRpcErrorResponse } from "./json-rpc.ts";
import { opensSession, postToSession, sendToSession } from "./session/session-mode.ts";
import { answerStateless } from "./stateless/stateless-mode.ts";

/** Answers a POST: each message goes the way of the era that it speaks. */
export async function answerPost(context: ApplicationContext): Promise<Response> {
  if (!isJsonContentType(context.req.header("Content-Type"))) {
    throw new ApplicationError("unsupported_media_type", "Content-Type must be application/json.");
  }
  const accepted = readAccept(context.req.header("Accept"));
  if (!accepted.json && !accepted.events) return notAcceptableResponse("application/json, text/event-stream");
  const body = await readTextBody(context);
  const reading = readJson(body);
  if (!("value" in reading)) {
    const code = reading.fault === "syntax" ? "parseError" : "invalidRequest";
    return jsonRpcErrorResponse(400, code, `The body ${reading.message}.`);
  }
  const message = reading.value;
  const fault = faultOf(message);
  if (fault !== undefined) return jsonRpcErrorResponse(400, "invalidRequest", fault.message, fault.id);
  const { database, caller } = context.var;
  // The first request of a client tells its name too: when a credential was used, and by whom, is noted every few minutes.
  context.set("userDatabase", database.as(caller, originOf(context, "mcp", clientNameIn(message))));
  // Before anything is answered: by a status the client learns to ask for more scopes. To one that chose to read only, it
  // would say so each time.
  if (!isReadOnly(context)) requireScopes(message, caller);
  // What opens a session asks in any case, and what calls a tool does so with the tool's own request.
  if (!opensSession(message) && !onlyCallsTools(message)) await context.var.userDatabase.checkCredential("lately");
  if (isMessageOfSession(context, message)) return postToSession(context, body, message);
  return (await answerStateless(context, message)) ?? postToSession(context, body, message);
}

/** Answers a GET: the stream of a session. */
export async function answerGet(context: ApplicationContext): Promise<Response> {
  if (!readAccept(context.req.header("Accept")).events) return notAcceptableResponse("text/event-stream");
  return sendToSession(context, "GET");
}

/** Answers a DELETE: ends a session. */
export function answerDelete(context: ApplicationContext): Promise<Response> {
  return sendToSession(context, "DELETE");
}

/** Whether there can be no doubt of the era, so that the SDK's costlier test may be left out. */
function isMessageOfSession(context: ApplicationContext, message: unknown): boolean {
  if (context.req.header("Mcp-Session-Id") === undefined || !isObject(message)) return false;
  if (!SUPPORTED_PROTOCOL_VERSIONS.includes(context.req.header("Mcp-Protocol-Version") ?? "")) return false;
  return !(isObject(message.params) && "_meta" in message.params);
}
