import { and, asc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import { messages } from "../../database/chat-schema.ts";
import { toUnreadOutcome } from "../../database/database-error.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { ApplicationError, notFound } from "../../errors.ts";
import type { ChatMessage, ReplacedCall } from "../stream/chat-message.ts";
import { type TurnEvent, waitingCalls } from "../stream/turn-event.ts";
import { replacedCalls } from "./replaced-calls.ts";
import { isConversation, toAssistantMessage, toChatMessage, usageOf } from "./rows.ts";
import {
  insertMessage,
  type LoadedTurn,
  selectHistory,
  selectUser,
  type TurnScope,
  userOfTurn,
} from "./turn-queries.ts";

/** How many messages are read of those that another is to take the place of, itself among them. */
const MOST_REPLACED = 200;

/** What a person says. */
export interface NewMessage {
  readonly id: string;
  readonly text: string;
  /** False where the conversation must be there already. */
  readonly mayBegin: boolean;
  /** Whether it is to be answered anew where it is there already. */
  readonly isAnew?: boolean | undefined;
  /** The message that the new answer is to replace; one that is gone was replaced by the same request, sent before. */
  readonly replaces?: string | undefined;
  /** Whether its id is a key, which belongs to one message, so that another text is no edit of it. */
  readonly isKey?: boolean | undefined;
}

/** The answer that a message has already, as a turn tells it. */
export interface StoredAnswer {
  readonly messageId: string;
  readonly told: readonly TurnEvent[];
}

type Row = typeof messages.$inferSelect;

/**
 * Says what becomes of a message that is there already, by its id. With the same text it was sent twice: it gets the
 * answer that it has. Edited, or to be answered anew, it takes its place again and what came after it is gone; what
 * that had done is kept with it, for the model to know.
 *
 * @throws ApplicationError `rate_limited` when the day's tokens are used up and `conflict` for a key of another message,
 * and then nothing has changed; `unavailable`
 */
export async function answerAgain(
  database: UserDatabase,
  scope: TurnScope,
  message: NewMessage,
): Promise<LoadedTurn | StoredAnswer> {
  const { id, text } = message;
  const { user, before, rows } = await readFrom(database, scope, message);
  const [row, answer] = rows;
  if (row === undefined) throw notFound("Conversation");
  const said = toChatMessage(row);
  const isSame = said.role === "user" && said.text === text;
  if (message.isKey && !isSame) {
    throw new ApplicationError(
      "conflict",
      "message_id, or Idempotency-Key, was used for another message; use a new one. Nothing was done.",
    );
  }
  const isRepeat = isSame && !(message.isAnew && rows.some((other) => other.id === (message.replaces ?? id)));
  if (isRepeat && answer !== undefined && !(rows.length === 2 && hasDoneNothing(answer))) {
    // Its turn was lost before it had done anything, and the person has gone on without it.
    if (answer.role === "user")
      throw new ApplicationError("conflict", "The conversation has gone on since; say it anew.");
    return storedAnswer(answer, rows.length === 2);
  }
  const { spent, ...known } = userOfTurn(user, scope);
  if (spent !== undefined) throw spent;
  const turn = (sentAt: Date, replaced: readonly ReplacedCall[]) => ({
    ...known,
    history: [...before, { id, role: "user", text, sentAt, replaced } satisfies ChatMessage],
  });
  // It has not been answered: an attempt to begin its turn was carried out whose answer was lost, or the turn was.
  if (isSame && answer === undefined) return turn(said.sentAt, said.replaced);
  const replaced = replacedCalls(rows.map(toChatMessage));
  const sentAt = new Date();
  await database.write("replace_messages", (query) => [
    query
      .delete(messages)
      .where(and(isConversation(database.userId, scope.conversationId), gte(messages.seq, row.seq))),
    insertMessage(query, database.userId, scope.conversationId, { id, text, sentAt, replaced }),
  ]);
  return turn(sentAt, replaced);
}

/** What there is from a message on, and what a turn that answers it starts from. */
async function readFrom(database: UserDatabase, scope: TurnScope, { id, isKey = false }: NewMessage) {
  const { userId } = database;
  const conversation = isConversation(userId, scope.conversationId);
  const { results } = await database
    .read((query) => {
      const place = query
        .select({ seq: messages.seq })
        .from(messages)
        .where(and(conversation, eq(messages.id, id)));
      const isBefore: SQL = lt(messages.seq, sql`(${place})`);
      return [
        selectUser(query, userId, scope, false),
        selectHistory(query, userId, scope, 1, isBefore),
        query
          .select()
          .from(messages)
          .where(and(conversation, gte(messages.seq, sql`(${place})`)))
          .orderBy(asc(messages.seq))
          .limit(MOST_REPLACED),
      ];
    })
    .catch((error: unknown) => {
      throw toUnreadOutcome(error, { isKeyed: isKey });
    });
  const [[user], before, rows] = results;
  return { user, before: before.reverse().map(toChatMessage), rows };
}

/** Whether an answer failed before it had called anything: another try may come to something, and doubles nothing. */
function hasDoneNothing({ role, outcome, ...row }: Row): boolean {
  return (
    role === "assistant" &&
    outcome === "failed" &&
    !toAssistantMessage(row).events.some(({ type }) => type === "tool_input")
  );
}

/** @param isLast whether nothing was said after it, so that its questions can still be answered */
function storedAnswer(row: Row, isLast: boolean): StoredAnswer {
  const { id, events } = toAssistantMessage(row);
  const lapsed = waitingCalls(events).filter(({ expires_at }) => !isLast || Date.parse(expires_at) <= Date.now());
  const told: TurnEvent[] = [
    // The AI SDK's client reads nothing that comes after a failure.
    { type: "usage", ...usageOf(row) },
    ...events,
    ...lapsed.map(
      ({ approval_id, call_id }) => ({ type: "approval_answer", approval_id, call_id, approved: false }) as const,
    ),
    { type: "finish", outcome: row.outcome },
  ];
  return { messageId: id, told };
}
