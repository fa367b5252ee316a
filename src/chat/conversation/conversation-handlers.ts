import * as z from "zod";
import { toCallerRecord } from "../../caller.ts";
import { cursorSchema } from "../../cursor.ts";
import { notFound } from "../../errors.ts";
import type { ApplicationContext } from "../../http/application.ts";
import { readJsonBody } from "../../http/json-body.ts";
import { parseInput } from "../../input.ts";
import { line } from "../../text.ts";
import { conversationStub, reached } from "./conversation-stub.ts";
import { conversationIdSchema } from "./message-request.ts";
import { readConversation } from "./read-conversation.ts";
import { deleteConversation, listConversations, renameConversation } from "./stored-conversations.ts";

/** The query of a list of conversations. */
export const listSchema = pageSchema({ usual: 30, largest: 100 });

/** The query of a conversation with its messages. */
export const messagesSchema = pageSchema({ usual: 200, largest: 500 });

/** The body that renames a conversation. */
export const renameSchema = z.strictObject({ title: line({ maximum: 100 }) });

/** Answers with a page of the caller's conversations. */
export async function answerList(context: ApplicationContext): Promise<Response> {
  const { userDatabase, configuration } = context.var;
  const { limit, cursor } = parseInput(listSchema, context.req.query());
  const { conversations, nextCursor } = await listConversations(userDatabase, { limit, cursor }, configuration);
  return context.json({ conversations, ...(nextCursor !== undefined && { next_cursor: nextCursor }) });
}

/** Answers with a conversation and a page of its messages. */
export async function answerConversation(context: ApplicationContext, text: string): Promise<Response> {
  const { userDatabase, configuration } = context.var;
  const id = readId(text);
  const { limit, cursor } = parseInput(messagesSchema, context.req.query());
  const { nextCursor, ...conversation } = await readConversation(userDatabase, id, { limit, cursor }, configuration);
  return context.json({ ...conversation, ...(nextCursor !== undefined && { next_cursor: nextCursor }) });
}

/** Renames a conversation, and answers with it. */
export async function answerRename(context: ApplicationContext, id: string): Promise<Response> {
  const { title } = parseInput(renameSchema, await readJsonBody(context));
  return context.json(await renameConversation(context.var.userDatabase, readId(id), title));
}

/** Stops the agent of a conversation, and deletes it. */
export async function answerDelete(context: ApplicationContext, text: string): Promise<Response> {
  const { userDatabase } = context.var;
  const id = readId(text);
  // The object stops and drops turns before it asks the database anything, and what it drops is lost.
  await userDatabase.checkCredential("now");
  await reached(conversationStub(context, id).drop(toCallerRecord(context.var.caller)));
  await deleteConversation(userDatabase, id);
  return context.body(null, 204);
}

function pageSchema({ usual, largest }: { readonly usual: number; readonly largest: number }) {
  return z.strictObject({
    limit: z.coerce
      .number()
      .refine((limit) => Number.isInteger(limit) && limit >= 1 && limit <= largest, {
        error: `must be a whole number from 1 to ${largest}`,
      })
      .meta({ type: "integer", minimum: 1, maximum: largest })
      .default(usual),
    cursor: cursorSchema.optional(),
  });
}

/** @throws ApplicationError `not_found` for what is no conversation's id */
function readId(text: string): string {
  const id = conversationIdSchema.safeParse(text).data;
  if (id === undefined) throw notFound("Conversation");
  return id;
}
