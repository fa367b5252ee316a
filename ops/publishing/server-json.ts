import { serverDescription } from "../../src/mcp/server-description.ts";

/** The format of `server.json`: https://github.com/modelcontextprotocol/registry, docs/reference/server-json. */
const SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

/**
 * What `mcp-publisher` tells the MCP registry of a server, as text.
 *
 * @param baseUrl where the server is reached
 */
export function serverJson(baseUrl: string): string {
  return `${JSON.stringify({ $schema: SCHEMA, ...serverDescription(baseUrl) }, null, 2)}\n`;
}
