import { asc, desc, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { decodePlace, encodePlace, type Place, type UnsignedCursors } from "../cursor.ts";
import { taskFields } from "./task-fields.ts";
import { taskIdSchema } from "./task-id.ts";
import { tasks } from "./task-rows.ts";

/** The orders in which tasks can be listed. */
export const taskOrderSchema = z.enum(["due", "priority", "created", "updated", "position"]);
export type TaskOrder = z.output<typeof taskOrderSchema>;

/** As well the order in which agents take tasks that are ready. */
export type ListOrder = TaskOrder | "ready";

interface Order {
  readonly by: SQL[];
  /** A row's place in this order, as JSON. */
  readonly sortKey: SQL<Place>;
  /** The condition that a row comes after a place. */
  readonly after: (place: Place) => SQL;
}

/** A moment in UTC of a year that Postgres has; what is due on a day of 1900 may begin in 1899. */
const momentSchema = z.iso
  .datetime({ offset: true })
  .transform((moment) => new Date(moment).toISOString())
  .refine((moment) => /^(?!0000)\d{4}-/.test(moment));
const dueMomentSchema = z.union([momentSchema, z.literal("infinity")]);
const rankSchema = z.int().min(1).max(taskFields.priority.input.options.length);

/** What a row's place is made of in each order. */
export const placeSchemas = {
  due: z.tuple([dueMomentSchema, taskIdSchema]),
  priority: z.tuple([rankSchema, dueMomentSchema, taskIdSchema]),
  ready: z.tuple([dueMomentSchema, rankSchema, taskIdSchema]),
  created: z.tuple([taskIdSchema]),
  updated: z.tuple([momentSchema, taskIdSchema]),
  position: z.tuple([z.number(), taskIdSchema]),
} satisfies Record<ListOrder, z.ZodType<Place>>;

/**
 * How each order sorts and goes on after a place.
 *
 * @param dueMoment when a task is due, or null
 */
export function taskOrders(dueMoment: SQL): Record<ListOrder, Order> {
  const due = sql`coalesce(${dueMoment}, 'infinity')`;
  const position = sql`coalesce(${tasks.position}, ${tasks.id})`;
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
      after: ([place, moment, id]) =>
        sql`(${rank}, ${due}, ${tasks.id}) > (${place}::integer, ${moment}::timestamptz, ${id}::integer)`,
    },
    ready: {
      by: [asc(due), asc(rank), asc(tasks.id)],
      sortKey: sql`jsonb_build_array(${due}, ${rank}, ${tasks.id})`,
      after: ([moment, place, id]) =>
        sql`(${due}, ${rank}, ${tasks.id}) > (${moment}::timestamptz, ${place}::integer, ${id}::integer)`,
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
    position: {
      by: [asc(position), asc(tasks.id)],
      sortKey: sql`jsonb_build_array(${position}, ${tasks.id})`,
      after: ([place, id]) => sql`(${position}, ${tasks.id}) > (${place}::double precision, ${id}::integer)`,
    },
  };
}

/** The cursors of an order as the release before knows them: the order and the place, JSON in base64url. */
export function unsignedCursors(order: ListOrder): UnsignedCursors {
  return {
    write: (place) => encodePlace([order, ...place]),
    read(cursor) {
      const [first, ...place] = z.array(z.unknown()).catch([]).parse(decodePlace(cursor));
      return first === order ? place : undefined;
    },
  };
}
