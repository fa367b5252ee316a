import * as z from "zod";
import { showMoment } from "../moment.ts";
import { nextDues, tellRule } from "../recurrence/series.ts";
import { pluck, readFields } from "./field-table.ts";
import type { Blocks } from "./select-task.ts";
import { showCount } from "./task-count.ts";
import { taskFields } from "./task-fields.ts";
import type { TaskRow } from "./task-rows.ts";

/** A moment as the person's clock shows it, with its offset (RFC 3339). */
export const momentSchema = z.iso.datetime({ offset: true });

/** A task as everyone outside sees it; a field that is not set is absent. */
export const taskSchema = z.strictObject({
  id: z.int().min(1),
  ...pluck(taskFields, "output"),
  recurrence_text: z.string().optional(),
  next_dues: z.array(z.string()).optional(),
  version: z.int().min(1),
  created_at: momentSchema,
  updated_at: momentSchema,
  completed_at: momentSchema.optional(),
  waiting_for: z.array(z.int()).optional(),
  claimed_by: z.string().optional(),
  claimed_until: momentSchema.optional(),
  set_aside: z.literal(true).optional(),
});

export type Task = z.output<typeof taskSchema>;

/** Who made a task, and who changed it last, by which client and which way. */
export const makersSchema = z.object({ created_by: z.string().optional(), changed_by: z.string().optional() });

/** A task with all that is known of it. */
export const wholeTaskSchema = taskSchema.extend({
  subtasks: z.int().optional(),
  open_subtasks: z.int().optional(),
  blocks: z.array(z.int()).optional(),
  more_blocks: z.string().optional(),
  ...makersSchema.shape,
});

export type WholeTask = z.output<typeof wholeTaskSchema>;

/**
 * Turns a row into the task that everyone outside sees.
 *
 * @param timeZone the person's, in which moments are shown
 */
export function toTask(row: TaskRow, timeZone: string): Task {
  const dues = isOpen(row) ? (duesAfter(row, timeZone, new Date()) ?? []) : [];
  return { ...toBriefTask(row, timeZone), ...(dues.length > 0 && { next_dues: dues }) };
}

/** As `toTask`, without what takes reckoning for each. */
export function toBriefTask(row: TaskRow, timeZone: string): Task {
  const show = (moment: Date) => showMoment(moment, timeZone);
  return {
    id: row.id,
    ...readFields(taskFields, row, timeZone),
    ...wordsOf(row),
    version: row.version,
    created_at: show(row.createdAt),
    updated_at: show(row.updatedAt),
    ...(row.completedAt !== null && { completed_at: show(row.completedAt) }),
    ...(isOpen(row) && row.references && row.references.open.length > 0 && { waiting_for: row.references.open }),
    ...claimOf(row, show),
  };
}

function isOpen({ status }: Pick<TaskRow, "status">): boolean {
  return status === "pending" || status === "in_progress";
}

function wordsOf({ recurrence, recurrence_from: from }: TaskRow): Pick<Task, "recurrence_text"> {
  const words = recurrence === null ? undefined : tellRule(recurrence, from === "completion");
  return words === undefined ? {} : { recurrence_text: words };
}

/** Whether the rule of a task has no time after it, be it past or to come, so that there is no other of its series after it. */
export function isLastOfSeries(row: TaskRow, timeZone: string): boolean {
  return duesAfter(row, timeZone, undefined)?.length === 0;
}

/** As `nextDues`; undefined of a task that does not recur, too. */
function duesAfter(row: TaskRow, timeZone: string, now: Date | undefined): string[] | undefined {
  const { recurrence: rule, recurrence_from: from, seriesStart: start, occursAt } = row;
  if (rule === null || start === null || occursAt === null) return undefined;
  return nextDues({ rule, start, occursAt, isFromCompletion: from === "completion" }, timeZone, now);
}

/** What is read of a task beside its row where all of it is asked for. */
export interface WholeTaskRow extends TaskRow {
  readonly subtasks: number;
  readonly openSubtasks: number;
  readonly blocks: Blocks;
}

/** As `toTask`, with what its own row does not say. */
export function toWholeTask(row: WholeTaskRow, timeZone: string): WholeTask {
  const { first: blocks, count } = row.blocks;
  return {
    ...toTask(row, timeZone),
    ...(row.subtasks > 0 && { subtasks: row.subtasks, open_subtasks: row.openSubtasks }),
    ...(blocks.length > 0 && { blocks }),
    ...(count > blocks.length && { more_blocks: showCount(count - blocks.length) }),
    ...makersOf(row),
  };
}

/** Who made a task and who changed it last, where that is known. */
export function makersOf({
  createdBy,
  changedBy,
}: Pick<TaskRow, "createdBy" | "changedBy">): z.output<typeof makersSchema> {
  return { ...(createdBy !== null && { created_by: createdBy }), ...(changedBy !== null && { changed_by: changedBy }) };
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
