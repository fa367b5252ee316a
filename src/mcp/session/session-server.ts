import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { JSONRPCRequest, Result } from "@modelcontextprotocol/sdk/types.js";
import { currentExchange } from "../exchange.ts";
import { instructions } from "../instructions.ts";
import { JsonRpcError } from "../json-rpc.ts";
import { sessionMethods } from "../methods.ts";
import { serverInfo } from "../server-info.ts";
import { DefaultJsonSchemaValidator } from "../without-validators.ts";

/** The catalog as an MCP server of the 2025 protocols, for one session. */
export function createSessionServer(baseUrl: string): Server {
  const server = new Server(serverInfo(baseUrl), {
    // Not of the empty lists: clients ask for those whether they are declared or not, and some that see the capability
    // offer the model tools for resources that are not there.
    capabilities: { tools: {}, logging: {} },
    instructions,
    // Its default compiles schemas to code, which workerd does not run.
    jsonSchemaValidator: new DefaultJsonSchemaValidator(),
  });
  // And not setRequestHandler, which parses each call twice and its result once more, by schemas that workerd cannot
  // compile: runTool validates the input, and the tool made the result.
  server.removeRequestHandler("logging/setLevel");
  server.fallbackRequestHandler = async (request, { signal }) => {
    const { batch } = currentExchange();
    return batch === undefined ? answer(request, signal) : batch.run(() => answer(request, signal), signal);
  };
  return server;
}

function answer({ method, params = {} }: JSONRPCRequest, signal: AbortSignal): Promise<Result> | Result {
  const known = sessionMethods.get(method);
  if (known === undefined) throw new JsonRpcError("methodNotFound", "Method not found");
  return known.answer(params, signal);
}
