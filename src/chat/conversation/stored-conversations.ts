import { and, desc, eq, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { type CursorSettings, readCursor, type UnsignedCursors, writeCursor } from "../../cursor.ts";
import { conversations } from "../../database/chat-schema.ts";
import type { UserDatabase } from "../../database/user-database.ts";
import { found } from "../../errors.ts";
import { conversationIdSchema } from "./message-request.ts";
import { isRowOf } from "./rows.ts";

/** The columns of a conversation that are told. */
export const columns = {
  id: conversations.id,
  title: conversations.title,
  createdAt: conversations.createdAt,
  updatedAt: conversations.updatedAt,
};

type ConversationRow = { [Column in keyof typeof columns]: (typeof conversations.$inferSelect)[Column] };

/** A conversation without its messages. */
export const conversationSchema = z.object({
  id: z.string(),
  title: z.string(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});

/** A conversation without its messages. */
export type Conversation = Readonly<z.output<typeof conversationSchema>>;

/** As we write them: Postgres reads no more than 128 characters of a moment, and knows no year 0. */
const momentSchema = z.iso.datetime({ precision: 3 }).refine((moment) => !moment.startsWith("0000"));
const placeSchema = z.tuple([momentSchema, conversationIdSchema]);

/** The cursors of the release before: `<updated_at>_<id>`. */
const unsigned: UnsignedCursors = {
  write: (place) => place.join("_"),
  read(cursor) {
    const end = cursor.indexOf("_");
    return [cursor.slice(0, end), cursor.slice(end + 1)];
  },
};

/** Which conversations to list. */
interface ConversationFilter {
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor: string | undefined;
}

/**
 * Lists conversations of the caller, the one that changed last first.
 *
 * @throws ApplicationError `invalid_input` for a cursor that is not one of this list
 */
export async function listConversations(
  database: UserDatabase,
  { limit, cursor }: ConversationFilter,
  cursorSettings: CursorSettings,
): Promise<{ conversations: Conversation[]; nextCursor?: string }> {
  const { userId } = database;
  const list = { name: "conversations", userId, asked: {}, place: placeSchema, unsigned } as const;
  const after = cursor === undefined ? undefined : isAfter(readCursor(list, cursor, cursorSettings));
  const {
    results: [rows],
  } = await database.read((query) => [
    query
      .select(columns)
      .from(conversations)
      .where(and(eq(conversations.userId, userId), after))
      .orderBy(desc(conversations.updatedAt), desc(conversations.id))
      .limit(limit + 1),
  ]);
  const page = rows.slice(0, limit).map(toConversation);
  const last = page.at(-1);
  return {
    conversations: page,
    ...(rows.length > limit &&
      last !== undefined && { nextCursor: writeCursor(list, [last.updated_at, last.id], cursorSettings) }),
  };
}

/** @throws ApplicationError `not_found` */
export async function renameConversation(database: UserDatabase, id: string, title: string): Promise<Conversation> {
  const { results } = await database.write("rename_conversation", (query) => [
    query.update(conversations).set({ title }).where(isRowOf(database.userId, id)).returning(columns),
  ]);
  const [rows] =
    results ??
    (await database.read((query) => [query.select(columns).from(conversations).where(isRowOf(database.userId, id))]))
      .results;
  return toConversation(found(rows[0], "Conversation"));
}

/**
 * Deletes a conversation with all that was said in it; the tasks stay.
 *
 * @throws ApplicationError `not_found`
 */
export async function deleteConversation(database: UserDatabase, id: string): Promise<void> {
  const { results } = await database.write("delete_conversation", (query) => [
    query.delete(conversations).where(isRowOf(database.userId, id)).returning({ id: conversations.id }),
  ]);
  if (results !== undefined) found(results[0][0], "Conversation");
}

function isAfter([updatedAt, id]: z.output<typeof placeSchema>): SQL {
  return sql`(${conversations.updatedAt}, ${conversations.id}) < (${updatedAt}::timestamptz, ${id})`;
}

/** A conversation as it is told, from its row. */
export function toConversation({ id, title, createdAt, updatedAt }: ConversationRow): Conversation {
  return { id, title, created_at: createdAt.toISOString(), updated_at: updatedAt.toISOString() };
}
