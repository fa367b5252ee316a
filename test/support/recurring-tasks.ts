import { ownerQuery } from "./owner.ts";
import type { Person } from "./person.ts";

const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/** A day, so many days after today in UTC. */
export function dayAfter(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}

/** The day of the week of a day, as a rule writes it. */
export function weekdayOf(day: string): string {
  return WEEKDAYS[new Date(`${day}T00:00:00Z`).getUTCDay()] ?? "";
}

/** Every task of a person, deleted ones too, in the order of their ids. */
export async function rowsOf(person: Person): Promise<Record<string, unknown>[]> {
  return await ownerQuery("select * from tasks where user_id = $1 order by id", [person.id]);
}

export async function complete(person: Person, id: number) {
  return await person.run("complete_task", { task_id: id });
}

export async function make(person: Person, task: Record<string, unknown>) {
  return await person.runForTask("create_task", { title: "Water the plants", ...task });
}
