import { type CacheHint, ProtocolError, ProtocolErrorCode, Server } from "@modelcontextprotocol/server";
import { quoteName } from "../excerpt.ts";
import { callTool, isKnownTool, listTools } from "./call-tool.ts";
import { instructions } from "./instructions.ts";
import { serverInfo } from "./server-info.ts";

/** The tools are the same for everybody, and change only with a release. */
const FIVE_MINUTES: CacheHint = { ttlMs: 5 * 60 * 1000, cacheScope: "public" };

/** The catalog as an MCP server of the 2026-07-28 protocol, for one request. */
export function createStatelessServer(baseUrl: string): Server {
  const server = new Server(serverInfo(baseUrl), {
    capabilities: { tools: {} },
    instructions,
    cacheHints: { "tools/list": FIVE_MINUTES, "server/discover": FIVE_MINUTES },
  });
  server.setRequestHandler("tools/list", () => listTools());
  server.setRequestHandler("tools/call", ({ params: { name, arguments: input } }) => {
    if (!isKnownTool(name))
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${quoteName(name)}`);
    return callTool(name, input);
  });
  return server;
}
