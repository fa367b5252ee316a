import { getTableColumns, sql } from "drizzle-orm";
import { bigint, integer, pgTable, smallint, text, uuid } from "drizzle-orm/pg-core";
import * as z from "zod";
import { orNull } from "./field.ts";
import { pluck } from "./field-table.ts";
import { type ReferringRow, references, referencesSchema } from "./references.ts";
import { keptMoment, moment, taskFields } from "./task-fields.ts";

/**
 * A task, numbered for its user. What is searched (`searched_…`) the database keeps by itself. For queries only, as
 * those of src/database/schema.ts: the table itself, its constraints and policies are made by drizzle/*.sql.
 */
export const tasks = pgTable("tasks", {
  id: integer("id").notNull().generatedAlwaysAsIdentity(),
  userId: integer("user_id").notNull(),
  ...pluck(taskFields, "column"),
  ...taskFields.due.columns,
  ...taskFields.scheduled.columns,
  series: uuid("series"),
  seriesStart: text("series_start"),
  occurrence: integer("occurrence"),
  occursAt: text("occurs_at"),
  idempotencyKey: text("idempotency_key"),
  version: integer("version").notNull().default(1),
  createdAt: moment("created_at").notNull().defaultNow(),
  updatedAt: moment("updated_at").notNull().defaultNow(),
  completedAt: moment("completed_at"),
  createdBy: text("created_by"),
  changedBy: text("changed_by"),
  deletedAt: moment("deleted_at"),
  lastChange: bigint("last_change", { mode: "number" }).notNull().default(0),
  claim: bigint("claim", { mode: "number" }),
  claimedUntil: moment("claimed_until"),
  claimedBy: text("claimed_by"),
  claimLapses: smallint("claim_lapses").notNull().default(0),
  searchedText: text("searched_text"),
  searchedTags: text("searched_tags").array(),
});

const {
  userId: _user,
  idempotencyKey: _key,
  searchedText: _text,
  searchedTags: _tags,
  deletedAt: _deletedAt,
  lastChange: _lastChange,
  ...columns
} = getTableColumns(tasks);

/** The columns a `Task` is read from. */
export const taskColumns = columns;

/** Whether a task's claim has lapsed and that was not counted yet, by the database's clock. */
export const isClaimLapsed = sql<boolean>`coalesce(${tasks.claimedUntil} <= claim_clock(), false)`.as(
  "is_claim_lapsed",
);

/** What a task is read with beside its columns. */
export const computedColumns = { isClaimLapsed, references };

export type TaskRow = Pick<typeof tasks.$inferSelect, keyof typeof taskColumns> &
  ReferringRow & {
    /** As `isClaimLapsed`; absent of a task as a call left it, which had that counted. */
    readonly isClaimLapsed?: boolean;
  };

/** A row as Postgres' `to_jsonb` writes it, and the release before or after this one has kept it. */
export const taskRowSchema = z
  .record(z.string(), z.unknown())
  .transform((json) => {
    const known = Object.entries(taskColumns).map(([key, { name }]): [string, unknown] => [key, json[name]]);
    return Object.fromEntries([...known, ["references", json.references]]);
  })
  .pipe(
    z.object({
      id: z.int(),
      ...pluck(taskFields, "kept"),
      ...taskFields.due.keptColumns,
      ...taskFields.scheduled.keptColumns,
      series: z.string().nullish().transform(orNull),
      seriesStart: z.string().nullish().transform(orNull),
      occurrence: z.int().nullish().transform(orNull),
      occursAt: z.string().nullish().transform(orNull),
      version: z.int(),
      createdAt: keptMoment,
      updatedAt: keptMoment,
      completedAt: keptMoment.nullable(),
      // What the release before has kept lacks them.
      createdBy: z.string().nullish().transform(orNull),
      changedBy: z.string().nullish().transform(orNull),
      claim: z.int().nullish().transform(orNull),
      claimedUntil: keptMoment.nullish().transform(orNull),
      claimedBy: z.string().nullish().transform(orNull),
      claimLapses: z.int().default(0),
      references: referencesSchema.nullish(),
    }),
  );
