import { and, eq, type SQL } from "drizzle-orm";
import * as z from "zod";
import { conversations, messages } from "../../database/chat-schema.ts";
import type { ChatMessage } from "../stream/chat-message.ts";
import { anyEventSchema, type Usage } from "../stream/turn-event.ts";
import { readReplacedCalls } from "./replaced-calls.ts";

/** SQLSTATE of a message whose conversation is not there. */
export const FOREIGN_KEY_VIOLATION = "23503";

/** A row of a message, as far as it says what the message is. */
export type MessageRow = Pick<typeof messages.$inferSelect, "id" | "role" | "content" | "createdAt" | "replaced">;

/** What a person said; of an image its digest. */
const saidSchema = z.object({ text: z.string(), images: z.array(z.string()).optional().catch(undefined) });

/** A message, from its row. */
export function toChatMessage(row: MessageRow): ChatMessage {
  if (row.role === "assistant") return toAssistantMessage(row);
  const [{ text, images }] = z.tuple([saidSchema]).parse(row.content);
  return {
    id: row.id,
    role: "user",
    text,
    images: images?.map((digest) => ({ digest })),
    sentAt: row.createdAt,
    replaced: readReplacedCalls(row.replaced),
  };
}

/** What a message of the agent has used, from its row. */
export function usageOf({
  rounds,
  inputTokens,
  outputTokens,
}: Pick<typeof messages.$inferSelect, "rounds" | "inputTokens" | "outputTokens">): Usage {
  return { rounds, input_tokens: inputTokens, output_tokens: outputTokens };
}

/** The condition that a message is of a conversation of the caller. */
export function isConversation(userId: number, conversationId: string): SQL | undefined {
  return and(eq(messages.userId, userId), eq(messages.conversationId, conversationId));
}

/** The condition that a conversation is the caller's. */
export function isRowOf(userId: number, conversationId: string): SQL | undefined {
  return and(eq(conversations.userId, userId), eq(conversations.id, conversationId));
}

/** A message of the agent, from its row. */
export function toAssistantMessage({ id, content }: { readonly id: string; readonly content: unknown }) {
  return { id, role: "assistant", events: z.array(anyEventSchema).parse(content) } as const;
}
