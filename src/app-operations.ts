import * as z from "zod";
import type { Operation, Operations } from "./http/operation.ts";

const healthSchema = z.object({
  status: z.enum(["healthy", "unhealthy"]),
  database: z.enum(["connected", "unreachable"]),
  version: z.string(),
});

/** What the routes that stand in app.ts itself do. */
export const appOperations: Operations = {
  "GET /health": {
    summary: "Whether the server and its database are well",
    tag: "Operations",
    security: "anyone",
    answer: {
      status: 200,
      description: "The database answers; 503 with the same shape when it does not.",
      content: healthSchema,
      alsoStatus: 503,
    },
    isLimited: false,
    errors: [],
  },
  "GET /.well-known/security.txt": {
    summary: "Whom to tell of a fault that concerns security (RFC 9116)",
    tag: "Operations",
    security: "anyone",
    answer: { status: 200, description: "The contact that the operator has named.", mediaType: "text/plain" },
    errors: ["not_found"],
  },
  "GET /.well-known/mcp-registry-auth": proof("the MCP registry"),
  "GET /.well-known/openai-apps-challenge": proof("ChatGPT's directory"),
};

function proof(directory: string): Operation {
  return {
    summary: `What proves to ${directory} whose this domain is`,
    tag: "Operations",
    security: "anyone",
    answer: { status: 200, description: "The proof that the operator has set.", mediaType: "text/plain" },
    errors: ["not_found"],
  };
}
