import { expect } from "vitest";
import { ownerQuery } from "./owner.ts";
import { type Person, problemOf } from "./person.ts";

/** A task's row, as the database has it. */
export async function rowOf(person: Person, id: number) {
  return (await ownerQuery("select * from tasks where user_id = $1 and id = $2", [person.id, id]))[0];
}

/** Lets the claims of tasks lapse, as time does. */
export async function lapse(person: Person, ...ids: number[]): Promise<void> {
  await ownerQuery(
    "update tasks set claimed_until = now() - interval '1 minute' where user_id = $1 and id = any ($2)",
    [person.id, ids],
  );
}

/** What a call is refused with, which must be a conflict. */
export async function conflictOf(who: Person, tool: string, input: unknown): Promise<string> {
  const refused = await who.call(tool, input);
  expect(refused.status, await refused.clone().text()).toBe(409);
  return (await problemOf(refused)).detail;
}

/** The titles of the tasks that are ready, in their order. */
export async function readyTitles(person: Person, filter = {}): Promise<string[]> {
  const { tasks } = await person.run("list_tasks", { status: "ready", ...filter });
  return tasks.map(({ title }) => title);
}
