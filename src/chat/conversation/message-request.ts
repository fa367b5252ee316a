import { createHash } from "node:crypto";
import * as z from "zod";
import { ApplicationError, refusedField } from "../../errors.ts";
import { parseInput } from "../../input.ts";
import { line, text } from "../../text.ts";
import { MOST_IMAGES, readImages, type SentFile, TAKEN_IMAGES, textWithImages } from "./message-images.ts";
import type { TurnRequest } from "./run-turn.ts";

const LONGEST_MESSAGE = 10_000;
const MOST_ANSWERS = 1_000;

/** A conversation's id, chosen by the client or by us. */
export const conversationIdSchema = z
  .string()
  .regex(/^[\w~:.-]{1,100}$/, { error: "must be 1 to 100 letters, digits or _ ~ : . -" });

const messageSchema = text({ minimum: 1, maximum: LONGEST_MESSAGE }).refine((value) => value.trim() !== "", {
  error: "must say something",
});

const messageIdSchema = line({ maximum: 100 });

const answerSchema = z.strictObject({
  id: z.uuid({ error: "must be the id of an approval_required" }),
  approved: z.boolean(),
});

/** The body of `POST /chat`. */
export const chatSchema = z.strictObject({
  user_id: z.int().optional(),
  message: messageSchema.optional(),
  images: z
    .array(z.string())
    .min(1)
    .max(MOST_IMAGES)
    .optional()
    .meta({ description: `Beside message or in place of it: ${TAKEN_IMAGES}.` }),
  message_id: messageIdSchema
    .optional()
    .meta({ description: "The same message with it again gets the answer that it has." }),
  conversation_id: conversationIdSchema.optional(),
  approval: z
    .union([answerSchema, z.array(answerSchema).min(1).max(MOST_ANSWERS)], {
      error: 'must be {"id", "approved": true or false} with an id of approval_required, or a list of these',
    })
    .optional(),
});

/** What a request asks of which conversation. */
export type ChatRequest = Pick<TurnRequest, "conversationId" | "what">;

/**
 * Reads the body of `POST /chat`.
 *
 * @param key the Idempotency-Key, which counts as the `message_id`; an answer to a question has no need of one
 * @throws ApplicationError `invalid_input`; `forbidden` for another user's `user_id`
 */
export function readChatRequest(body: unknown, userId: number, key: string | undefined): ChatRequest {
  const { user_id, message, images: urls = [], message_id, ...rest } = parseInput(chatSchema, body);
  const { conversation_id: conversationId, approval } = rest;
  if (user_id !== undefined && user_id !== userId) {
    throw new ApplicationError("forbidden", "user_id is not yours; leave it out.");
  }
  if (approval !== undefined) {
    if (message !== undefined)
      throw refusedField("invalid_input", "approval", "cannot stand beside message; send one of the two");
    if (urls.length > 0)
      throw refusedField("invalid_input", "images", "cannot stand beside approval; send one of the two");
    if (message_id !== undefined)
      throw refusedField("invalid_input", "message_id", "cannot stand beside approval; leave it out");
    if (conversationId === undefined)
      throw refusedField("invalid_input", "conversation_id", "is required with approval");
    return { conversationId, what: { type: "approval", answers: readAnswers("approval", [approval].flat()) } };
  }
  if (message === undefined && urls.length === 0) throw refusedField("invalid_input", "message", "is required");
  if (message_id !== undefined && key !== undefined && message_id !== key) {
    throw refusedField("invalid_input", "message_id", "differs from the Idempotency-Key header; send one of the two");
  }
  const images = readImages(
    "images",
    urls.map((url, index) => ({ name: `images.${index}`, url })),
  );
  const givenId = message_id ?? key;
  const id = givenId ?? crypto.randomUUID();
  return {
    conversationId: conversationId ?? conversationBegunBy(id),
    what: {
      type: "message",
      id,
      text: textWithImages(message ?? "", images),
      images,
      mayBegin: conversationId === undefined,
      isKey: givenId !== undefined,
    },
  };
}

/** The id of the conversation that a message begins: the same where it is sent again, or it would begin another. */
function conversationBegunBy(messageId: string): string {
  const hash = createHash("sha256").update(`conversation begun by ${messageId}`).digest("hex");
  // As a UUID of our own making (RFC 9562 section 5.8).
  return hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-8$3-8$4-$5");
}

/** What `useChat` sends as `trigger` to have a message answered anew. */
const REGENERATE = "regenerate-message";

/** The body of `POST /api/chat`, as `useChat` sends it. */
export const uiChatSchema = z.object({
  id: conversationIdSchema,
  messages: z.array(z.unknown()).min(1),
  trigger: z
    .string()
    .max(100)
    .optional()
    .meta({ description: `\`${REGENERATE}\` has the last message answered anew.` }),
  /** The message that is to be replaced, where one is. */
  messageId: text({ maximum: 100 }).nullish(),
});

const partSchema = z.looseObject({ type: z.string() });
const uiMessageSchema = z.object({
  id: messageIdSchema,
  role: z.enum(["user", "assistant"]),
  parts: z.array(partSchema).max(1000),
});

const textPartSchema = z.object({ type: z.literal("text"), text: z.string() });
const filePartSchema = z.object({
  filename: z.string().min(1).optional().catch(undefined),
  mediaType: z.string().optional().catch(undefined),
  url: z.string().optional().catch(undefined),
});
const respondedPartSchema = z.object({
  toolCallId: z.string(),
  state: z.literal("approval-responded"),
  approval: z.object({ id: z.uuid(), approved: z.boolean() }),
});

/**
 * Reads the body of `POST /api/chat` as the AI SDK's `useChat` sends it. Of all it sends only this counts: the last
 * message's id and text where it is the person's, and the answers to questions where it is the agent's. The rest of
 * the conversation is what the server has stored.
 *
 * @throws ApplicationError `invalid_input`
 */
export function readUiChatRequest(body: unknown): ChatRequest {
  const { id: conversationId, messages, trigger, messageId } = parseInput(uiChatSchema, body);
  const message = parseInput(z.object({ messages: z.tuple([uiMessageSchema]) }), { messages: messages.slice(-1) })
    .messages[0];
  if (message.role === "assistant") {
    const answers = message.parts.flatMap((part) => {
      const responded = respondedPartSchema.safeParse(part).data;
      return responded === undefined ? [] : [{ id: responded.approval.id, approved: responded.approval.approved }];
    });
    if (answers.length === 0) {
      throw refusedField(
        "invalid_input",
        "messages",
        "must end with a message of the person, or with answers to what the agent asked",
      );
    }
    return {
      conversationId,
      what: { type: "approval", answers: readAnswers("messages", answers).slice(0, MOST_ANSWERS) },
    };
  }
  const images = readImages("messages", message.parts.filter(isFile).map(readFilePart));
  const text = message.parts.flatMap((part) => textPartSchema.safeParse(part).data?.text ?? []).join("\n");
  if (images.length === 0 || text.trim() !== "") parseInput(z.object({ text: messageSchema }), { text });
  return {
    conversationId,
    what: {
      type: "message",
      id: message.id,
      text: textWithImages(text, images),
      images,
      mayBegin: true,
      isAnew: trigger === REGENERATE,
      replaces: messageId ?? undefined,
    },
  };
}

type Part = z.output<typeof partSchema>;

/** Whether a part of a person's message counts as a file: one of a type that is not known is refused by its name then. */
function isFile({ type }: Part): boolean {
  // What a page keeps for itself is no part of what was said.
  return type !== "text" && type !== "step-start" && !type.startsWith("data-");
}

function readFilePart({ type, ...part }: Part): SentFile {
  if (type !== "file") return { name: `part of type ${type}` };
  const { filename, mediaType, url } = filePartSchema.parse(part);
  return { name: filename ?? mediaType ?? "a file without a name", mediaType, url };
}

type Answer = z.output<typeof answerSchema>;

/** @throws ApplicationError `invalid_input` where a question is answered with both yes and no */
function readAnswers(field: string, answers: readonly Answer[]): readonly Answer[] {
  const known = new Map<string, boolean>();
  for (const { id, approved } of answers) {
    const key = id.toLowerCase();
    if ((known.get(key) ?? approved) !== approved)
      throw refusedField("invalid_input", field, "must not answer one question with yes and no");
    known.set(key, approved);
  }
  return answers;
}
