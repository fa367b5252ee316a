import * as z from "zod";
import { tasks } from "../database/schema.ts";
import { showMoment } from "../moment.ts";
import { line, text } from "../text.ts";
import { fromDueColumns } from "./due.ts";

/** The largest id that Postgres' integer holds. */
const MAXIMUM_ID = 2_147_483_647;

/** How a text may name a value of a schema: after the sign that people write before it. */
export const signs = z.registry<{ readonly sign: string }>();

export const taskIdSchema = z
  .number()
  .refine((id) => Number.isInteger(id) && id >= 1 && id <= MAXIMUM_ID, {
    error: `must be a whole number from 1 to ${MAXIMUM_ID}`,
  })
  .meta({ type: "integer", minimum: 1, maximum: MAXIMUM_ID, description: "The task's id." })
  .register(signs, { sign: "#" });

export const statusSchema = z.enum(tasks.status.enumValues);
export const prioritySchema = z.enum(tasks.priority.enumValues);
export const titleSchema = line({ maximum: 200, isComposed: true });
export const descriptionSchema = text({ maximum: 10_000, isComposed: true });
export const idempotencyKeySchema = line({ maximum: 100 });
export const tagsSchema = z
  .array(line({ maximum: 50, isComposed: true }))
  .max(20)
  .overwrite((tags) => [...new Set(tags)]);

/** A moment as the person's clock shows it, with its offset (RFC 3339). */
export const momentSchema = z.iso.datetime({ offset: true });

/** A task as everyone outside sees it; a field that is not set is absent. */
export const taskSchema = z.strictObject({
  id: taskIdSchema,
  title: z.string(),
  description: z.string(),
  status: statusSchema,
  priority: prioritySchema,
  due: z.string().optional().describe("A date, or a moment with the person's offset."),
  tags: z.array(z.string()),
  version: z.int().min(1).describe("Grows with every change."),
  created_at: momentSchema,
  updated_at: momentSchema,
  completed_at: momentSchema.optional(),
});

export type Task = z.output<typeof taskSchema>;

/** The columns a `Task` is read from. */
export const taskColumns = {
  id: tasks.id,
  title: tasks.title,
  description: tasks.description,
  status: tasks.status,
  priority: tasks.priority,
  dueDate: tasks.dueDate,
  dueAt: tasks.dueAt,
  tags: tasks.tags,
  version: tasks.version,
  createdAt: tasks.createdAt,
  updatedAt: tasks.updatedAt,
  completedAt: tasks.completedAt,
};

type TaskRow = Pick<typeof tasks.$inferSelect, keyof typeof taskColumns>;

const moment = z.string().transform((text) => new Date(text));

/** A row as Postgres' `to_jsonb` writes it, and the release before or after this one has kept it. */
export const taskRowSchema = z
  .object({
    id: z.int(),
    title: z.string(),
    description: z.string(),
    status: statusSchema,
    priority: prioritySchema,
    due_date: z.string().nullable(),
    due_at: moment.nullable(),
    tags: z.array(z.string()),
    version: z.int(),
    created_at: moment,
    updated_at: moment,
    completed_at: moment.nullable(),
  })
  .transform(
    ({
      due_date: dueDate,
      due_at: dueAt,
      created_at: createdAt,
      updated_at: updatedAt,
      completed_at: completedAt,
      ...row
    }): TaskRow => ({
      ...row,
      dueDate,
      dueAt,
      createdAt,
      updatedAt,
      completedAt,
    }),
  );

/**
 * Turns a row into the task that everyone outside sees.
 *
 * @param timeZone the person's, in which moments are shown
 */
export function toTask(row: TaskRow, timeZone: string): Task {
  const due = fromDueColumns(row, timeZone);
  const show = (moment: Date) => showMoment(moment, timeZone);
  return {
    id: row.id,
    title: row.title,
    description: row.description,
    status: row.status,
    priority: row.priority,
    ...(due !== undefined && { due }),
    tags: row.tags,
    version: row.version,
    created_at: show(row.createdAt),
    updated_at: show(row.updatedAt),
    ...(row.completedAt !== null && { completed_at: show(row.completedAt) }),
  };
}
