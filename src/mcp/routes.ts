import { SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import { isJsonContentType, isLegacyRequest } from "@modelcontextprotocol/server";
import { Hono } from "hono";
import { ApplicationError } from "../errors.ts";
import type { Application, ApplicationContext } from "../http/application.ts";
import { methodNotAllowedResponse } from "../http/problem.ts";
import { requireCaller } from "../http/require-caller.ts";
import { readTextBody } from "../http/text-body.ts";
import { readJson } from "../json.ts";
import { checkHostAndOrigin } from "./host-and-origin.ts";
import { hasLongId, isObject, jsonRpcErrorResponse, LONGEST_ID } from "./json-rpc.ts";
import { postToSession, sendToSession } from "./session-lane.ts";
import { answerStateless } from "./stateless-lane.ts";

/** What MCP clients in a browser must be let send. */
export const mcpRequestHeaders = ["Last-Event-ID", "Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Mcp-Session-Id"];

/** MCP on one URL: each request goes the way of the era that it speaks. */
export const mcpRoutes = new Hono<Application>()
  .get("/", checkHostAndOrigin, requireCaller, (context) => {
    // Hono answers HEAD by GET, and nobody would read the stream.
    if (context.req.raw.method === "HEAD") return methodNotAllowedResponse(context, ["GET", "POST", "DELETE"]);
    return sendToSession(context, "GET");
  })
  .delete("/", checkHostAndOrigin, requireCaller, (context) => sendToSession(context, "DELETE"))
  .post("/", checkHostAndOrigin, requireCaller, async (context) => {
    if (!isJsonContentType(context.req.header("Content-Type"))) {
      throw new ApplicationError("unsupported_media_type", "Content-Type must be application/json.");
    }
    const body = await readTextBody(context);
    const reading = readJson(body);
    if (!("value" in reading)) {
      const code = reading.fault === "syntax" ? "parseError" : "invalidRequest";
      return jsonRpcErrorResponse(400, code, `The body ${reading.message}.`);
    }
    const message = reading.value;
    if (hasLongId(message)) {
      return jsonRpcErrorResponse(400, "invalidRequest", `id may have ${LONGEST_ID} characters at most.`);
    }
    const isOfSession = isMessageOfSession(context, message) || (await isLegacyRequest(context.req.raw, message));
    return isOfSession ? postToSession(context, body, message) : answerStateless(context, message);
  });

/** Whether there can be no doubt of the era, so that the SDK's costlier test may be left out. */
function isMessageOfSession(context: ApplicationContext, message: unknown): boolean {
  if (context.req.header("Mcp-Session-Id") === undefined || !isObject(message)) return false;
  if (!SUPPORTED_PROTOCOL_VERSIONS.includes(context.req.header("Mcp-Protocol-Version") ?? "")) return false;
  return !(isObject(message.params) && "_meta" in message.params);
}
