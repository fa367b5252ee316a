import { and, asc, desc, eq, getTableColumns, gt, lt, lte, or, sql } from "drizzle-orm";
import { conversations, messages } from "../../database/chat-schema.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { toUiMessages } from "./read-conversation.ts";
import { type Conversation, columns, toConversation } from "./stored-conversations.ts";

const MOST_CONVERSATIONS = 500;

/** How many messages a page has at most, and after how many bytes, as Postgres keeps them, it ends. */
const MOST_MESSAGES = 200;
const MOST_BYTES = 512 * 1024;

/** Reads every conversation of the caller without its messages, page by page, each in a transaction of its own. */
export async function* allConversations(own: UserDatabase): AsyncGenerator<readonly Conversation[]> {
  for (let after: string | undefined; ; ) {
    const { results } = await own.read((query) => [
      query
        .select(columns)
        .from(conversations)
        .where(and(eq(conversations.userId, own.userId), after === undefined ? undefined : gt(conversations.id, after)))
        .orderBy(asc(conversations.id))
        .limit(MOST_CONVERSATIONS),
    ]);
    const page = results[0].map(toConversation);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.id;
  }
}

/** A message of a conversation, as the AI SDK's `useChat` holds it. */
export type ConversationMessage = ReturnType<typeof toUiMessages>[number] & {
  readonly conversation_id: string;
  readonly created_at: string;
};

/**
 * Reads every message of the caller, page by page, each in a transaction of its own: one conversation after the other, each
 * in the order in which it was said.
 */
export async function* allMessages(own: UserDatabase): AsyncGenerator<readonly ConversationMessage[]> {
  for (let after: { conversation: string; seq: number } | undefined; ; ) {
    const { results } = await own.read((query) => {
      // In the order of messages_conversation_seq_idx, backwards.
      const next = query
        .select({
          ...getTableColumns(messages),
          bytesBefore: sql<number>`sum(pg_column_size(${messages.content}))
            over (order by ${messages.conversationId} desc, ${messages.seq}) - pg_column_size(${messages.content})`.as(
            "bytes_before",
          ),
        })
        .from(messages)
        .where(and(eq(messages.userId, own.userId), after && isAfter(after)))
        .orderBy(desc(messages.conversationId), asc(messages.seq))
        .limit(MOST_MESSAGES)
        .as("next");
      return [
        query
          .select()
          .from(next)
          .where(lte(next.bytesBefore, MOST_BYTES))
          .orderBy(desc(next.conversationId), asc(next.seq)),
      ];
    });
    const [page] = results;
    const last = page.at(-1);
    if (last === undefined) return;
    yield page.flatMap((row) =>
      toUiMessages([row], false).map((message) => ({
        conversation_id: row.conversationId,
        created_at: row.createdAt.toISOString(),
        ...message,
      })),
    );
    after = { conversation: last.conversationId, seq: last.seq };
  }
}

function isAfter({ conversation, seq }: { readonly conversation: string; readonly seq: number }) {
  return and(
    // What an index is searched by.
    lte(messages.conversationId, conversation),
    or(lt(messages.conversationId, conversation), gt(messages.seq, seq)),
  );
}
