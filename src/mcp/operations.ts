import * as z from "zod";
import type { Operation, Operations } from "../http/operation.ts";

const serverCard: Operation = {
  summary: "What the server is, and how it is reached (SEP-2127)",
  tag: "MCP",
  security: "anyone",
  answer: { status: 200, description: "A Server Card, with an ETag.", mediaType: "application/mcp-server-card+json" },
  errors: [],
};

/** What the routes of routes.ts and server-card-routes.ts do. */
export const mcpOperations: Operations = {
  "POST /mcp": {
    summary: "MCP over streamable HTTP, of both eras",
    description:
      "A JSON-RPC message. Protocols 2024-11-05 to 2025-11-25 open a session with initialize; 2026-07-28 has none. `?readonly` lets the connection read only.",
    tag: "MCP",
    security: "bearer",
    body: z.looseObject({ jsonrpc: z.literal("2.0") }),
    example: {
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "curl", version: "1.0.0" } },
    },
    answer: {
      status: 200,
      description: "A JSON-RPC answer, as JSON or as an event stream.",
      content: z.looseObject({}),
    },
    errors: ["unsupported_media_type", "forbidden"],
  },
  "GET /mcp": {
    summary: "The event stream of an MCP session",
    tag: "MCP",
    security: "bearer",
    answer: { status: 200, description: "Events; Last-Event-ID resumes.", mediaType: "text/event-stream" },
    errors: ["forbidden"],
  },
  "DELETE /mcp": {
    summary: "End an MCP session",
    tag: "MCP",
    security: "bearer",
    answer: { status: 204, description: "Ended." },
    errors: ["forbidden"],
  },
  "GET /mcp/server-card": serverCard,
  "GET /.well-known/mcp/server-card.json": serverCard,
  "GET /.well-known/ai-catalog.json": {
    summary: "Where a client that knows the domain alone finds the server's card (SEP-2127)",
    tag: "MCP",
    security: "anyone",
    answer: { status: 200, description: "An AI Catalog, with an ETag.", mediaType: "application/ai-catalog+json" },
    errors: [],
  },
};
