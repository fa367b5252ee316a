import { and, eq, lt, lte, sql } from "drizzle-orm";
import { approvals, conversations, messages } from "../../database/chat-schema.ts";
import { sqlState } from "../../database/database-error.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { ApplicationError, toApplicationError } from "../../errors.ts";
import { excerpt } from "../../excerpt.ts";
import type { Logger } from "../../observability/log.ts";
import { logFailure } from "../../observability/log-failure.ts";
import { hashCall } from "../agent/approval.ts";
import type { MessageInProgress } from "../agent/message-in-progress.ts";
import { unheardCalls } from "../agent/unheard-calls.ts";
import { callWithId, condense, type Outcome, type TurnEvent, toStoredEvents } from "../stream/turn-event.ts";
import { CUT_OFF } from "../stream/turn-lines.ts";
import { FOREIGN_KEY_VIOLATION, isConversation, isRowOf } from "./rows.ts";
import { shortenOutputs } from "./shorten-outputs.ts";

/** What a call has come to whose turn was cut off in the middle of it. */
const UNHEARD =
  "This may have been carried out: the server was restarted in the middle of it. Look before you repeat it.";

/** How much is kept of what a call has come to, where its turn cannot be stored as it is. */
const LONGEST_REST = 400;

/** What a turn belongs to. */
interface TurnPlace {
  readonly conversationId: string;
  /** The address whose tokens it uses; undefined where the release before has kept it. */
  readonly addressKey?: string | undefined;
}

/**
 * Stores a turn. Where a fault of ours prevents that, what its calls came to is stored in short: its message would be
 * mistaken for one that nothing was done for.
 *
 * @param outcome undefined for a turn that was cut off, which does not take the place of how the same turn ended
 * @returns the fault; undefined where the turn is stored as it is
 * @throws ApplicationError `unauthenticated`, `unavailable`; another where not even that can be stored
 */
export async function storeTurn(
  database: UserDatabase,
  log: Logger,
  place: TurnPlace,
  message: MessageInProgress,
  outcome: Outcome | undefined,
): Promise<ApplicationError | undefined> {
  try {
    await storeWhole(database, place, message, outcome);
    return undefined;
  } catch (thrown) {
    const error = toApplicationError(thrown);
    if (error.kind === "unavailable" || error.kind === "unauthenticated") throw error;
    logFailure(log, error);
    await store(database, place, message, condense(remainsOf(message, outcome)), message.events.length, "failed");
    return error;
  }
}

/**
 * Stores the agent's message, the questions it asks, and the tokens the turn used, in one request. Storing it again
 * changes nothing, as the answer to the first time may have been lost; only the tokens of a conversation that was
 * deleted count again, as nothing is left that says that they were counted.
 */
async function storeWhole(
  database: UserDatabase,
  place: TurnPlace,
  message: MessageInProgress,
  outcome: Outcome | undefined,
): Promise<void> {
  const said = condense(message.events);
  const content = outcome === undefined ? [...said, ...endOfCutOff(message)] : said;
  await store(database, place, message, content, said.length, outcome);
}

/** @param length how long what happened in the message is: of two turns of one message the longer is the later one */
async function store(
  database: UserDatabase,
  { conversationId, addressKey }: TurnPlace,
  message: MessageInProgress,
  said: readonly TurnEvent[],
  length: number,
  outcome: Outcome | undefined,
): Promise<void> {
  const { userId } = database;
  const content = toStoredEvents(shortenOutputs(said, outcome));
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
          setWhere: (outcome === undefined ? lt : lte)(sql`jsonb_array_length(${messages.content})`, length),
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

/** What is said of a turn that was cut off: what it may have done, and what it has done. */
function endOfCutOff(message: MessageInProgress): TurnEvent[] {
  const unheard = unheardCalls(message.events);
  const perhaps = unheard.length === 0 ? "" : ` Perhaps done: ${unheard.map(({ name }) => name).join("; ")}.`;
  return [
    ...unheard.map(({ callId }) => ({ type: "tool_error", call_id: callId, message: UNHEARD }) as const),
    { ...CUT_OFF, message: CUT_OFF.message + message.doneBefore + perhaps },
  ];
}

/** The calls of a turn that cannot be stored as it is, and what came of each, in short. */
function remainsOf(message: MessageInProgress, outcome: Outcome | undefined): TurnEvent[] {
  const events = message.events.flatMap((event): TurnEvent[] => {
    switch (event.type) {
      case "round":
      case "approval_answer":
        return [event];
      case "tool_input":
        return [{ type: "tool_input", call_id: event.call_id, tool: event.tool, input: {} }];
      case "tool_output":
        return [{ type: "tool_output", call_id: event.call_id, output: {}, text: excerpt(event.text, LONGEST_REST) }];
      case "tool_error":
        return [{ ...event, message: excerpt(event.message, LONGEST_REST) }];
      default:
        return [];
    }
  });
  if (outcome === undefined) return [...events, ...endOfCutOff(message)];
  const failure = `The answer could not be saved; what was done in it stays.${message.doneBefore}`;
  return [...events, { type: "failure", kind: "internal", message: failure }];
}
