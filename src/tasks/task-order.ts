import { asc, desc, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
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

/** A part of an order in which an index has tasks of one state. */
export interface Stream {
  /** Which tasks stand in it, beside those of a state; all where undefined. */
  readonly which?: SQL;
  readonly by: SQL[];
  /** The condition that a row of it comes after a place of the order. */
  readonly after: (place: Place) => SQL;
  /** Whether it has tasks that are due at a moment, or those due on a day or never; undefined where it has both. */
  readonly due?: "days" | "moments";
}

interface Order {
  readonly by: SQL[];
  /** A row's place in this order, as JSON. */
  readonly sortKey: SQL<Place>;
  /** The condition that a row comes after a place. */
  readonly after: (place: Place) => SQL;
  /** What it is merged of, as the indexes have it (drizzle/0042_task_lists.sql). */
  readonly streams: readonly Stream[];
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

/** Whether a task is open, completed, cancelled or deleted, as the indexes have it. */
const state = sql`(case when ${tasks.deletedAt} is not null then 'deleted' when ${tasks.status} in ('pending', 'in_progress') then 'open' else ${tasks.status} end)`;

/** The day on which a task is due, and `infinity` where that is no day, as the indexes have it. */
export const dueDay = sql`(case when ${tasks.dueDate} is null then 'infinity'::date else ${tasks.dueDate} end)`;

/** From the least urgent to the most. */
export const PRIORITIES = taskFields.priority.input.options;

/** From 1, urgent, to 5, as the indexes have it. */
const rank = sql`(case ${tasks.priority} when 'urgent' then 1 when 'high' then 2 when 'medium' then 3 when 'low' then 4 else 5 end)`;

export type State = "open" | "completed" | "cancelled" | "deleted";

/** The condition that a task is in a state. */
export const isIn = (name: State) => sql`${state} = ${sql.raw(`'${name}'`)}`;

type Priority = (typeof PRIORITIES)[number];

/** The condition that a task has a priority. */
export function isOfPriority(priority: Priority): SQL {
  return sql`${rank} = ${sql.raw(`${PRIORITIES.length - PRIORITIES.indexOf(priority)}`)}`;
}

const position = sql`(case when ${tasks.position} is null then ${tasks.id} else ${tasks.position} end)`;
const due = sql`coalesce(${tasks.dueAt}, day_moment(${dueDay}))`;

/** Of the tasks that are due on the day that begins at a moment only those with a later id come after it; none where no day does. */
const dayOf = (moment: unknown) => sql`(select day_until(${moment}::timestamptz))`;
const ifDay = (moment: unknown, value: unknown) =>
  sql`(select case when day_moment(day_until(${moment}::timestamptz)) = ${moment}::timestamptz then ${value}::integer else 2147483647 end)`;

const days = { which: isNull(tasks.dueAt), due: "days" } as const;
const moments = { which: isNotNull(tasks.dueAt), due: "moments" } as const;

/** How each order sorts and goes on after a place. */
export const taskOrders: Readonly<Record<ListOrder, Order>> = {
  due: {
    by: [asc(due), asc(tasks.id)],
    sortKey: sql`jsonb_build_array(${due}, ${tasks.id})`,
    after: ([moment, id]) => sql`(${due}, ${tasks.id}) > (${moment}::timestamptz, ${id}::integer)`,
    streams: [
      {
        ...days,
        by: [asc(dueDay), asc(tasks.id)],
        after: ([moment, id]) => sql`(${dueDay}, ${tasks.id}) > (${dayOf(moment)}, ${ifDay(moment, id)})`,
      },
      {
        ...moments,
        by: [asc(tasks.dueAt), asc(tasks.id)],
        after: ([moment, id]) => sql`(${tasks.dueAt}, ${tasks.id}) > (${moment}::timestamptz, ${id}::integer)`,
      },
    ],
  },
  priority: {
    by: [asc(rank), asc(due), asc(tasks.id)],
    sortKey: sql`jsonb_build_array(${rank}, ${due}, ${tasks.id})`,
    after: ([place, moment, id]) =>
      sql`(${rank}, ${due}, ${tasks.id}) > (${place}::integer, ${moment}::timestamptz, ${id}::integer)`,
    streams: [
      {
        ...days,
        by: [asc(rank), asc(dueDay), asc(tasks.id)],
        after: ([place, moment, id]) =>
          sql`(${rank}, ${dueDay}, ${tasks.id}) > (${place}::integer, ${dayOf(moment)}, ${ifDay(moment, id)})`,
      },
      {
        ...moments,
        by: [asc(rank), asc(tasks.dueAt), asc(tasks.id)],
        after: ([place, moment, id]) =>
          sql`(${rank}, ${tasks.dueAt}, ${tasks.id}) > (${place}::integer, ${moment}::timestamptz, ${id}::integer)`,
      },
    ],
  },
  ready: {
    by: [asc(due), asc(rank), asc(tasks.id)],
    sortKey: sql`jsonb_build_array(${due}, ${rank}, ${tasks.id})`,
    after: ([moment, place, id]) =>
      sql`(${due}, ${rank}, ${tasks.id}) > (${moment}::timestamptz, ${place}::integer, ${id}::integer)`,
    streams: [
      {
        ...days,
        by: [asc(dueDay), asc(rank), asc(tasks.id)],
        after: ([moment, place, id]) =>
          sql`(${dueDay}, ${rank}, ${tasks.id}) > (${dayOf(moment)}, ${ifDay(moment, place)}, ${id}::integer)`,
      },
      {
        ...moments,
        by: [asc(tasks.dueAt), asc(rank), asc(tasks.id)],
        after: ([moment, place, id]) =>
          sql`(${tasks.dueAt}, ${rank}, ${tasks.id}) > (${moment}::timestamptz, ${place}::integer, ${id}::integer)`,
      },
    ],
  },
  created: alone({
    by: [desc(tasks.id)],
    sortKey: sql`jsonb_build_array(${tasks.id})`,
    after: ([id]) => sql`${tasks.id} < ${id}::integer`,
  }),
  updated: alone({
    by: [desc(tasks.updatedAt), desc(tasks.id)],
    sortKey: sql`jsonb_build_array(${tasks.updatedAt}, ${tasks.id})`,
    after: ([moment, id]) => sql`(${tasks.updatedAt}, ${tasks.id}) < (${moment}::timestamptz, ${id}::integer)`,
  }),
  position: alone({
    by: [asc(position), asc(tasks.id)],
    sortKey: sql`jsonb_build_array(${position}, ${tasks.id})`,
    after: ([place, id]) => sql`(${position}, ${tasks.id}) > (${place}::double precision, ${id}::integer)`,
  }),
};

/** Whether the tasks of a window of due dates stand one after the other in an order, where only those of a priority are listed. */
export function isSortedByDue(order: ListOrder, priority: Priority | undefined): boolean {
  return order === "due" || order === "ready" || (order === "priority" && priority !== undefined);
}

function alone(order: Omit<Order, "streams">): Order {
  return { ...order, streams: [order] };
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
