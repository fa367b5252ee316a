import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError } from "@modelcontextprotocol/sdk/types.js";
import { callTool, isKnownTool, listTools } from "./call-tool.ts";
import { instructions } from "./instructions.ts";
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
  server.setRequestHandler(ListToolsRequestSchema, () => listTools());
  server.setRequestHandler(CallToolRequestSchema, ({ params: { name, arguments: input } }) => {
    if (!isKnownTool(name)) throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${name}`);
    return callTool(name, input);
  });
  return server;
}
