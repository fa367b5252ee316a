import { and, desc, eq, gte, inArray, isNull, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Caller } from "../caller.ts";
import { approvals, conversations, messages, tokenUsage } from "../database/chat-schema.ts";
import type { Database, QueryBuilder } from "../database/database.ts";
import { sqlState } from "../database/database-error.ts";
import { users } from "../database/schema.ts";
import { ApplicationError } from "../errors.ts";
import type { ApprovalAnswer } from "./agent.ts";
import { hashCall } from "./approval.ts";
import type { MessageInProgress } from "./message-in-progress.ts";
import type { ChatMessage } from "./model-input.ts";
import { condense, type Outcome, turnEventSchema, type Usage } from "./turn-event.ts";

const FOREIGN_KEY_VIOLATION = "23503";
const PROGRAM_LIMIT_EXCEEDED = "54000";
const TITLE_LENGTH = 80;

/** Which conversation, and how much of it and of the day's tokens may be used. */
export interface TurnScope {
  readonly conversationId: string;
  /** How many messages the model is shown. */
  readonly historyLength: number;
  readonly dailyTokenBudget: number;
}

/** What a turn starts from. */
export interface LoadedTurn {
  readonly name: string;
  readonly timeZone: string;
  readonly history: readonly ChatMessage[];
}

/** A message of the agent that goes on. */
export interface LoadedContinuation extends LoadedTurn {
  readonly message: { readonly id: string; readonly events: MessageInProgress["events"]; readonly usage: Usage };
  readonly answers: readonly ApprovalAnswer[];
}

/** What a person says. */
export interface NewMessage {
  readonly id: string;
  readonly text: string;
  /** False where the conversation must be there already. */
  readonly mayBegin: boolean;
}

/**
 * Stores what a person says and loads what the agent needs to answer it, in one request. What waited for a yes in
 * this conversation is thereby refused. A message that is there already, by its id, takes its place again and what
 * came after it is gone: so a client edits a message, or has it answered anew.
 *
 * @throws ApplicationError `not_found` for a conversation that is not there and may not begin; `rate_limited` when
 * the day's tokens are used up, and then nothing has changed
 */
export async function beginTurn(
  database: Database,
  caller: Caller,
  scope: TurnScope,
  { id, text, mayBegin }: NewMessage,
): Promise<LoadedTurn> {
  const { conversationId } = scope;
  const conversation = isConversation(caller, conversationId);
  const results = await guarded(scope, () =>
    database.asCaller(caller, (query) => [
      query.execute(requireBudget(scope)),
      mayBegin
        ? query
            .insert(conversations)
            .values({ userId: caller.userId, id: conversationId, title: titleOf(text) })
            .onConflictDoNothing()
        : query.select({ id: conversations.id }).from(conversations).where(isRowOf(caller, conversationId)),
      selectUser(query, caller),
      query
        .update(approvals)
        .set({ answeredAt: sql`now()`, approved: false })
        .where(
          and(
            eq(approvals.userId, caller.userId),
            eq(approvals.conversationId, conversationId),
            isNull(approvals.answeredAt),
          ),
        ),
      query.delete(messages).where(
        and(
          conversation,
          gte(
            messages.seq,
            sql`(${query
              .select({ seq: messages.seq })
              .from(messages)
              .where(and(conversation, eq(messages.id, id)))})`,
          ),
        ),
      ),
      selectHistory(query, caller, scope),
      query.insert(messages).values({
        userId: caller.userId,
        conversationId,
        id,
        role: "user",
        content: [{ type: "text", id: "0", text }],
      }),
    ]),
  );
  const [, , [user], , , history] = results;
  return { ...found(user), history: [...history.reverse().map(toChatMessage), { id, role: "user", text }] };
}

/**
 * Takes a person's answers to questions of a message, and loads what the agent needs to go on with it, in one request.
 * An answer counts once, within its time, and for the exact call that was asked about.
 *
 * @throws ApplicationError `not_found` for a question that was never asked of this person in this conversation;
 * `conflict` where it was answered before or has lapsed; `rate_limited`
 */
export async function continueTurn(
  database: Database,
  caller: Caller,
  scope: TurnScope,
  given: readonly { readonly id: string; readonly approved: boolean }[],
): Promise<LoadedContinuation> {
  const isAsked = and(
    eq(approvals.userId, caller.userId),
    eq(approvals.conversationId, scope.conversationId),
    inArray(
      approvals.id,
      given.map(({ id }) => id),
    ),
  );
  const isOpen = and(isNull(approvals.answeredAt), sql`${approvals.expiresAt} > now()`);
  const approvedIds = given.filter(({ approved }) => approved).map(({ id }) => id);
  const [, asked, taken, [user], rows] = await guarded(scope, () =>
    database.asCaller(caller, (query) => [
      query.execute(requireBudget(scope)),
      query.select({ id: approvals.id, answeredAt: approvals.answeredAt }).from(approvals).where(isAsked),
      query
        .update(approvals)
        .set({
          answeredAt: sql`now()`,
          approved: approvedIds.length === 0 ? false : inArray(approvals.id, approvedIds),
        })
        .where(and(isAsked, isOpen))
        .returning(),
      selectUser(query, caller),
      selectHistory(query, caller, scope),
    ]),
  );
  const [first] = taken;
  if (first === undefined) throw unanswerable(asked);
  const row = rows.find(({ id }) => id === first.messageId);
  if (row === undefined) throw new ApplicationError("conflict", "The conversation has gone on since; ask again.");
  const message = toAssistantMessage(row);
  const answers = taken.filter((answer) => answer.messageId === message.id);
  for (const { callId, callHash } of answers) {
    const call = message.events.find((event) => event.type === "tool_input" && event.call_id === callId);
    if (call?.type !== "tool_input" || hashCall(caller.userId, scope.conversationId, call) !== callHash) {
      throw new ApplicationError("conflict", "The approval does not fit the call any more; ask again.");
    }
  }
  return {
    ...found(user),
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

/** Stores the agent's message, the questions it asks, and the tokens the turn used, in one request. */
export async function storeTurn(
  database: Database,
  caller: Caller,
  conversationId: string,
  message: MessageInProgress,
  outcome: Outcome,
): Promise<void> {
  const content = condense(message.events);
  const { rounds, input_tokens: inputTokens, output_tokens: outputTokens } = message.usage;
  const state = { content, outcome, rounds, inputTokens, outputTokens };
  const questions = content.filter((event) => event.type === "approval_request");
  const addUsage = (query: QueryBuilder) =>
    query
      .insert(tokenUsage)
      .values({ userId: caller.userId, day: sql`utc_today()`, tokens: message.turnTokens })
      .onConflictDoUpdate({
        target: [tokenUsage.userId, tokenUsage.day],
        set: { tokens: sql`${tokenUsage.tokens} + excluded.tokens` },
      });
  try {
    await database.asCaller(caller, (query) => [
      query
        .insert(messages)
        .values({ userId: caller.userId, conversationId, id: message.id, role: "assistant", ...state })
        .onConflictDoUpdate({
          target: [messages.userId, messages.conversationId, messages.id],
          set: { ...state, updatedAt: sql`now()` },
        }),
      query.update(conversations).set({ updatedAt: sql`now()` }).where(isRowOf(caller, conversationId)),
      addUsage(query),
      ...questions.map(({ approval_id: id, call_id: callId, expires_at: expiresAt }) => {
        const call = content.find((event) => event.type === "tool_input" && event.call_id === callId);
        if (call?.type !== "tool_input") throw new ApplicationError("internal", "Something went wrong on our side.");
        const callHash = hashCall(caller.userId, conversationId, call);
        return query
          .insert(approvals)
          .values({
            id,
            userId: caller.userId,
            conversationId,
            messageId: message.id,
            callId,
            callHash,
            expiresAt: new Date(expiresAt),
          })
          .onConflictDoNothing();
      }),
    ]);
  } catch (error) {
    // The conversation was deleted while the agent worked: its tokens count all the same.
    if (sqlState(error) !== FOREIGN_KEY_VIOLATION) throw error;
    await database.asCaller(caller, (query) => [addUsage(query)]);
  }
}

/** @throws ApplicationError, `internal` where a row is not as this code has written it */
export function toChatMessage(row: Pick<typeof messages.$inferSelect, "id" | "role" | "content">): ChatMessage {
  if (row.role === "assistant") return toAssistantMessage(row);
  const [{ text }] = z.tuple([z.object({ text: z.string() })]).parse(row.content);
  return { id: row.id, role: "user", text };
}

/** The condition that a message is of a conversation of the caller. */
export function isConversation(caller: Caller, conversationId: string): SQL | undefined {
  return and(eq(messages.userId, caller.userId), eq(messages.conversationId, conversationId));
}

/** The condition that a conversation is the caller's. */
export function isRowOf(caller: Caller, conversationId: string): SQL | undefined {
  return and(eq(conversations.userId, caller.userId), eq(conversations.id, conversationId));
}

function toAssistantMessage({ id, content }: { readonly id: string; readonly content: unknown }) {
  return { id, role: "assistant", events: z.array(turnEventSchema).parse(content) } as const;
}

function selectUser(query: QueryBuilder, caller: Caller) {
  return query.select({ name: users.name, timeZone: users.timeZone }).from(users).where(eq(users.id, caller.userId));
}

function selectHistory(query: QueryBuilder, caller: Caller, { conversationId, historyLength }: TurnScope) {
  return query
    .select()
    .from(messages)
    .where(isConversation(caller, conversationId))
    .orderBy(desc(messages.seq))
    .limit(historyLength);
}

function requireBudget({ dailyTokenBudget }: TurnScope): SQL {
  return sql`select require_token_budget(${dailyTokenBudget})`;
}

async function guarded<Result>({ dailyTokenBudget }: TurnScope, request: () => Promise<Result>): Promise<Result> {
  try {
    return await request();
  } catch (error) {
    const state = sqlState(error);
    if (state === FOREIGN_KEY_VIOLATION) {
      throw new ApplicationError("not_found", "Conversation not found", { cause: error });
    }
    if (state !== PROGRAM_LIMIT_EXCEEDED) throw error;
    const resetsAt = nextUtcMidnight(new Date());
    throw new ApplicationError(
      "rate_limited",
      `Today's ${dailyTokenBudget} tokens for chat are used up; they count anew from ${resetsAt.toISOString()}.`,
      { retryAfter: Math.ceil((resetsAt.getTime() - Date.now()) / 1000) },
    );
  }
}

function nextUtcMidnight(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1));
}

function unanswerable(asked: readonly { readonly answeredAt: Date | null }[]): ApplicationError {
  const [approval] = asked;
  if (approval === undefined) return new ApplicationError("not_found", "Approval not found");
  return approval.answeredAt === null
    ? new ApplicationError("conflict", "The approval has lapsed; ask again.")
    : new ApplicationError("conflict", "The approval was answered already, or the conversation has gone on since.");
}

function titleOf(text: string): string {
  const line = text.replaceAll(/\s+/gu, " ").trim();
  const codePoints = Array.from(line.slice(0, 2 * TITLE_LENGTH));
  return codePoints.length <= TITLE_LENGTH
    ? line
    : `${codePoints
        .slice(0, TITLE_LENGTH - 1)
        .join("")
        .trim()}…`;
}

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new ApplicationError("internal", "Something went wrong on our side.");
  return row;
}
