import { Hono } from "hono";
import type { Application } from "../http/application.ts";
import { methodNotAllowedResponse } from "../http/problem.ts";
import { loadOnce } from "../load-once.ts";

/** Both SDKs with it; loaded with the first request to MCP: CODEBASE.md says why. */
const handlers = loadOnce(() => import("./handlers.ts"));

/** What MCP clients in a browser must be let send. */
export const mcpRequestHeaders = ["Last-Event-ID", "Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Mcp-Session-Id"];

const METHODS = ["GET", "POST", "DELETE"];

/** MCP on one URL, both eras of it. */
export const mcpRoutes = new Hono<Application>()
  .get("/", async (context) => {
    // Hono answers HEAD by GET, and nobody would read the stream.
    if (context.req.raw.method === "HEAD") return methodNotAllowedResponse(context, METHODS);
    return (await handlers()).answerGet(context);
  })
  .delete("/", async (context) => (await handlers()).answerDelete(context))
  .post("/", async (context) => (await handlers()).answerPost(context))
  // Without this, the list of what is allowed would be made from the routes, with the HEAD that Hono adds to a GET.
  .all("/", (context) => methodNotAllowedResponse(context, METHODS));
