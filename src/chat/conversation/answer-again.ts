import { and, asc, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import { messages } from "../../database/chat-schema.ts";
import { toUnreadOutcome } from "../../database/database-error.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { ApplicationError, notFound } from "../../errors.ts";
import type { ChatMessage, MessageImage } from "../stream/chat-message.ts";
import { type TurnEvent, waitingCalls } from "../stream/turn-event.ts";
import { KEPT_FOR } from "./kept-turn.ts";
import { hasImagesOf } from "./message-images.ts";
import { hasReplacedCalls, MOST_REPLACED_CALLS, replacedCalls } from "./replaced-calls.ts";
import { isConversation, toAssistantMessage, toChatMessage, usageOf } from "./rows.ts";
import {
  insertMessage,
  type LoadedTurn,
  selectHistory,
  selectUser,
  type TurnScope,
  userOfTurn,
} from "./turn-queries.ts";

/** What a person says. */
export interface NewMessage {
  readonly id: string;
  /** Its images have a mark each in it. */
  readonly text: string;
  /** Undefined for none, and where the release before has sent it. */
  readonly images?: readonly MessageImage[] | undefined;
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
  const {
    user,
    before,
    said: [row, answer, next],
    named,
    writing,
  } = await readFrom(database, scope, message);
  if (row === undefined) throw notFound("Conversation");
  const said = toChatMessage(row);
  const isSame = said.role === "user" && said.text === text && hasImagesOf(message, said);
  if (message.isKey && !isSame) {
    throw new ApplicationError(
      "conflict",
      "message_id, or Idempotency-Key, was used for another message; use a new one. Nothing was done.",
    );
  }
  // What a page shows of it has no images any more: they are known all the same.
  const images = isSame && !message.images?.length ? said.images : message.images;
  const isRepeat = isSame && !(message.isAnew && named.length > 0);
  const isLast = next === undefined;
  if (isRepeat && answer !== undefined && !(isLast && hasDoneNothing(answer))) {
    // Its turn was lost before it had done anything, and the person has gone on without it.
    if (answer.role === "user")
      throw new ApplicationError("conflict", "The conversation has gone on since; say it anew.");
    return storedAnswer(answer, isLast);
  }
  if (isRepeat && answer === undefined && Date.now() - said.sentAt.getTime() > KEPT_FOR) {
    throw new ApplicationError(
      "conflict",
      "The message was sent long ago, and nobody can tell any more whether anything was done for it; look, and say it anew.",
    );
  }
  const { spent, ...known } = userOfTurn(user, scope);
  if (spent !== undefined) throw spent;
  // Where it has not been answered, the attempt that stored it was not heard of, or was a while ago: it is sent now.
  const replaced = replacedCalls(writing.reverse().map(toChatMessage));
  const sentAt = new Date();
  await database.write("replace_messages", (query) => [
    query
      .delete(messages)
      .where(and(isConversation(database.userId, scope.conversationId), gte(messages.seq, row.seq))),
    insertMessage(query, database.userId, scope.conversationId, { id, text, images, sentAt, replaced }),
  ]);
  return { ...known, history: [...before, { id, role: "user", text, images, sentAt, replaced } satisfies ChatMessage] };
}

/** What there is from a message on, and what a turn that answers it starts from. */
async function readFrom(database: UserDatabase, scope: TurnScope, { id, replaces = id, isKey = false }: NewMessage) {
  const { userId } = database;
  const conversation = isConversation(userId, scope.conversationId);
  const { results } = await database
    .read((query) => {
      const place = query
        .select({ seq: messages.seq })
        .from(messages)
        .where(and(conversation, eq(messages.id, id)));
      const isBefore: SQL = lt(messages.seq, sql`(${place})`);
      const isFromThere = and(conversation, gte(messages.seq, sql`(${place})`));
      return [
        selectUser(query, userId, scope, false),
        selectHistory(query, userId, scope, 1, isBefore),
        // Itself, its answer, and whether anything follows.
        query.select().from(messages).where(isFromThere).orderBy(asc(messages.seq)).limit(3),
        query
          .select({ id: messages.id })
          .from(messages)
          .where(and(isFromThere, eq(messages.id, replaces))),
        query
          .select()
          .from(messages)
          .where(and(isFromThere, hasReplacedCalls()))
          .orderBy(desc(messages.seq))
          .limit(MOST_REPLACED_CALLS),
      ];
    })
    .catch((error: unknown) => {
      throw toUnreadOutcome(error, { isKeyed: isKey });
    });
  const [[user], before, said, named, writing] = results;
  return { user, before: before.reverse().map(toChatMessage), said, named, writing };
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
