import { and, desc, eq, gte, inArray, isNull, or, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { approvals, conversations, messages } from "../database/chat-schema.ts";
import { sqlState, toUnreadOutcome } from "../database/database-error.ts";
import { users } from "../database/schema.ts";
import type { QueryBuilder } from "../database/statement.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { ApplicationError } from "../errors.ts";
import { limitReached } from "../limits.ts";
import { metrics } from "../observability/metrics.ts";
import type { ApprovalAnswer } from "./agent.ts";
import { hashCall } from "./approval.ts";
import {
  conversationNotFound,
  FOREIGN_KEY_VIOLATION,
  isConversation,
  toAssistantMessage,
  toChatMessage,
} from "./conversation-rows.ts";
import type { MessageInProgress } from "./message-in-progress.ts";
import type { ChatMessage } from "./model-input.ts";
import type { Usage } from "./turn-event.ts";

const TITLE_LENGTH = 80;

/** Of whom the day's tokens are counted. */
const budgetSchema = z.enum(["user_tokens", "address_tokens", "total_tokens"]);

/** Which conversation, and how much of it and of the day's tokens may be used. */
interface TurnScope {
  readonly conversationId: string;
  /** How many messages the model is shown in all. */
  readonly historyLength: number;
  /** How many tokens there are for a day (UTC). */
  readonly budgets: Readonly<Record<z.output<typeof budgetSchema>, number>>;
  readonly addressKey: string | undefined;
}

/** What a turn starts from. */
export interface LoadedTurn {
  readonly name: string;
  readonly timeZone: string;
  readonly history: readonly ChatMessage[];
  /** Why the model may not be asked; undefined where it may. */
  readonly spent?: ApplicationError;
}

/** A message of the agent that goes on. */
interface LoadedContinuation extends LoadedTurn {
  readonly message: { readonly id: string; readonly events: MessageInProgress["events"]; readonly usage: Usage };
  readonly answers: readonly ApprovalAnswer[];
}

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
  // The new message is one of those that the model is shown.
  const before = { ...scope, historyLength: scope.historyLength - 1 };
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
        selectHistory(query, userId, before),
        query.insert(messages).values({
          userId,
          conversationId,
          id,
          role: "user",
          content: [{ type: "text", id: "0", text }],
        }),
      ];
    }),
  );
  const [[user], , history] = results ?? (await readBegun(database, scope, id));
  const { spent, ...known } = found(user);
  return {
    ...known,
    ...(spent !== null && { spent: budgetSpent(spent, scope) }),
    history: [...history.reverse().map(toChatMessage), { id, role: "user", text }],
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

/**
 * Takes a person's answers to questions of a message, and loads what the agent needs to go on with it, in one request.
 * An answer counts once, within its time, and for the exact call that was asked about; the same answer is taken again as
 * long as the message has not gone on. Saying no takes no budget; the
 * model then does not hear of it.
 *
 * @throws ApplicationError `not_found` for a question that was never asked of this person in this conversation;
 * `conflict` where it was answered before or has lapsed; `rate_limited`
 */
export async function continueTurn(
  database: UserDatabase,
  scope: TurnScope,
  given: readonly { readonly id: string; readonly approved: boolean }[],
): Promise<LoadedContinuation> {
  const { userId } = database;
  const isAsked = and(
    eq(approvals.userId, userId),
    eq(approvals.conversationId, scope.conversationId),
    inArray(
      approvals.id,
      given.map(({ id }) => id),
    ),
  );
  const approvedIds = given.filter(({ approved }) => approved).map(({ id }) => id);
  const isApproved = approvedIds.length === 0 ? sql`false` : inArray(approvals.id, approvedIds);
  const isOpen = and(isNull(approvals.answeredAt), sql`${approvals.expiresAt} > now()`);
  // The answer was taken before, and its person has not heard so.
  const isGivenAgain = and(eq(approvals.approved, isApproved), isLastMessage());
  const take = () =>
    guarded(() =>
      database.write("continue_turn", (query) => [
        selectUser(query, userId, scope, approvedIds.length > 0),
        query.select({ id: approvals.id, answeredAt: approvals.answeredAt }).from(approvals).where(isAsked),
        query
          .update(approvals)
          .set({ answeredAt: sql`now()`, approved: isApproved })
          .where(and(isAsked, or(isOpen, isGivenAgain)))
          .returning(),
        selectHistory(query, userId, scope),
      ]),
    );
  // Where an attempt has taken them whose answer was lost, they are given again.
  const results = (await take()).results ?? (await take()).results;
  if (results === undefined) {
    throw new ApplicationError("unavailable", "The answer was taken, but cannot be read; send it again.", {
      retryAfter: 1,
    });
  }
  const [[user], asked, taken, rows] = results;
  const [first] = taken;
  if (first === undefined) throw unanswerable(asked);
  const row = rows.find(({ id }) => id === first.messageId);
  if (row === undefined) throw new ApplicationError("conflict", "The conversation has gone on since; ask again.");
  const message = toAssistantMessage(row);
  // An answer that the message holds has had its effect, also where the message asks something else by now.
  const heard = new Set(
    message.events.flatMap((event) => (event.type === "approval_answer" ? [event.approval_id] : [])),
  );
  const answers = taken.filter(({ id, messageId }) => messageId === message.id && !heard.has(id));
  if (answers.length === 0) throw unanswerable(asked);
  for (const { callId, callHash } of answers) {
    const call = message.events.find((event) => event.type === "tool_input" && event.call_id === callId);
    if (call?.type !== "tool_input" || hashCall(userId, scope.conversationId, call) !== callHash) {
      throw new ApplicationError("conflict", "The approval does not fit the call any more; ask again.");
    }
  }
  const { spent, ...known } = found(user);
  return {
    ...known,
    ...(spent !== null && { spent: budgetSpent(spent, scope) }),
    history: rows
      .filter(({ seq }) => seq < row.seq)
      .reverse()
      .map(toChatMessage),
    message: {
      ...message,
      usage: { rounds: row.rounds, input_tokens: row.inputTokens, output_tokens: row.outputTokens },
    },
    answers: answers.map(({ id, callId, approved }) => ({ approvalId: id, callId, approved: approved === true })),
  };
}

/** The condition that the message which asks has not gone on, and nothing was said after it. */
function isLastMessage(): SQL {
  const ofConversation = and(
    eq(messages.userId, approvals.userId),
    eq(messages.conversationId, approvals.conversationId),
  );
  return sql`(${approvals.messageId}, 'approval_required') = (
    select ${messages.id}, ${messages.outcome} from ${messages} where ${ofConversation} order by ${messages.seq} desc limit 1
  )`;
}

/** @param isRequired whether the request is undone where the day's tokens are used up, or else `spent` says whose */
function selectUser(query: QueryBuilder, userId: number, { budgets, addressKey }: TurnScope, isRequired = true) {
  return query
    .select({
      name: users.name,
      timeZone: users.timeZone,
      spent: sql<
        string | null
      >`check_chat_tokens(${addressKey ?? null}, ${JSON.stringify(budgets)}::jsonb, ${isRequired}::boolean)`,
    })
    .from(users)
    .where(eq(users.id, userId));
}

function budgetSpent(spent: string, { budgets }: TurnScope): ApplicationError {
  const limit = budgetSchema.parse(spent);
  metrics.count("limits_reached_total", { limit });
  return limitReached(limit, budgets[limit]);
}

function selectHistory(query: QueryBuilder, userId: number, { conversationId, historyLength }: TurnScope) {
  return query
    .select()
    .from(messages)
    .where(isConversation(userId, conversationId))
    .orderBy(desc(messages.seq))
    .limit(historyLength);
}

async function guarded<Result>(request: () => Promise<Result>): Promise<Result> {
  try {
    return await request();
  } catch (error) {
    if (sqlState(error) === FOREIGN_KEY_VIOLATION) throw conversationNotFound(error);
    throw error;
  }
}

function unanswerable(asked: readonly { readonly answeredAt: Date | null }[]): ApplicationError {
  const [approval] = asked;
  if (approval === undefined) return new ApplicationError("not_found", "Approval not found");
  return approval.answeredAt === null
    ? new ApplicationError("conflict", "The approval has lapsed; ask again.")
    : new ApplicationError(
        "conflict",
        "The approval was answered already, or set aside by a later message. Ask again if it was not done.",
      );
}

function titleOf(text: string): string {
  const line = text.replaceAll(/\s+/gu, " ").trim();
  // A code point is at most two UTF-16 units: one more than fits is enough to know.
  const codePoints = Array.from(line.slice(0, 2 * (TITLE_LENGTH + 1)));
  if (codePoints.length <= TITLE_LENGTH) return line;
  const beginning = codePoints.slice(0, TITLE_LENGTH - 1).join("");
  return `${beginning.trim()}…`;
}

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new ApplicationError("internal", "Something went wrong on our side.");
  return row;
}
