import { Server } from "@modelcontextprotocol/server";
import * as z from "zod";
import { instructions } from "../instructions.ts";
import { FIVE_MINUTES, statelessMethods } from "../methods.ts";
import { serverInfo } from "../server-info.ts";

/** Each method checks its own, the same way in both modes. */
const params = z.looseObject({});

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
      "server/discover": FIVE_MINUTES,
      ...Object.fromEntries(
        Array.from(statelessMethods, ([name, { cache }]) => [name, cache]).filter(([, cache]) => cache),
      ),
    },
  });
  for (const [name, { answer }] of statelessMethods) {
    server.setRequestHandler(name, { params }, (given, { mcpReq }) => answer(given, mcpReq.signal));
  }
  return server;
}
