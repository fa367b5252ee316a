import { and, asc, desc, eq, getTableColumns, lt, lte, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { type CursorSettings, readCursor, strangeCursor, writeCursor } from "../../cursor.ts";
import { conversations, messages } from "../../database/chat-schema.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { found } from "../../errors.ts";
import { line } from "../../text.ts";
import type { ChatMessage } from "../stream/chat-message.ts";
import { usageSchema } from "../stream/turn-event.ts";
import { toUiMessage } from "../stream/ui-message.ts";
import { isConversation, isRowOf, toChatMessage, usageOf } from "./rows.ts";
import { shortenOutputs } from "./shorten-outputs.ts";
import { columns, conversationSchema, toConversation } from "./stored-conversations.ts";

/** After how many bytes of messages, as Postgres keeps them, a page ends: what a release before 1.1 kept is large. */
const MOST_BYTES = 512 * 1024;

/** A conversation with a page of its messages, as the AI SDK's `useChat` holds them; a part has fields by its type. */
export const readConversationSchema = conversationSchema.extend({
  messages: z.array(
    z.object({
      id: z.string(),
      role: z.enum(["user", "assistant"]),
      metadata: z.object({ usage: usageSchema }).optional(),
      parts: z.array(z.looseObject({ type: z.string() })),
    }),
  ),
  next_cursor: z.string().optional().meta({ description: "There are older messages: pass it as cursor to read them." }),
});

/** Which messages of a conversation to read. */
interface MessagePage {
  /** How many at most. */
  readonly limit: number;
  /** The `nextCursor` of the page of newer messages before; undefined for the newest. */
  readonly cursor: string | undefined;
}

const placeSchema = z.tuple([line({ maximum: 100 })]);

/**
 * Reads a conversation of the caller with a page of its messages, as the AI SDK's `useChat` holds them: the newest, or
 * those before a cursor, in their order. A page has no more than `limit` of them, and ends earlier where they are large.
 *
 * @throws ApplicationError `not_found`; `invalid_input` for a cursor that is not one of this conversation, or whose message
 * is gone
 */
export async function readConversation(
  database: UserDatabase,
  id: string,
  { limit, cursor }: MessagePage,
  cursorSettings: CursorSettings,
) {
  const { userId } = database;
  const list = { name: "messages", userId, asked: { conversation: id }, place: placeSchema } as const;
  const before = cursor === undefined ? undefined : readCursor(list, cursor, cursorSettings)[0];
  const ofConversation = isConversation(userId, id);
  const { results } = await database.read((query) => {
    const place = query
      .select({ seq: messages.seq })
      .from(messages)
      .where(and(ofConversation, eq(messages.id, before ?? "")));
    const older: SQL | undefined = before === undefined ? undefined : lt(messages.seq, sql`(${place})`);
    const newest = query
      .select({
        ...getTableColumns(messages),
        newerBytes: sql<number>`sum(pg_column_size(${messages.content})) over (order by ${messages.seq} desc)
          - pg_column_size(${messages.content})`.as("newer_bytes"),
      })
      .from(messages)
      .where(and(ofConversation, older))
      .orderBy(desc(messages.seq))
      .limit(limit)
      .as("newest");
    return [
      query.select(columns).from(conversations).where(isRowOf(userId, id)),
      place,
      query.select().from(newest).where(lte(newest.newerBytes, MOST_BYTES)).orderBy(desc(newest.seq)),
      query.select({ id: messages.id }).from(messages).where(ofConversation).orderBy(asc(messages.seq)).limit(1),
    ];
  });
  const [[row], [place], newest, [first]] = results;
  const conversation = toConversation(found(row, "Conversation"));
  if (before !== undefined && place === undefined) throw strangeCursor();
  const said = newest.reverse();
  const [oldest] = said;
  return {
    ...conversation,
    messages: toUiMessages(said, before === undefined),
    ...(oldest !== undefined &&
      oldest.id !== first?.id && { nextCursor: writeCursor(list, [oldest.id], cursorSettings) }),
  };
}

/**
 * Messages as the AI SDK's `useChat` holds them, from their rows.
 *
 * @param areNewest whether the last of them is the conversation's, whose questions can still be answered
 */
export function toUiMessages(rows: readonly (typeof messages.$inferSelect)[], areNewest: boolean) {
  return rows.map((row, index) => {
    const isLast = areNewest && index === rows.length - 1;
    return toUiMessage(withShortOutputs(toChatMessage(row)), { usage: usageOf(row) }, isLast);
  });
}

/** What a release before this one has kept whole. */
function withShortOutputs(message: ChatMessage): ChatMessage {
  return message.role === "user" ? message : { ...message, events: shortenOutputs(message.events, "completed") };
}
