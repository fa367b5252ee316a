import { and, eq, inArray, isNull, or, type SQL, sql } from "drizzle-orm";
import { approvals, messages } from "../../database/chat-schema.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { ApplicationError } from "../../errors.ts";
import { hashCall } from "../agent/approval.ts";
import type { MessageInProgress } from "../agent/message-in-progress.ts";
import type { ApprovalAnswer } from "../agent/run-agent.ts";
import { shownClaims, shownVersions } from "../agent/shown-versions.ts";
import { callWithId, inOrderOfCalls, type Usage } from "../stream/turn-event.ts";
import { toAssistantMessage, toChatMessage, usageOf } from "./rows.ts";
import { guarded, type LoadedTurn, selectHistory, selectUser, type TurnScope, userOfTurn } from "./turn-queries.ts";

/** A message of the agent that goes on. */
interface LoadedContinuation extends LoadedTurn {
  readonly message: { readonly id: string; readonly events: MessageInProgress["events"]; readonly usage: Usage };
  readonly answers: readonly ApprovalAnswer[];
}

/**
 * Takes a person's answers to questions of a message, and loads what the agent needs to go on with it, in one request.
 * An answer counts once, within its time, and for the exact call that was asked about; the same answer is taken again
 * for 23 hours, as long as the message has not gone on. Saying no takes no budget; the
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
  // The answer was taken before, and its person has not heard so. What a call has done is known by its key for 24 hours:
  // later than that it might be done twice.
  const isGivenAgain = and(
    eq(approvals.approved, isApproved),
    sql`${approvals.answeredAt} > now() - interval '23 hours'`,
    isLastMessage(),
  );
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
  // They are told in the order of their calls, in which those run: `runApproved`.
  const answers = inOrderOfCalls(
    message.events,
    taken.filter(({ id, messageId }) => messageId === message.id && !heard.has(id)),
  );
  if (answers.length === 0) throw unanswerable(asked);
  for (const { callId, callHash } of answers) {
    const call = callWithId(message.events, callId);
    if (call === undefined || hashCall(userId, scope.conversationId, call) !== callHash) {
      throw new ApplicationError("conflict", "The approval does not fit the call any more; ask again.");
    }
  }
  return {
    ...userOfTurn(user, scope),
    history: rows
      .filter(({ seq }) => seq < row.seq)
      .reverse()
      .map(toChatMessage),
    message: { ...message, usage: usageOf(row) },
    answers: answers.map(({ id, callId, approved }) => ({
      approvalId: id,
      callId,
      approved: approved === true,
      versions: shownVersions(message.events, id),
      overrides: shownClaims(message.events, id),
    })),
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

function unanswerable(asked: readonly { readonly answeredAt: Date | null }[]): ApplicationError {
  if (asked.length === 0) return new ApplicationError("not_found", "Approval not found");
  return asked.every(({ answeredAt }) => answeredAt === null)
    ? new ApplicationError("conflict", "The approval has lapsed; ask again.")
    : new ApplicationError(
        "conflict",
        "The approval was answered already, or set aside by a later message. Ask again if it was not done.",
      );
}
