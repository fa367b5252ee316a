import { and, desc, eq, sql } from "drizzle-orm";
import * as z from "zod";
import type { Caller } from "../caller.ts";
import { conversations, messages } from "../database/chat-schema.ts";
import type { Database } from "../database/database.ts";
import { conversationNotFound, isConversation, isRowOf, toChatMessage } from "./conversation-rows.ts";
import { usageSchema } from "./turn-event.ts";
import { toUiMessage } from "./ui-message.ts";

/** How many messages of a conversation are read at most, the newest. */
const MESSAGES_READ = 500;

const columns = {
  id: conversations.id,
  title: conversations.title,
  createdAt: conversations.createdAt,
  updatedAt: conversations.updatedAt,
};

type ConversationRow = { [Column in keyof typeof columns]: (typeof conversations.$inferSelect)[Column] };

/** A conversation without its messages. */
export const conversationSchema = z.object({
  id: z.string(),
  title: z.string(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

/** A conversation without its messages. */
export type Conversation = Readonly<z.output<typeof conversationSchema>>;

/** A conversation with its messages, as the AI SDK's `useChat` holds them; a part has fields by its type. */
export const readConversationSchema = conversationSchema.extend({
  messages: z.array(
    z.object({
      id: z.string(),
      role: z.enum(["user", "assistant"]),
      metadata: z.object({ usage: usageSchema }).optional(),
      parts: z.array(z.looseObject({ type: z.string() })),
    }),
  ),
});

/** The place in the list after which the next page begins. */
export interface ConversationCursor {
  readonly updatedAt: string;
  readonly id: string;
}

/** Lists conversations of the caller, the one that changed last first. */
export async function listConversations(
  database: Database,
  caller: Caller,
  { limit, after }: { readonly limit: number; readonly after: ConversationCursor | undefined },
): Promise<{ conversations: Conversation[]; next?: ConversationCursor }> {
  const [rows] = await database.asCaller(caller, (query) => [
    query
      .select(columns)
      .from(conversations)
      .where(
        and(
          eq(conversations.userId, caller.userId),
          after === undefined
            ? undefined
            : sql`(${conversations.updatedAt}, ${conversations.id}) < (${after.updatedAt}::timestamptz, ${after.id})`,
        ),
      )
      .orderBy(desc(conversations.updatedAt), desc(conversations.id))
      .limit(limit + 1),
  ]);
  const page = rows.slice(0, limit).map(toConversation);
  const last = page.at(-1);
  return {
    conversations: page,
    ...(rows.length > limit && last !== undefined && { next: { updatedAt: last.updated_at, id: last.id } }),
  };
}

/**
 * Reads a conversation of the caller with its messages, as the AI SDK's `useChat` holds them.
 *
 * @throws ApplicationError `not_found`
 */
export async function readConversation(database: Database, caller: Caller, id: string) {
  const [[row], newest] = await database.asCaller(caller, (query) => [
    query.select(columns).from(conversations).where(isRowOf(caller, id)),
    query.select().from(messages).where(isConversation(caller, id)).orderBy(desc(messages.seq)).limit(MESSAGES_READ),
  ]);
  const said = newest.toReversed();
  return {
    ...toConversation(found(row)),
    messages: said.map((message, index) => {
      const usage = { rounds: message.rounds, input_tokens: message.inputTokens, output_tokens: message.outputTokens };
      return toUiMessage(toChatMessage(message), { usage }, index === said.length - 1);
    }),
  };
}

/** @throws ApplicationError `not_found` */
export async function renameConversation(
  database: Database,
  caller: Caller,
  id: string,
  title: string,
): Promise<Conversation> {
  const [[row]] = await database.asCaller(caller, (query) => [
    query.update(conversations).set({ title }).where(isRowOf(caller, id)).returning(columns),
  ]);
  return toConversation(found(row));
}

/**
 * Deletes a conversation with all that was said in it; the tasks stay.
 *
 * @throws ApplicationError `not_found`
 */
export async function deleteConversation(database: Database, caller: Caller, id: string): Promise<void> {
  const [rows] = await database.asCaller(caller, (query) => [
    query.delete(conversations).where(isRowOf(caller, id)).returning({ id: conversations.id }),
  ]);
  found(rows[0]);
}

function toConversation({ id, title, createdAt, updatedAt }: ConversationRow): Conversation {
  return { id, title, created_at: createdAt.toISOString(), updated_at: updatedAt.toISOString() };
}

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw conversationNotFound();
  return row;
}
