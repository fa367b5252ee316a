import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { ErrorCode, LoggingLevelSchema, McpError } from "@modelcontextprotocol/sdk/types.js";
import { quoteName } from "../excerpt.ts";
import { callTool, isKnownTool, listTools } from "./call-tool.ts";
import { instructions } from "./instructions.ts";
import { isObject } from "./json-rpc.ts";
import { serverInfo } from "./server-info.ts";

// We ask nothing of the client that would have to be validated, and the SDK's own default is costly to make.
const noValidator = {
  getValidator(): never {
    throw new Error("this server sends no elicitation");
  },
};

/** The catalog as an MCP server of the 2025 protocols, for one session. */
export function createSessionServer(baseUrl: string): Server {
  const server = new Server(serverInfo(baseUrl), {
    capabilities: { tools: {}, logging: {} },
    instructions,
    jsonSchemaValidator: noValidator,
  });
  // The empty lists are not declared: clients that ask for them do so all the same, and those that see a capability ask
  // for its list each time they connect, and offer the model tools for resources that are not there.
  // And not setRequestHandler, which parses each call twice and its result once more, by schemas that workerd cannot
  // compile: runTool validates the input, and the tool made the result.
  server.removeRequestHandler("logging/setLevel");
  server.fallbackRequestHandler = async ({ method, params }) => {
    if (method === "logging/setLevel") return acceptLogLevel(params);
    if (method === "tools/list") return listTools();
    if (method === "tools/call") return callNamedTool(params);
    if (method === "resources/list") return { resources: [] };
    if (method === "resources/templates/list") return { resourceTemplates: [] };
    if (method === "prompts/list") return { prompts: [] };
    throw new McpError(ErrorCode.MethodNotFound, "Method not found");
  };
  return server;
}

/** The client may say what it wants to be told; we have nothing to tell (MCP 2025-11-25, Logging). */
function acceptLogLevel(params: unknown) {
  const { level } = isObject(params) ? params : {};
  if (LoggingLevelSchema.safeParse(level).success) return {};
  throw new McpError(ErrorCode.InvalidParams, `params.level must be one of ${LoggingLevelSchema.options.join(", ")}`);
}

function callNamedTool(params: unknown) {
  const { name, arguments: input = {} } = isObject(params) ? params : {};
  if (typeof name !== "string") throw new McpError(ErrorCode.InvalidParams, "params.name must be the name of a tool");
  if (!isObject(input)) throw new McpError(ErrorCode.InvalidParams, "params.arguments must be an object");
  if (!isKnownTool(name)) throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${quoteName(name)}`);
  return callTool(name, input);
}
