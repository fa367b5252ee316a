import * as z from "zod";
import { showMoment } from "../moment.ts";
import { pluck, readFields } from "./field-table.ts";
import { taskFields } from "./task-fields.ts";
import type { TaskRow } from "./task-rows.ts";

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

/** A moment as the person's clock shows it, with its offset (RFC 3339). */
export const momentSchema = z.iso.datetime({ offset: true });

/** A task as everyone outside sees it; a field that is not set is absent. */
export const taskSchema = z.strictObject({
  id: taskIdSchema,
  ...pluck(taskFields, "output"),
  version: z.int().min(1).describe("Grows with every change."),
  created_at: momentSchema,
  updated_at: momentSchema,
  completed_at: momentSchema.optional(),
  claimed_by: z.string().optional().describe("Without claimed_until, its claim has lapsed."),
  claimed_until: momentSchema.optional(),
  set_aside: z.literal(true).optional().describe("Its claims lapsed too often: for a person."),
});

export type Task = z.output<typeof taskSchema>;

/**
 * Turns a row into the task that everyone outside sees.
 *
 * @param timeZone the person's, in which moments are shown
 */
export function toTask(row: TaskRow, timeZone: string): Task {
  const show = (moment: Date) => showMoment(moment, timeZone);
  return {
    id: row.id,
    ...readFields(taskFields, row, timeZone),
    version: row.version,
    created_at: show(row.createdAt),
    updated_at: show(row.updatedAt),
    ...(row.completedAt !== null && { completed_at: show(row.completedAt) }),
    ...claimOf(row, show),
  };
}

/** After how many claims that have lapsed a task waits for a person, and is no longer given to agents. */
export const MOST_LAPSES = 3;

function claimOf(
  { claimedBy, claimedUntil, claimLapses, isClaimLapsed = false }: TaskRow,
  show: (moment: Date) => string,
): Pick<Task, "claimed_by" | "claimed_until" | "set_aside"> {
  const isLive = claimedUntil !== null && !isClaimLapsed;
  return {
    ...(claimedBy !== null && { claimed_by: claimedBy }),
    ...(isLive && { claimed_until: show(claimedUntil) }),
    ...(!isLive && claimLapses + Number(isClaimLapsed) >= MOST_LAPSES && { set_aside: true as const }),
  };
}
