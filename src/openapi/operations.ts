import * as z from "zod";
import { userSchema } from "../auth/accounts.ts";
import { listSchema, renameSchema } from "../chat/conversation/conversation-handlers.ts";
import { chatSchema, uiChatSchema } from "../chat/conversation/message-request.ts";
import { conversationSchema, readConversationSchema } from "../chat/conversation/stored-conversations.ts";
import { chatAnswerSchema } from "../chat/stream/json-answer.ts";
import type { ErrorKind } from "../errors.ts";
import { deleteAccountSchema, signInSchema, signOutSchema, signUpSchema } from "../http/account-handlers.ts";

/** What one method of one path does, as the API's description tells it. */
export interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly tag: "Accounts" | "Tools" | "MCP" | "Chat" | "Conversations" | "Operations";
  /** Who may call it. */
  readonly security: "anyone" | "bearer" | "metrics token";
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  /** What is answered when all is well. */
  readonly answer: {
    readonly status: 200 | 201 | 202 | 204;
    readonly description: string;
    readonly content?: z.ZodType;
    /** Where it is not JSON. */
    readonly mediaType?: string;
    /** Whether it comes as events too, where those are accepted. */
    readonly hasEvents?: boolean;
    /** Another status that has the same content. */
    readonly alsoStatus?: 503;
  };
  /** False for what stands above the rate limits in app.ts. */
  readonly isLimited?: false;
  readonly errors: readonly ErrorKind[];
}

const sessionSchema = z.object({
  token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.int().meta({ description: "Seconds." }),
  user: userSchema,
});

const healthSchema = z.object({
  status: z.enum(["healthy", "unhealthy"]),
  database: z.enum(["connected", "unreachable"]),
  version: z.string(),
});

const BODY_ERRORS = ["invalid_input", "payload_too_large", "unsupported_media_type"] as const;
const EVENT_STREAM = "text/event-stream";

/** Every operation but the tools, which the catalog describes; by method and path as app.ts has them. */
export const operations: Readonly<Record<string, Operation>> = {
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
  "GET /metrics": {
    summary: "The totals of all isolates, in Prometheus' text format",
    tag: "Operations",
    security: "metrics token",
    answer: { status: 200, description: "The metrics.", mediaType: "text/plain" },
    errors: ["unauthenticated", "not_found", "unavailable"],
  },
  "POST /api/auth/signup": {
    summary: "Make an account",
    tag: "Accounts",
    security: "anyone",
    body: signUpSchema,
    answer: { status: 201, description: "A token of the new account.", content: sessionSchema },
    errors: [...BODY_ERRORS, "conflict"],
  },
  "POST /api/auth/signin": {
    summary: "Sign in",
    tag: "Accounts",
    security: "anyone",
    body: signInSchema,
    answer: { status: 200, description: "A token.", content: sessionSchema },
    errors: [...BODY_ERRORS, "unauthenticated"],
  },
  "POST /api/auth/signout": {
    summary: "End this token, or every token of the user",
    tag: "Accounts",
    security: "bearer",
    body: signOutSchema,
    answer: { status: 204, description: "Signed out, as of the next call." },
    errors: [...BODY_ERRORS],
  },
  "GET /api/auth/me": {
    summary: "Who the token belongs to",
    tag: "Accounts",
    security: "bearer",
    answer: { status: 200, description: "The user.", content: z.object({ user: userSchema }) },
    errors: [],
  },
  "DELETE /api/auth/me": {
    summary: "Delete the account with everything in it",
    tag: "Accounts",
    security: "bearer",
    body: deleteAccountSchema,
    answer: { status: 204, description: "Deleted." },
    errors: [...BODY_ERRORS, "forbidden"],
  },
  "GET /mcp/tools": {
    summary: "The six tools with their schemas",
    tag: "Tools",
    security: "anyone",
    answer: {
      status: 200,
      description: "The tools, with an ETag.",
      content: z.object({ tools: z.array(z.looseObject({ name: z.string() })) }),
    },
    errors: [],
  },
  "POST /mcp": {
    summary: "MCP over streamable HTTP, of both eras",
    description:
      "A JSON-RPC message. Protocols 2024-11-05 to 2025-11-25 open a session with initialize; 2026-07-28 has none.",
    tag: "MCP",
    security: "bearer",
    body: z.looseObject({ jsonrpc: z.literal("2.0") }),
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
    answer: { status: 200, description: "Events; Last-Event-ID resumes.", mediaType: EVENT_STREAM },
    errors: ["forbidden"],
  },
  "DELETE /mcp": {
    summary: "End an MCP session",
    tag: "MCP",
    security: "bearer",
    answer: { status: 204, description: "Ended." },
    errors: ["forbidden"],
  },
  "POST /chat": {
    summary: "Say something to the agent",
    tag: "Chat",
    security: "bearer",
    body: chatSchema,
    answer: {
      status: 200,
      description: "What the agent answers; an event stream where that is accepted, this its last event.",
      content: chatAnswerSchema,
      hasEvents: true,
    },
    errors: [...BODY_ERRORS, "forbidden", "not_found", "conflict", "unavailable"],
  },
  "POST /api/chat": {
    summary: "The same as AI SDK's useChat speaks it",
    tag: "Chat",
    security: "bearer",
    body: uiChatSchema,
    answer: { status: 200, description: "The UI message stream.", mediaType: EVENT_STREAM },
    errors: [...BODY_ERRORS, "not_found", "conflict", "unavailable"],
  },
  "GET /api/chat/{id}/stream": {
    summary: "Come back to a message that is being written",
    tag: "Chat",
    security: "bearer",
    answer: {
      status: 200,
      description: "A replay and what follows; 204 when nothing is written.",
      mediaType: EVENT_STREAM,
    },
    errors: [],
  },
  "DELETE /api/chat/{id}/stream": {
    summary: "Stop the message that is being written",
    tag: "Chat",
    security: "bearer",
    answer: { status: 204, description: "Stopped." },
    errors: [],
  },
  "GET /api/conversations": {
    summary: "The conversations, newest first",
    tag: "Conversations",
    security: "bearer",
    query: listSchema,
    answer: {
      status: 200,
      description: "A page of them.",
      content: z.object({ conversations: z.array(conversationSchema), next_cursor: z.string().optional() }),
    },
    errors: ["invalid_input"],
  },
  "GET /api/conversations/{id}": {
    summary: "A conversation with its messages",
    tag: "Conversations",
    security: "bearer",
    answer: { status: 200, description: "The conversation.", content: readConversationSchema },
    errors: ["not_found"],
  },
  "PATCH /api/conversations/{id}": {
    summary: "Rename a conversation",
    tag: "Conversations",
    security: "bearer",
    body: renameSchema,
    answer: { status: 200, description: "The conversation.", content: conversationSchema },
    errors: [...BODY_ERRORS, "not_found"],
  },
  "DELETE /api/conversations/{id}": {
    summary: "Delete a conversation",
    tag: "Conversations",
    security: "bearer",
    answer: { status: 204, description: "Deleted." },
    errors: ["not_found"],
  },
};
