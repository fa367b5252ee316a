import { asc, desc, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { ApplicationError } from "../errors.ts";
import { parseJson } from "../json.ts";
import { taskIdSchema } from "./task.ts";
import { taskFields } from "./task-fields.ts";
import { tasks } from "./task-rows.ts";

/** The orders in which tasks can be listed. */
export const taskOrderSchema = z.enum(["due", "priority", "created", "updated"]);
export type TaskOrder = z.output<typeof taskOrderSchema>;

type SortKey = readonly (string | number)[];

interface Order {
  readonly by: SQL[];
  /** A row's place in this order, as JSON. */
  readonly sortKey: SQL<SortKey>;
  /** The condition that a row comes after a place. */
  readonly after: (key: SortKey) => SQL;
}

/** A moment in UTC of a year that Postgres has; what is due on a day of 1900 may begin in 1899. */
const momentSchema = z.iso
  .datetime({ offset: true })
  .transform((moment) => new Date(moment).toISOString())
  .refine((moment) => /^(?!0000)\d{4}-/.test(moment));
const dueMomentSchema = z.union([momentSchema, z.literal("infinity")]);
const rankSchema = z.int().min(1).max(taskFields.priority.input.options.length);

const sortKeySchemas = {
  due: z.tuple([dueMomentSchema, taskIdSchema]),
  priority: z.tuple([rankSchema, dueMomentSchema, taskIdSchema]),
  created: z.tuple([taskIdSchema]),
  updated: z.tuple([momentSchema, taskIdSchema]),
} satisfies Record<TaskOrder, z.ZodType<SortKey>>;

/**
 * How each order sorts and goes on after a place.
 *
 * @param dueMoment when a task is due, or null
 */
export function taskOrders(dueMoment: SQL): Record<TaskOrder, Order> {
  const due = sql`coalesce(${dueMoment}, 'infinity')`;
  const rank = sql`array_position(array['urgent', 'high', 'medium', 'low', 'none'], ${tasks.priority})`;
  return {
    due: {
      by: [asc(due), asc(tasks.id)],
      sortKey: sql`jsonb_build_array(${due}, ${tasks.id})`,
      after: ([moment, id]) => sql`(${due}, ${tasks.id}) > (${moment}::timestamptz, ${id}::integer)`,
    },
    priority: {
      by: [asc(rank), asc(due), asc(tasks.id)],
      sortKey: sql`jsonb_build_array(${rank}, ${due}, ${tasks.id})`,
      after: ([position, moment, id]) =>
        sql`(${rank}, ${due}, ${tasks.id}) > (${position}::integer, ${moment}::timestamptz, ${id}::integer)`,
    },
    created: {
      by: [desc(tasks.id)],
      sortKey: sql`jsonb_build_array(${tasks.id})`,
      after: ([id]) => sql`${tasks.id} < ${id}::integer`,
    },
    updated: {
      by: [desc(tasks.updatedAt), desc(tasks.id)],
      sortKey: sql`jsonb_build_array(${tasks.updatedAt}, ${tasks.id})`,
      after: ([moment, id]) => sql`(${tasks.updatedAt}, ${tasks.id}) < (${moment}::timestamptz, ${id}::integer)`,
    },
  };
}

/** An opaque text from which the next page of an order goes on. */
export function encodeCursor(order: TaskOrder, sortKey: SortKey): string {
  return btoa(JSON.stringify([order, ...sortKey]))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** @throws ApplicationError `invalid_input` for a text that `encodeCursor` has not made for this order */
export function decodeCursor(order: TaskOrder, cursor: string): SortKey {
  const parsed = z
    .tuple([z.literal(order)])
    .rest(z.unknown())
    .safeParse(parseBase64UrlJson(cursor));
  const key = parsed.success ? sortKeySchemas[order].safeParse(parsed.data.slice(1)) : undefined;
  if (key?.success) return key.data;
  const message = `must be the next_cursor of a list with the order ${order}`;
  throw new ApplicationError("invalid_input", `cursor ${message}`, { fields: [{ field: "cursor", message }] });
}

function parseBase64UrlJson(encoded: string): unknown {
  try {
    return parseJson(atob(encoded.replaceAll("-", "+").replaceAll("_", "/")), "cursor");
  } catch {
    return undefined;
  }
}
