import { bigint, boolean, integer, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

// Types only, for queries: the tables themselves, their constraints and policies are made by drizzle/*.sql.

const moment = (name: string) => timestamp(name, { precision: 3, withTimezone: true });

/** A person's chat with the agent; its id is unique to its user. */
export const conversations = pgTable("conversations", {
  userId: integer("user_id").notNull(),
  id: text("id").notNull(),
  title: text("title").notNull(),
  createdAt: moment("created_at").notNull().defaultNow(),
  updatedAt: moment("updated_at").notNull().defaultNow(),
});

/** What a person or the agent said, and for the agent what it did. */
export const messages = pgTable("messages", {
  seq: bigint("seq", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  userId: integer("user_id").notNull(),
  conversationId: text("conversation_id").notNull(),
  id: text("id").notNull(),
  role: text("role", { enum: ["user", "assistant"] }).notNull(),
  content: jsonb("content").$type<unknown>().notNull(),
  /** What the answers that a person's message has taken the place of had done; null for none. */
  replaced: jsonb("replaced").$type<unknown>(),
  outcome: text("outcome", { enum: ["completed", "approval_required", "stopped", "failed"] })
    .notNull()
    .default("completed"),
  rounds: integer("rounds").notNull().default(0),
  inputTokens: integer("input_tokens").notNull().default(0),
  outputTokens: integer("output_tokens").notNull().default(0),
  createdAt: moment("created_at").notNull().defaultNow(),
  updatedAt: moment("updated_at").notNull().defaultNow(),
});

/** A tool call that waits, or waited, for its person's yes. */
export const approvals = pgTable("approvals", {
  id: uuid("id").primaryKey(),
  userId: integer("user_id").notNull(),
  conversationId: text("conversation_id").notNull(),
  messageId: text("message_id").notNull(),
  callId: text("call_id").notNull(),
  /** SHA-256 of the exact call, in hex. */
  callHash: text("call_hash").notNull(),
  createdAt: moment("created_at").notNull().defaultNow(),
  expiresAt: moment("expires_at").notNull(),
  answeredAt: moment("answered_at"),
  approved: boolean("approved"),
});
