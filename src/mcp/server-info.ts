import manifest from "../../package.json" with { type: "json" };

/** How this server names itself to clients: MCP's Implementation. */
export interface ServerInfo {
  [key: string]: unknown;
  name: string;
  title: string;
  version: string;
  description: string;
  websiteUrl: string;
  icons: { src: string; mimeType: string; sizes: string[] }[];
}

/** @param baseUrl where the server is reached, and its icons with it */
export function serverInfo(baseUrl: string): ServerInfo {
  return {
    name: manifest.name,
    title: "MCP Task Server",
    version: manifest.version,
    description: "A person's task list, for their agents and for themselves",
    websiteUrl: baseUrl,
    icons: [
      { src: `${baseUrl}/icon.png`, mimeType: "image/png", sizes: ["64x64"] },
      { src: `${baseUrl}/icon.svg`, mimeType: "image/svg+xml", sizes: ["any"] },
    ],
  };
}
