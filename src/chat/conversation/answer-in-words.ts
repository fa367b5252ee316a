import { and, desc, eq, gt, inArray, isNull, sql } from "drizzle-orm";
import { approvals, messages } from "../../database/chat-schema.ts";
import { toUnreadOutcome } from "../../database/database-error.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { hashCall } from "../agent/approval.ts";
import type { ApprovalAnswer } from "../agent/run-agent.ts";
import { shownClaims, shownVersions } from "../agent/shown-versions.ts";
import { hidesDestruction, questionsOf } from "../stream/approval-groups.ts";
import { callWithId, inOrderOfCalls, type TurnEvent, waitingCalls } from "../stream/turn-event.ts";
import type { NewMessage } from "./answer-again.ts";
import { isConversation, toChatMessage } from "./rows.ts";
import {
  insertMessage,
  type LoadedTurn,
  selectHistory,
  selectUser,
  type TurnScope,
  userOfTurn,
} from "./turn-queries.ts";
import { readYesOrNo } from "./yes-or-no.ts";

type OpenApproval = Pick<typeof approvals.$inferSelect, "id" | "callId" | "callHash">;

/** A turn that begins with what the person has answered in words. */
interface AnsweredInWords extends LoadedTurn {
  readonly answers: readonly ApprovalAnswer[];
}

/**
 * Takes a message that is only a yes or a no as the answer to the one question that is open in its conversation, and
 * stores it. What was asked about goes on in the answer to this message, below it.
 *
 * @returns undefined where it answers nothing: it says more, or there is no question, or more than one, or it is stored
 * already
 * @throws ApplicationError `rate_limited` for a yes when the day's tokens are used up; nothing has changed then;
 * `unavailable` where the answer may have been taken and cannot be read
 */
export async function answerInWords(
  database: UserDatabase,
  scope: TurnScope,
  { id, text, isAnew, isKey = false }: NewMessage,
): Promise<AnsweredInWords | undefined> {
  const approved = readYesOrNo(text);
  if (approved === undefined || isAnew) return undefined;
  const { userId } = database;
  const { conversationId } = scope;
  const conversation = isConversation(userId, conversationId);
  const { results } = await database.read((query) => [
    selectUser(query, userId, scope, false),
    query
      .select({ id: messages.id })
      .from(messages)
      .where(and(conversation, eq(messages.id, id))),
    query
      .select({
        id: approvals.id,
        callId: approvals.callId,
        callHash: approvals.callHash,
      })
      .from(approvals)
      .where(
        and(
          eq(approvals.userId, userId),
          eq(approvals.conversationId, conversationId),
          isNull(approvals.answeredAt),
          gt(approvals.expiresAt, sql`now()`),
        ),
      ),
    selectHistory(query, userId, scope, 1),
    // By itself, as the model may be shown too few messages for it to be among them.
    query.select().from(messages).where(conversation).orderBy(desc(messages.seq)).limit(1),
  ]);
  const [[row], stored, open, rows, [last]] = results;
  if (stored.length > 0 || last === undefined) return undefined;
  const asking = toChatMessage(last);
  if (asking.role !== "assistant" || !isAnswered(open, asking.events, approved)) return undefined;
  const answers = inOrderOfCalls(asking.events, open).flatMap((approval) => {
    const call = callWithId(asking.events, approval.callId);
    if (call === undefined || hashCall(userId, conversationId, call) !== approval.callHash) return [];
    return [
      {
        approvalId: approval.id,
        callId: `answer_${approval.id}`,
        approved,
        versions: shownVersions(asking.events, approval.id),
        overrides: shownClaims(asking.events, approval.id),
        call: { tool: call.tool, input: call.input },
      },
    ];
  });
  if (answers.length < open.length) return undefined;
  const user = userOfTurn(row, scope);
  if (approved && user.spent !== undefined) throw user.spent;
  const said = { id, text, sentAt: new Date(), replaced: [] };
  const isAsked = and(
    eq(approvals.userId, userId),
    inArray(
      approvals.id,
      open.map((approval) => approval.id),
    ),
  );
  const { results: written } = await database.write("answer_in_words", (query) => [
    query
      .update(approvals)
      .set({ answeredAt: sql`now()`, approved })
      .where(and(isAsked, isNull(approvals.answeredAt), gt(approvals.expiresAt, sql`now()`)))
      .returning({ id: approvals.id }),
    insertMessage(query, userId, conversationId, said),
  ]);
  // Where an attempt has taken the answer whose own answer was lost, what it has written is read.
  const taken =
    written?.[0] ??
    (
      await database
        .read((query) => [
          query
            .select({ id: approvals.id })
            .from(approvals)
            .where(and(isAsked, eq(approvals.approved, approved))),
        ])
        .catch((error: unknown) => {
          throw toUnreadOutcome(error, { isKeyed: isKey });
        })
    ).results[0];
  // A question that lapsed meanwhile, or was answered elsewhere: this message is one like any other then.
  if (taken.length < open.length) return undefined;
  return { ...user, history: [...rows.reverse().map(toChatMessage), { ...said, role: "user" }], answers };
}

/**
 * Whether a yes or a no answers what a person was asked: one thing, which is one call, or several of one tool. What destroys
 * something is not agreed to unnamed; a no is a no.
 */
function isAnswered(open: readonly OpenApproval[], events: readonly TurnEvent[], approved: boolean): boolean {
  const waiting = new Set(waitingCalls(events).map(({ approval_id }) => approval_id));
  return (
    open.length === waiting.size &&
    open.every(({ id }) => waiting.has(id)) &&
    questionsOf(events).length === 1 &&
    !(approved && hidesDestruction(events))
  );
}
