import { type CacheHint, ProtocolError, ProtocolErrorCode, Server } from "@modelcontextprotocol/server";
import { quoteName } from "../../excerpt.ts";
import { callTool, isKnownTool, listTools } from "../call-tool.ts";
import { instructions } from "../instructions.ts";
import { serverInfo } from "../server-info.ts";

/** The lists are the same for everybody, and change only with a release. */
export const FIVE_MINUTES: CacheHint = { ttlMs: 5 * 60 * 1000, cacheScope: "public" };

/**
 * The catalog as an MCP server of the 2026-07-28 protocol, for one request.
 *
 * @param method of that request
 */
export function createStatelessServer(baseUrl: string, method: string | undefined): Server {
  // Every answer carries it (Base Protocol, _meta). Who wants to know more of the server asks once.
  const info = serverInfo(baseUrl);
  const server = new Server(method === "server/discover" ? info : { name: info.name, version: info.version }, {
    // In this protocol, clients ask for no list that is not declared, and the conformance suite wants one that is
    // answered to be.
    capabilities: { tools: {}, resources: {}, prompts: {} },
    instructions,
    cacheHints: {
      "tools/list": FIVE_MINUTES,
      "resources/list": FIVE_MINUTES,
      "resources/templates/list": FIVE_MINUTES,
      "prompts/list": FIVE_MINUTES,
      "server/discover": FIVE_MINUTES,
    },
  });
  server.setRequestHandler("tools/list", () => listTools());
  server.setRequestHandler("tools/call", ({ params: { name, arguments: input } }) => {
    if (!isKnownTool(name))
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${quoteName(name)}`);
    return callTool(name, input);
  });
  server.setRequestHandler("resources/list", () => ({ resources: [] }));
  server.setRequestHandler("resources/templates/list", () => ({ resourceTemplates: [] }));
  server.setRequestHandler("resources/read", ({ params: { uri } }) => {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown resource: ${quoteName(uri)}`);
  });
  server.setRequestHandler("prompts/list", () => ({ prompts: [] }));
  server.setRequestHandler("prompts/get", ({ params: { name } }) => {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt: ${quoteName(name)}`);
  });
  return server;
}
