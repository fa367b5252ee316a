import { date, doublePrecision, integer, text as textColumn, timestamp } from "drizzle-orm/pg-core";
import * as z from "zod";
import { quote } from "../quote.ts";
import { MOMENT_WEIGHT, weigh } from "../shorten.ts";
import { line, text } from "../text.ts";
import { DUE_RULE, dueSchema, showDue, splitDue } from "./due.ts";
import { optionalField, orNull, setField } from "./field.ts";
import { recurrenceSchema } from "./recurrence.ts";
import { idsThere, idWhereThere, type ReferringRow } from "./references.ts";
import { taskIdSchema } from "./task-id.ts";

const STATUSES = ["pending", "in_progress", "completed", "cancelled"] as const;
const PRIORITIES = ["none", "low", "medium", "high", "urgent"] as const;

/** What a task has at most. */
export const MOST_TAGS = 20;
export const LONGEST_DESCRIPTION = 10_000;

const statusSchema = z.enum(STATUSES);
const prioritySchema = z.enum(PRIORITIES);

const tagsSchema = z
  .array(line({ maximum: 50, isComposed: true }))
  .max(MOST_TAGS)
  .overwrite(withoutRepeats);

/** A filter finds a tag without regard to case: of two that differ only in that the first is kept. */
function withoutRepeats(tags: readonly string[]): string[] {
  const seen = new Set<string>();
  return tags.filter((tag) => seen.size < seen.add(tag.toLowerCase()).size);
}

const SCHEDULED_RULE = "Not before then; as due.";

/** Numbers of an input that need not be whole. */
export const decimals = z.registry<object>();

/** Far from where a double has no room left between two whole numbers. */
const LARGEST_POSITION = 1_000_000_000_000;

const positionSchema = z
  .number()
  .refine((position) => Math.abs(position) <= LARGEST_POSITION, {
    error: `must be a number from -${LARGEST_POSITION} to ${LARGEST_POSITION}`,
  })
  .register(decimals, {});

function weighDue(due: string): number {
  return due.includes("T") ? MOMENT_WEIGHT : 9;
}

/** A column that keeps a moment. */
export const moment = (name: string) => timestamp(name, { precision: 3, withTimezone: true });

/** A moment as Postgres' JSON has it. */
export const keptMoment = z.string().transform((text) => new Date(text));

/** A date, or a moment with the person's offset. */
const shownDue = z.string().optional();

/**
 * What can be said of a task, in the order in which everyone sees it. The tools' inputs and outputs, the rows, what a
 * change is told as and what a list shows come from this table: CODEBASE.md shows how to add a field.
 */
export const taskFields = {
  title: setField(textColumn("title").notNull(), z.string(), {
    input: line({ maximum: 200, isComposed: true }),
    create: "What is to be done, in one line.",
    list: { schema: z.string(), weigh },
  }),
  description: setField(textColumn("description").notNull().default(""), z.string(), {
    input: text({ maximum: LONGEST_DESCRIPTION, isComposed: true }),
    create: "Anything longer, up to 10,000 characters; Markdown is kept.",
    update: "In place of the old one.",
    empty: "",
  }),
  status: setField(textColumn("status", { enum: STATUSES }).notNull().default("pending"), statusSchema, {
    input: statusSchema,
    create: "pending unless it has been started or done already.",
    update: "pending reopens a finished task.",
    list: { schema: statusSchema, weigh: () => 0 },
  }),
  priority: setField(textColumn("priority", { enum: PRIORITIES }).notNull().default("none"), prioritySchema, {
    input: prioritySchema,
    create: "none unless the person said how much it matters.",
    empty: "none",
    line: (priority) => `${priority} priority`,
    list: { schema: prioritySchema.optional(), weigh: () => 4 },
  }),
  due: {
    columns: { dueDate: date("due_date", { mode: "string" }), dueAt: moment("due_at") },
    keptColumns: { dueDate: z.string().nullable(), dueAt: keptMoment.nullable() },
    read: ({ dueDate, dueAt }: { dueDate: string | null; dueAt: Date | null }, timeZone: string) =>
      showDue({ day: dueDate, moment: dueAt }, timeZone),
    write: (due: string | null) => {
      const { day, moment } = splitDue(due);
      return { dueDate: day, dueAt: moment };
    },
    output: shownDue,
    input: dueSchema,
    create: DUE_RULE,
    update: "A date or a date-time.",
    empty: null,
    line: (due: string) => `due ${due}`,
    list: { schema: shownDue, weigh: weighDue },
  },
  scheduled: {
    columns: { scheduledDate: date("scheduled_date", { mode: "string" }), scheduledAt: moment("scheduled_at") },
    keptColumns: {
      scheduledDate: z.string().nullish().transform(orNull),
      scheduledAt: keptMoment.nullish().transform(orNull),
    },
    read: (
      { scheduledDate, scheduledAt }: { scheduledDate: string | null; scheduledAt: Date | null },
      timeZone: string,
    ) => showDue({ day: scheduledDate, moment: scheduledAt }, timeZone),
    write: (scheduled: string | null) => {
      const { day, moment } = splitDue(scheduled);
      return { scheduledDate: day, scheduledAt: moment };
    },
    output: shownDue,
    input: dueSchema,
    create: SCHEDULED_RULE,
    update: SCHEDULED_RULE,
    empty: null,
    line: (scheduled: string) => `scheduled ${scheduled}`,
    list: { schema: shownDue, weigh: weighDue },
  },
  estimate_minutes: optionalField(integer("estimate_minutes"), z.int(), {
    input: z.int().min(1).max(100_000),
    create: "How long it takes.",
    line: (minutes) => `${minutes} min`,
    list: { schema: z.int().optional(), weigh: () => 8 },
  }),
  parent_id: {
    ...optionalField(integer("parent_id"), z.int(), {
      input: taskIdSchema,
      create: "The task that it is a subtask of.",
      update: "Another parent.",
      line: (parent) => `subtask of #${parent}`,
      list: { schema: z.int().optional(), weigh: () => 8 },
    }),
    read: (row: ReferringRow & { readonly parent_id: number | null }) => idWhereThere(row.parent_id, row),
  },
  blocked_by: {
    ...setField(integer("blocked_by").array().notNull().default([]), z.array(z.int()), {
      input: z
        .array(taskIdSchema.meta({ description: undefined }))
        .max(20)
        .overwrite((ids) => [...new Set(ids)]),
      create: "Tasks that must be finished first.",
      update: "In place of the old ones.",
      empty: [],
    }),
    output: z.array(z.int()).optional(),
    read: (row: ReferringRow & { readonly blocked_by: readonly number[] }) => idsThere(row.blocked_by, row),
  },
  discovered_from: {
    ...optionalField(integer("discovered_from"), z.int(), {
      input: taskIdSchema.meta({ description: undefined }),
      create: "The task during which it was found.",
    }),
    read: (row: ReferringRow & { readonly discovered_from: number | null }) => idWhereThere(row.discovered_from, row),
  },
  position: optionalField(doublePrecision("position"), z.number(), {
    input: positionSchema,
    create: "Its place in manual order.",
    update: "Between those of two tasks to stand between them.",
    line: (position) => `position ${position}`,
    list: { schema: z.number().optional(), weigh: () => 13 },
  }),
  recurrence: optionalField(textColumn("recurrence"), z.string(), {
    input: recurrenceSchema,
    create: "RRULE: FREQ=WEEKLY;INTERVAL=2;BYDAY=TU is every 2nd Tuesday.",
    update: "New RRULE, from due on.",
  }),
  recurrence_from: {
    column: textColumn("recurrence_from"),
    kept: z.string().nullish().transform(orNull),
    write: (from: "due" | "completion") => ({ recurrence_from: from === "completion" ? from : null }),
    output: z.string().optional(),
    input: z.enum(["due", "completion"]),
    create: "Counted from when it is due, or done.",
    update: "With recurrence.",
  },
  tags: setField(textColumn("tags").array().notNull().default([]), z.array(z.string()), {
    input: tagsSchema,
    create: "Words to find it by, such as groceries.",
    update: "In place of all the old ones.",
    empty: [],
    line: (tags) => `tags ${tags.map(quote).join(", ")}`,
    list: {
      schema: z.array(z.string()).optional(),
      weigh: (tags) => tags.reduce((sum, tag) => sum + 1 + weigh(tag), 3),
    },
  }),
};
