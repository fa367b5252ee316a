import { and, eq, isNull, sql } from "drizzle-orm";
import { approvals, conversations, messages } from "../../database/chat-schema.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { beginningOf } from "../../excerpt.ts";
import { answerAgain, type NewMessage, type StoredAnswer } from "./answer-again.ts";
import { isConversation, toChatMessage } from "./rows.ts";
import {
  guarded,
  insertMessage,
  type LoadedTurn,
  selectHistory,
  selectUser,
  type TurnScope,
  userOfTurn,
} from "./turn-queries.ts";

const TITLE_LENGTH = 80;

/**
 * Stores what a person says and loads what the agent needs to answer it, in one request. It refuses what waited for a
 * yes in this conversation. Of a message that is there already, by its id, `answerAgain` says what becomes.
 *
 * @returns the answer that the message has, where it is only sent once more
 * @throws ApplicationError `not_found` for a conversation that is not there and may not begin; `rate_limited` when
 * the day's tokens are used up, `conflict` when there can be no more conversations, and then nothing has changed; and
 * as `answerAgain`
 */
export async function beginTurn(
  database: UserDatabase,
  scope: TurnScope,
  message: NewMessage,
): Promise<LoadedTurn | StoredAnswer> {
  const { conversationId } = scope;
  const { id, text, images, mayBegin } = message;
  const { userId } = database;
  // As the worker's clock has it, so that the model is told the same moment now and in the turns to come.
  const said = { id, text, images, sentAt: new Date(), replaced: [] };
  const { results } = await guarded(() =>
    database.write("begin_turn", (query) => {
      const isThere = sql`exists (${query
        .select({ id: messages.id })
        .from(messages)
        .where(and(isConversation(userId, conversationId), eq(messages.id, id)))})`;
      const begin = query
        .insert(conversations)
        .values({ userId, id: conversationId, title: titleOf(text) })
        .onConflictDoNothing();
      const refuse = query
        .update(approvals)
        .set({ answeredAt: sql`now()`, approved: false })
        .where(
          and(
            eq(approvals.userId, userId),
            eq(approvals.conversationId, conversationId),
            isNull(approvals.answeredAt),
            sql`not ${isThere}`,
          ),
        );
      return [
        selectUser(query, userId, scope, sql`not ${isThere}`),
        // One statement in place of two: each is a round trip between the proxy and Postgres.
        query.execute(sql`with ${mayBegin ? sql`begun as ${begin}, ` : sql``}refused as ${refuse} select`),
        selectHistory(query, userId, scope, 1),
        insertMessage(query, userId, conversationId, said)
          .onConflictDoNothing({ target: [messages.userId, messages.conversationId, messages.id] })
          .returning({ id: messages.id }),
      ];
    }),
  );
  const [[user], , history, stored] = results ?? [[], undefined, [], []];
  if (stored.length === 0) return answerAgain(database, scope, message);
  return {
    ...userOfTurn(user, scope),
    history: [...history.reverse().map(toChatMessage), { ...said, role: "user" }],
  };
}

function titleOf(text: string): string {
  const line = text.replaceAll(/\s+/gu, " ").trim();
  if (beginningOf(line, TITLE_LENGTH) === line) return line;
  return `${beginningOf(line, TITLE_LENGTH - 1).trim()}…`;
}
