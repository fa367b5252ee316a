import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { type JSONRPCRequest, LoggingLevelSchema, type Result } from "@modelcontextprotocol/sdk/types.js";
import { CfWorkerJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/cfworker";
import { quoteName } from "../../excerpt.ts";
import { isObject } from "../../json.ts";
import { decodeArguments } from "../../tools/tool-input.ts";
import { callTool, isKnownTool, listTools } from "../call-tool.ts";
import { currentExchange } from "../exchange.ts";
import { instructions } from "../instructions.ts";
import { JsonRpcError } from "../json-rpc.ts";
import { serverInfo } from "../server-info.ts";

// Of what a client answers to an elicitation. The SDK's own default compiles schemas to code, which workerd does not run.
const jsonSchemaValidator = new CfWorkerJsonSchemaValidator();

/** The catalog as an MCP server of the 2025 protocols, for one session. */
export function createSessionServer(baseUrl: string): Server {
  const server = new Server(serverInfo(baseUrl), {
    // Not of the empty lists: clients ask for those whether they are declared or not, and some that see the capability
    // offer the model tools for resources that are not there.
    capabilities: { tools: {}, logging: {} },
    instructions,
    jsonSchemaValidator,
  });
  // And not setRequestHandler, which parses each call twice and its result once more, by schemas that workerd cannot
  // compile: runTool validates the input, and the tool made the result.
  server.removeRequestHandler("logging/setLevel");
  server.fallbackRequestHandler = async (request, { signal }) => {
    const { batch } = currentExchange();
    return batch === undefined ? answer(request) : batch.run(() => answer(request), signal);
  };
  return server;
}

function answer({ method, params }: JSONRPCRequest): Promise<Result> | Result {
  switch (method) {
    case "logging/setLevel":
      return acceptLogLevel(params);
    case "tools/list":
      return listTools();
    case "tools/call":
      return callNamedTool(params);
    case "resources/list":
      return { resources: [] };
    case "resources/templates/list":
      return { resourceTemplates: [] };
    case "prompts/list":
      return { prompts: [] };
    default:
      throw new JsonRpcError("methodNotFound", "Method not found");
  }
}

/** The client may say what it wants to be told; we have nothing to tell (MCP 2025-11-25, Logging). */
function acceptLogLevel(params: unknown) {
  const { level } = isObject(params) ? params : {};
  if (LoggingLevelSchema.safeParse(level).success) return {};
  throw new JsonRpcError("invalidParams", `params.level must be one of ${LoggingLevelSchema.options.join(", ")}`);
}

function callNamedTool(params: unknown) {
  const { name, arguments: given } = isObject(params) ? params : {};
  const input = decodeArguments(given);
  if (typeof name !== "string") throw new JsonRpcError("invalidParams", "params.name must be the name of a tool");
  if (!isObject(input)) throw new JsonRpcError("invalidParams", "params.arguments must be an object");
  if (!isKnownTool(name)) throw new JsonRpcError("invalidParams", `Unknown tool: ${quoteName(name)}`);
  return callTool(name, input);
}
