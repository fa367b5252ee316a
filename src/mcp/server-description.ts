import { type ServerInfo, serverInfo } from "./server-info.ts";

/** How a server is described to those who have not connected to it yet: the MCP registry, and readers of its Server Card. */
export interface ServerDescription extends Omit<ServerInfo, "name"> {
  /** The domain from its end to its beginning, and the server: who has the domain may publish under it. */
  name: string;
  remotes: { type: "streamable-http"; url: string }[];
}

/** @param baseUrl where the server is reached */
export function serverDescription(baseUrl: string): ServerDescription {
  const { name, ...info } = serverInfo(baseUrl);
  const domain = new URL(baseUrl).hostname.split(".").reverse().join(".");
  return { name: `${domain}/${name}`, ...info, remotes: [{ type: "streamable-http", url: `${baseUrl}/mcp` }] };
}
