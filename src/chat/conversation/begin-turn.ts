import { and, eq, gte, isNull, sql } from "drizzle-orm";
import { approvals, conversations, messages } from "../../database/chat-schema.ts";
import { toUnreadOutcome } from "../../database/database-error.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { beginningOf } from "../../excerpt.ts";
import { isConversation, toChatMessage } from "./rows.ts";
import { guarded, type LoadedTurn, selectHistory, selectUser, type TurnScope, userOfTurn } from "./turn-queries.ts";

const TITLE_LENGTH = 80;

/** What a person says. */
interface NewMessage {
  readonly id: string;
  readonly text: string;
  /** False where the conversation must be there already. */
  readonly mayBegin: boolean;
}

/**
 * Stores what a person says and loads what the agent needs to answer it, in one request. It refuses what waited for a
 * yes in this conversation. A message that is there already, by its id, takes its place again and what
 * came after it is gone: so a client edits a message, or has it answered anew.
 *
 * @throws ApplicationError `not_found` for a conversation that is not there and may not begin; `rate_limited` when
 * the day's tokens are used up, `conflict` when there can be no more conversations, and then nothing has changed
 */
export async function beginTurn(
  database: UserDatabase,
  scope: TurnScope,
  { id, text, mayBegin }: NewMessage,
): Promise<LoadedTurn> {
  const { conversationId } = scope;
  const { userId } = database;
  const conversation = isConversation(userId, conversationId);
  // As the worker's clock has it, so that the model is told the same moment now and in the turns to come.
  const sentAt = new Date();
  const { results } = await guarded(() =>
    database.write("begin_turn", (query) => {
      const begin = query
        .insert(conversations)
        .values({ userId, id: conversationId, title: titleOf(text) })
        .onConflictDoNothing();
      const refuse = query
        .update(approvals)
        .set({ answeredAt: sql`now()`, approved: false })
        .where(
          and(eq(approvals.userId, userId), eq(approvals.conversationId, conversationId), isNull(approvals.answeredAt)),
        );
      const place = query
        .select({ seq: messages.seq })
        .from(messages)
        .where(and(conversation, eq(messages.id, id)));
      const removeFromPlace = query.delete(messages).where(and(conversation, gte(messages.seq, sql`${place}`)));
      return [
        selectUser(query, userId, scope),
        // One statement in place of three: each is a round trip between the proxy and Postgres.
        query.execute(
          sql`with ${mayBegin ? sql`begun as ${begin}, ` : sql``}refused as ${refuse} ${removeFromPlace.getSQL()}`,
        ),
        selectHistory(query, userId, scope, 1),
        query.insert(messages).values({
          userId,
          conversationId,
          id,
          role: "user",
          content: [{ type: "text", id: "0", text }],
          createdAt: sentAt,
        }),
      ];
    }),
  );
  const [[user], , history] = results ?? (await readBegun(database, scope, id));
  return {
    ...userOfTurn(user, scope),
    history: [...history.reverse().map(toChatMessage), { id, role: "user", text, sentAt }],
  };
}

/**
 * What `beginTurn` loads, of a turn that an attempt has begun whose answer was lost.
 *
 * @throws ApplicationError `unavailable`; the message is stored then, and would be there twice if it was sent again
 */
async function readBegun(database: UserDatabase, scope: TurnScope, messageId: string) {
  const { results } = await database
    .read((query) => [
      selectUser(query, database.userId, scope, false),
      query.execute(sql`select`),
      selectHistory(query, database.userId, scope),
    ])
    .catch((error: unknown) => {
      throw toUnreadOutcome(error, { isKeyed: false });
    });
  const [user, nothing, history] = results;
  return [user, nothing, history.filter(({ id }) => id !== messageId)] as const;
}

function titleOf(text: string): string {
  const line = text.replaceAll(/\s+/gu, " ").trim();
  if (beginningOf(line, TITLE_LENGTH) === line) return line;
  return `${beginningOf(line, TITLE_LENGTH - 1).trim()}…`;
}
