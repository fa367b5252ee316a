import * as z from "zod";
import { BODY_ERRORS, type Operations } from "../../http/operation.ts";
import { chatAnswerSchema } from "../stream/json-answer.ts";
import { listSchema, messagesSchema, renameSchema } from "./conversation-handlers.ts";
import { TAKEN_IMAGES } from "./message-images.ts";
import { chatSchema, uiChatSchema } from "./message-request.ts";
import { readConversationSchema } from "./read-conversation.ts";
import { conversationSchema } from "./stored-conversations.ts";

/** What the routes of routes.ts do. */
export const chatOperations: Operations = {
  "POST /chat": {
    summary: "Say something to the agent",
    tag: "Chat",
    security: "bearer",
    description: "A message may have images, such as a photographed list; what is kept of them is `[photo]`.",
    body: chatSchema,
    example: { message: "add tent, stove and rope to camping" },
    takesKey: true,
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
    description: `The last message alone counts. Beside its text it may have, as parts of type file, ${TAKEN_IMAGES}; what is kept of an image is \`[photo]\`.`,
    body: uiChatSchema,
    example: {
      id: "camping",
      messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "What is due today?" }] }],
    },
    answer: { status: 200, description: "The UI message stream.", mediaType: "text/event-stream" },
    errors: [...BODY_ERRORS, "forbidden", "not_found", "conflict", "unavailable"],
  },
  "GET /api/chat/{id}/stream": {
    summary: "Come back to a message that is being written",
    tag: "Chat",
    security: "bearer",
    answer: {
      status: 200,
      description: "A replay and what follows; 204 when nothing is written.",
      mediaType: "text/event-stream",
    },
    errors: ["forbidden"],
  },
  "DELETE /api/chat/{id}/stream": {
    summary: "Stop the message that is being written",
    tag: "Chat",
    security: "bearer",
    answer: { status: 204, description: "Stopped." },
    errors: ["forbidden"],
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
    errors: ["forbidden", "invalid_input"],
  },
  "GET /api/conversations/{id}": {
    summary: "A conversation with its messages, the newest page of them",
    tag: "Conversations",
    security: "bearer",
    query: messagesSchema,
    answer: {
      status: 200,
      description: "The conversation, its messages in their order; next_cursor leads to older ones.",
      content: readConversationSchema,
    },
    errors: ["forbidden", "invalid_input", "not_found"],
  },
  "PATCH /api/conversations/{id}": {
    summary: "Rename a conversation",
    tag: "Conversations",
    security: "bearer",
    body: renameSchema,
    example: { title: "Camping" },
    answer: { status: 200, description: "The conversation.", content: conversationSchema },
    errors: [...BODY_ERRORS, "forbidden", "not_found"],
  },
  "DELETE /api/conversations/{id}": {
    summary: "Delete a conversation",
    tag: "Conversations",
    security: "bearer",
    answer: { status: 204, description: "Deleted." },
    errors: ["forbidden", "not_found"],
  },
};
