import * as z from "zod";
import { showMoment } from "../src/moment.ts";

/** Selects a person's tasks, each as the JSON of its row; `$1` is the person. */
export const TASKS_OF_PERSON = `
  select to_jsonb(tasks)::text as task from tasks where user_id = $1 and deleted_at is null order by id`;

const none = { text: z.string().nullable().default(null), number: z.number().nullable().default(null) };

const rowSchema = z.object({
  id: z.number(),
  title: z.string(),
  description: z.string(),
  status: z.string(),
  priority: z.string(),
  due_date: none.text,
  due_at: none.text,
  scheduled_date: none.text,
  scheduled_at: none.text,
  tags: z.array(z.string()),
  recurrence: none.text,
  /** Null where it counts from when the task is due. */
  recurrence_from: none.text,
  estimate_minutes: none.number,
  parent_id: none.number,
  blocked_by: z.array(z.number()).default([]),
  discovered_from: none.number,
  position: none.number,
});

const answeredSchema = z.array(z.object({ task: z.string() }));

/** What a person would say that a task is: how often it was changed, and by whom, is no part of it. */
export type TaskState = ReturnType<typeof toState>;

/** Reads what `TASKS_OF_PERSON` selects. A date-time is told to the minute, by the clock of the person. */
export function readTasks(rows: unknown, timeZone: string): TaskState[] {
  return answeredSchema.parse(rows).map(({ task }) => toState(rowSchema.parse(JSON.parse(task)), timeZone));
}

function toState(row: z.output<typeof rowSchema>, timeZone: string) {
  const { due_date: dueDate, due_at: dueAt, scheduled_date: scheduledDate, scheduled_at: scheduledAt, ...rest } = row;
  const show = (date: string | null, moment: string | null) =>
    date ?? (moment === null ? null : showMoment(new Date(moment), timeZone).slice(0, 16));
  return { ...rest, due: show(dueDate, dueAt), scheduled: show(scheduledDate, scheduledAt) };
}
