import { sql } from "drizzle-orm";
import { bigint, boolean, integer, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

// Types only, for queries: the tables themselves, their constraints and policies are made by drizzle/*.sql. That of the
// tasks is made of the table of their fields, src/tasks/task-rows.ts.

const moment = (name: string) => timestamp(name, { precision: 3, withTimezone: true });

/** The account of a person. The worker's role may not select the password's hash, so it is not here. */
export const users = pgTable("users", {
  id: integer("id").primaryKey().generatedAlwaysAsIdentity(),
  email: text("email").notNull(),
  name: text("name").notNull(),
  timeZone: text("time_zone").notNull().default("UTC"),
  weekStart: text("week_start").notNull().default("monday"),
  signedOutAt: moment("signed_out_at"),
  latestSignInAt: moment("latest_sign_in_at"),
  lastTaskId: integer("last_task_id").notNull().default(0),
  taskCount: integer("task_count").notNull().default(0),
  lastChange: bigint("last_change", { mode: "number" }).notNull().default(0),
  logBaseline: bigint("log_baseline", { mode: "number" }).notNull().default(0),
  signUpKey: uuid("sign_up_key"),
  createdAt: moment("created_at").notNull().defaultNow(),
  updatedAt: moment("updated_at").notNull().defaultNow(),
});

/** Tokens signed out before they expired. */
export const revokedTokens = pgTable("revoked_tokens", {
  tokenId: uuid("token_id").primaryKey(),
  userId: integer("user_id").notNull(),
  expiresAt: moment("expires_at").notNull(),
});

/** A token that a person has made for what acts for them; deleting it cuts it off. `scopes` is null for everything. */
export const personalTokens = pgTable("personal_tokens", {
  userId: integer("user_id").notNull(),
  id: uuid("id").notNull(),
  name: text("name").notNull(),
  scopes: text("scopes").array(),
  createdAt: moment("created_at").notNull().defaultNow(),
  expiresAt: moment("expires_at"),
  lastUsedAt: moment("last_used_at"),
  lastClient: text("last_client"),
});

/** What a person has allowed an OAuth client; deleting it cuts it off. The worker's role may not select its record. */
export const oauthGrants = pgTable("oauth_grants", {
  userId: integer("user_id").notNull(),
  id: text("id").notNull(),
  clientId: text("client_id").notNull(),
  clientName: text("client_name").notNull(),
  clientHost: text("client_host"),
  redirectHost: text("redirect_host"),
  scopes: text("scopes").array().notNull(),
  createdAt: moment("created_at").notNull().defaultNow(),
  expiresAt: moment("expires_at"),
  lastUsedAt: moment("last_used_at"),
  lastClient: text("last_client"),
  isExchanged: boolean("is_exchanged").notNull().generatedAlwaysAs(sql`(record ->> 'authCodeId') is null`),
});

/** A call that wrote, by its key: a repeat of it finds here what it came to. */
export const idempotencyKeys = pgTable("idempotency_keys", {
  userId: integer("user_id").notNull(),
  key: text("key").notNull(),
  tool: text("tool").notNull(),
  inputHash: text("input_hash"),
  change: bigint("change", { mode: "number" }),
  outcome: jsonb("outcome").$type<unknown>().notNull().default([]),
  /** What a call about several tasks has not changed, and why; null of every other. */
  refused: jsonb("refused").$type<unknown>(),
  createdAt: moment("created_at").notNull().defaultNow(),
});

/** A call that changed tasks, by its user's number; a trigger writes it. */
export const changes = pgTable("changes", {
  userId: integer("user_id").notNull(),
  change: bigint("change", { mode: "number" }).notNull(),
  at: moment("at").notNull().default(sql`clock_timestamp()`),
  tool: text("tool"),
  via: text("via").notNull(),
  client: text("client"),
  credentialKind: text("credential_kind"),
  credentialId: text("credential_id"),
  requestId: text("request_id"),
  note: text("note"),
  undoes: bigint("undoes", { mode: "number" }),
  /** One of the claims that it overrode, as a release before wrote it: task_changes says it of each task. */
  overrode: bigint("overrode", { mode: "number" }),
});

/** What a call did to a task; a trigger writes it. */
export const taskChanges = pgTable("task_changes", {
  userId: integer("user_id").notNull(),
  change: bigint("change", { mode: "number" }).notNull(),
  taskId: integer("task_id").notNull(),
  operation: text("operation", { enum: ["baseline", "insert", "update", "delete", "restore"] }).notNull(),
  before: jsonb("before").$type<unknown>(),
  after: jsonb("after").$type<unknown>(),
  overrode: bigint("overrode", { mode: "number" }),
});

/** An MCP session that a person has opened, and when it was used last, as far as it has been asked. */
export const mcpSessions = pgTable("mcp_sessions", {
  userId: integer("user_id").notNull(),
  objectId: text("object_id").notNull(),
  usedAt: moment("used_at").notNull().defaultNow(),
});
