import { expect } from "vitest";
import * as z from "zod";
import { chat } from "../chatting.ts";
import { ownerQuery } from "../owner.ts";
import { Person } from "../person.ts";
import { clockIn, day, offset, timeZone } from "./clock.ts";

/** A task as a sentence's end is judged by: `due` is a day, or a day and a time of the person's clock. */
export interface Row {
  readonly title: string;
  readonly status: string;
  readonly priority: string;
  readonly due: string | null;
  readonly scheduled: string | null;
  readonly estimate_minutes: number | null;
  readonly recurrence: string | null;
  readonly tags: readonly string[];
  /** Titles. */
  readonly parent: string | null;
  readonly blocked_by: readonly string[];
}

const rowsSchema = z.array(
  z.strictObject({
    title: z.string(),
    status: z.string(),
    priority: z.string(),
    due: z.string().nullable(),
    scheduled: z.string().nullable(),
    estimate_minutes: z.number().nullable(),
    recurrence: z.string().nullable(),
    tags: z.array(z.string()),
    parent: z.string().nullable(),
    blocked_by: z.array(z.string()),
  }),
);

/** A task with nothing but its title, and what is said of it. */
export function task(title: string, fields: Partial<Row> = {}): Row {
  return {
    title,
    status: "pending",
    priority: "none",
    due: null,
    scheduled: null,
    estimate_minutes: null,
    recurrence: null,
    tags: [],
    parent: null,
    blocked_by: [],
    ...fields,
  };
}

/** The tasks that everybody has before they say something. */
export const tasksBefore: readonly Row[] = [
  task("Milk", { tags: ["groceries"] }),
  task("Eggs", { tags: ["groceries"] }),
  task("Oat milk", { status: "completed" }),
  task("Call mom", { due: day(1) }),
  task("Call the bank"),
  task("Write report", { priority: "high", due: day(-1), tags: ["work"] }),
  task("Pay rent", { due: day(0) }),
  task("Standup", { due: clockIn(-60), tags: ["work"] }),
  task("Reply to Bob", { status: "in_progress" }),
  task("Renew passport", { due: day(40) }),
];

/** In the order of their titles. */
export function byTitle(rows: readonly Row[]): Row[] {
  return [...rows].sort((one, other) => (one.title < other.title ? -1 : one.title > other.title ? 1 : 0));
}

/** Chat allows 30 messages a minute: then somebody else goes on. */
const MESSAGES_EACH = 20;
let listener: Person | undefined;
let messages = 0;
/** The listener's tasks, as long as nothing was said since they were read. */
let read: readonly Row[] | undefined;

/** Somebody with those tasks and no others. */
export async function listOwner(): Promise<Person> {
  if (listener === undefined || messages >= MESSAGES_EACH) {
    listener = await Person.signUp({ time_zone: timeZone });
    messages = 0;
    read = [];
  }
  const rows = read ?? (await rowsOf(listener));
  if (JSON.stringify(rows) !== JSON.stringify(byTitle(tasksBefore))) {
    await ownerQuery("delete from tasks where user_id = $1", [listener.id]);
    await listener.run("create_task", { tasks: tasksBefore.map(toInput) });
  }
  return listener;
}

function toInput({ due, title, status, priority, tags }: Row) {
  const moment = due?.includes(" ") && new Date(Date.parse(`${due.replace(" ", "T")}Z`) - offset * 3_600_000);
  return { title, status, priority, tags, ...(due !== null && { due: moment ? moment.toISOString() : due }) };
}

/** Says sentences one after the other in one conversation, and says yes to every question of the server. */
export async function say(person: Person, ...sentences: readonly string[]): Promise<string> {
  read = undefined;
  let conversation: string | undefined;
  let response = "";
  for (const message of sentences) {
    const answer = await chat(person, {
      message,
      ...(conversation !== undefined && { conversation_id: conversation }),
    });
    conversation = answer.conversation_id;
    response = answer.response;
    expect(response).toMatch(/^\[demo model\]/);
    messages += 1;
    if (answer.approval_required === undefined) continue;
    const approval = answer.approval_required.map(({ id }) => ({ id, approved: true }));
    response = (await chat(person, { conversation_id: conversation, approval })).response;
    messages += 1;
  }
  return response;
}

/** The person's tasks as the database has them, by title. */
export async function rowsOf(person: Person): Promise<Row[]> {
  const rows = await ownerQuery(
    `select title, status, priority,
            coalesce(due_date::text, to_char(due_at at time zone $2, 'YYYY-MM-DD HH24:MI')) as due,
            scheduled_date::text as scheduled, estimate_minutes, recurrence, tags,
            (select title from tasks as other where other.user_id = $1 and other.id = tasks.parent_id) as parent,
            array(select title from tasks as other where other.user_id = $1 and other.id = any(tasks.blocked_by) order by title)
              as blocked_by
     from tasks where user_id = $1 and deleted_at is null order by title collate "C", id`,
    [person.id, timeZone],
  );
  const found = rowsSchema.parse(rows);
  if (person === listener) read = found;
  return found;
}
