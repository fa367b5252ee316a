import { and, desc, eq, gte, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { messages } from "../../database/chat-schema.ts";
import { sqlState } from "../../database/database-error.ts";
import { users } from "../../database/schema.ts";
import type { QueryBuilder } from "../../database/statement.ts";
import { ApplicationError, notFound } from "../../errors.ts";
import { limitReached } from "../../limits.ts";
import { metrics } from "../../observability/metrics.ts";
import type { ChatMessage } from "../stream/chat-message.ts";
import { FOREIGN_KEY_VIOLATION, isConversation } from "./rows.ts";

/** Of whom the day's tokens are counted. */
const budgetSchema = z.enum(["user_tokens", "address_tokens", "total_tokens"]);

const leftSchema = z.object({ user_tokens: z.number(), address_tokens: z.number(), total_tokens: z.number() });

/** Which conversation, and how much of it and of the day's tokens may be used. */
export interface TurnScope {
  readonly conversationId: string;
  /** How many messages the model is shown at most. */
  readonly historyLength: number;
  /** How many tokens there are for a day (UTC). */
  readonly budgets: Readonly<Record<z.output<typeof budgetSchema>, number>>;
  readonly addressKey: string | undefined;
}

/** Stores what a person says. */
export function insertMessage(
  query: QueryBuilder,
  userId: number,
  conversationId: string,
  { id, text, images = [], sentAt, replaced }: Omit<Extract<ChatMessage, { role: "user" }>, "role">,
) {
  const digests = images.map(({ digest }) => digest);
  return query.insert(messages).values({
    userId,
    conversationId,
    id,
    role: "user",
    content: [{ type: "text", id: "0", text, ...(digests.length > 0 && { images: digests }) }],
    createdAt: sentAt,
    replaced: replaced.length === 0 ? null : replaced,
  });
}

/** What a turn starts from. */
export interface LoadedTurn {
  readonly name: string;
  readonly timeZone: string;
  readonly history: readonly ChatMessage[];
  /** Why the model may not be asked; undefined where it may. */
  readonly spent?: ApplicationError;
  /** Why the model may not be asked any more in a turn that has used so many tokens; undefined where it may. */
  readonly spentAfter: (tokens: number) => ApplicationError | undefined;
}

/**
 * The caller's name and time zone, whose tokens are used up, and how many are left.
 *
 * @param isRequired whether the request is undone where the day's tokens are used up, or else `spent` says whose
 */
export function selectUser(
  query: QueryBuilder,
  userId: number,
  { budgets, addressKey }: TurnScope,
  isRequired: boolean | SQL,
) {
  return query
    .select({
      name: users.name,
      timeZone: users.timeZone,
      spent: sql<
        string | null
      >`check_chat_tokens(${addressKey ?? null}, ${JSON.stringify(budgets)}::jsonb, ${isRequired}::boolean)`,
      left: sql<unknown>`chat_tokens_left(${addressKey ?? null}, ${JSON.stringify(budgets)}::jsonb)`,
    })
    .from(users)
    .where(eq(users.id, userId));
}

/**
 * What a turn starts from beside its history; tokens that are used up count as a limit that was reached.
 *
 * @param row what `selectUser` has found: the caller was there when `set_caller` looked
 */
export function userOfTurn(
  row:
    | { readonly name: string; readonly timeZone: string; readonly spent: string | null; readonly left: unknown }
    | undefined,
  { budgets }: TurnScope,
): Omit<LoadedTurn, "history"> {
  if (row === undefined) throw new ApplicationError("internal", "Something went wrong on our side.");
  const { name, timeZone, spent } = row;
  const left = leftSchema.parse(row.left);
  const reached = (limit: z.output<typeof budgetSchema>) => {
    metrics.count("limits_reached_total", { limit });
    return limitReached(limit, budgets[limit]);
  };
  const spentAfter = (tokens: number) => {
    const limit = budgetSchema.options.find((budget) => left[budget] <= tokens);
    return limit && reached(limit);
  };
  return { name, timeZone, spentAfter, ...(spent !== null && { spent: reached(budgetSchema.parse(spent)) }) };
}

/**
 * The newest messages of the conversation, the last one first: as many as the model is shown, or up to half of that
 * fewer. They begin with a message of the person that is the first of a block. So their beginning stays the same from
 * turn to turn, which the provider's cache lives on, and no call is torn from its output.
 *
 * @param toCome how many messages of the person, not stored yet, are to be shown beside these
 * @param which of the conversation's messages they are
 */
export function selectHistory(
  query: QueryBuilder,
  userId: number,
  { conversationId, historyLength }: TurnScope,
  toCome: 0 | 1 = 0,
  which?: SQL,
) {
  const conversation = and(isConversation(userId, conversationId), which);
  // A turn is two messages, but for one whose message is still to come.
  const mostTurns = Math.floor((historyLength + toCome) / 2);
  // The same where a message goes on after an answer, or the window would move in between.
  const block = Math.ceil(Math.floor(historyLength / 2) / 2);
  const ofPerson = sql`from ${messages} where ${and(conversation, eq(messages.role, "user"))}`;
  const turns = sql`(select count(*) + ${toCome}::int ${ofPerson})`;
  const left = sql`ceil(greatest(${turns} - ${mostTurns}::int, 0)::numeric / ${block}::int) * ${block}::int`;
  const first = sql`(select ${messages.seq} ${ofPerson} order by ${messages.seq} offset ${left} limit 1)`;
  return query
    .select()
    .from(messages)
    .where(and(conversation, gte(messages.seq, first)))
    .orderBy(desc(messages.seq))
    .limit(historyLength - toCome);
}

/**
 * Makes a request that stores something in a conversation.
 *
 * @throws ApplicationError `not_found` where there is no such conversation
 */
export async function guarded<Result>(request: () => Promise<Result>): Promise<Result> {
  try {
    return await request();
  } catch (error) {
    if (sqlState(error) === FOREIGN_KEY_VIOLATION) throw notFound("Conversation", error);
    throw error;
  }
}
