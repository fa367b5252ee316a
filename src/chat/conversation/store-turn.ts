import { and, eq, lt, lte, sql } from "drizzle-orm";
import { approvals, conversations, messages } from "../../database/chat-schema.ts";
import { sqlState } from "../../database/database-error.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { ApplicationError } from "../../errors.ts";
import { hashCall } from "../agent/approval.ts";
import type { MessageInProgress } from "../agent/message-in-progress.ts";
import { callWithId, condense, type Outcome, toStoredEvents } from "../stream/turn-event.ts";
import { CUT_OFF } from "../stream/turn-lines.ts";
import { FOREIGN_KEY_VIOLATION, isConversation, isRowOf } from "./rows.ts";

/** What a turn belongs to. */
interface TurnPlace {
  readonly conversationId: string;
  /** The address whose tokens it uses; undefined where the release before has kept it. */
  readonly addressKey?: string | undefined;
}

/**
 * Stores the agent's message, the questions it asks, and the tokens the turn used, in one request. Storing it again
 * changes nothing, as the answer to the first time may have been lost; only the tokens of a conversation that was
 * deleted count again, as nothing is left that says that they were counted.
 *
 * @param outcome undefined for a turn that was cut off, which does not take the place of how the same turn ended
 */
export async function storeTurn(
  database: UserDatabase,
  { conversationId, addressKey }: TurnPlace,
  message: MessageInProgress,
  outcome: Outcome | undefined,
): Promise<void> {
  const { userId } = database;
  const said = condense(message.events);
  const content = toStoredEvents(outcome === undefined ? [...said, CUT_OFF] : said);
  const { rounds, input_tokens: inputTokens, output_tokens: outputTokens } = message.usage;
  const state = { content, outcome: outcome ?? "failed", rounds, inputTokens, outputTokens };
  const questions = said
    .filter((event) => event.type === "approval_request")
    .map(({ approval_id: id, call_id: callId, expires_at: expiresAt }) => {
      const call = callWithId(said, callId);
      if (call === undefined) throw new ApplicationError("internal", "Something went wrong on our side.");
      const callHash = hashCall(userId, conversationId, call);
      return {
        id,
        userId,
        conversationId,
        messageId: message.id,
        callId,
        callHash,
        expiresAt: new Date(expiresAt),
      };
    });
  try {
    await database.write("store_turn", (query) => {
      const touch = query.update(conversations).set({ updatedAt: sql`now()` }).where(isRowOf(userId, conversationId));
      const keep = query
        .insert(messages)
        .values({ userId, conversationId, id: message.id, role: "assistant", ...state })
        .onConflictDoUpdate({
          target: [messages.userId, messages.conversationId, messages.id],
          set: { ...state, updatedAt: sql`now()` },
          // What is there of an earlier turn is shorter, and of a later one longer. How this one ended is no shorter than
          // what it had done when it was cut off, and may have no further round.
          setWhere: (outcome === undefined ? lt : lte)(sql`jsonb_array_length(${messages.content})`, said.length),
        });
      const counted = query
        .select({ tokens: sql`${messages.inputTokens} + ${messages.outputTokens}` })
        .from(messages)
        .where(and(isConversation(userId, conversationId), eq(messages.id, message.id)));
      // Before the message is kept: its row says what has been counted of it. The update of the conversation makes another
      // request that stores this turn wait until then.
      const count = query.execute(
        sql`select count_chat_tokens(${addressKey ?? null}, greatest(${inputTokens + outputTokens} - coalesce(${counted}, 0), 0))`,
      );
      return questions.length === 0
        ? [touch, count, keep]
        : [touch, count, keep, query.insert(approvals).values(questions).onConflictDoNothing()];
    });
  } catch (error) {
    // The conversation was deleted while the agent worked: its tokens count all the same.
    if (sqlState(error) !== FOREIGN_KEY_VIOLATION) throw error;
    await database.write("count_tokens", (query) => [
      query.execute(sql`select count_chat_tokens(${addressKey ?? null}, ${message.turnTokens})`),
    ]);
  }
}
