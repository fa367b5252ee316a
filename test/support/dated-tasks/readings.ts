import { expect } from "vitest";
import * as z from "zod";
import { textOfCall } from "../call-for-text.ts";
import { type DatedList, fields } from "./dated-list.ts";
import { dayOf, plusDays, shown } from "./when.ts";

const ORDERS = ["due", "priority", "created", "updated", "position"];

const exportSchema = z.object({
  tasks: z.array(z.object({ id: z.int(), due: z.string().optional(), scheduled: z.string().optional() })),
  task_changes: z.array(z.object({ task_id: z.int(), after: z.record(z.string(), z.unknown()).nullable() })),
});

const idsOf = (tasks: readonly { readonly id: number }[]) =>
  tasks.map(({ id }) => id).sort((one, other) => one - other);

/** Of how many tasks the history is read, and by how many days they are looked for. */
const MOST_READ = 4;

/**
 * Holds all that can be read of the tasks to what is expected of them, where the person is now.
 *
 * @param turn in which order they are listed
 */
export async function readAll(list: DatedList, turn: number): Promise<void> {
  const { person, timeZone } = list;
  const [living, all] = [list.living, idsOf([...list.tasks].map(([id]) => ({ id })))];
  const order = ORDERS[turn % ORDERS.length];
  const { tasks } = await person.run("list_tasks", { status: "all", order, limit: 100 });
  expect(idsOf(tasks)).toEqual(idsOf(living));
  list.check(tasks, `list by ${order}`);
  const deleted = await person.run("list_tasks", { status: "deleted", limit: 100 });
  expect(idsOf(deleted.tasks)).toEqual(all.filter((id) => list.tasks.get(id)?.isDeleted));
  list.check(deleted.tasks, "list of deleted tasks");
  const changed = await person.run("list_tasks", { changed_since: 0, limit: 100 });
  expect(idsOf(changed.tasks)).toEqual(all);
  list.check(changed.tasks, "changed_since");
  await readDays(list);
  for (let from = 0; from < living.length; from += 25) {
    const ids = living.slice(from, from + 25).map(({ id }) => id);
    list.check((await person.run("get_task", { task_ids: ids })).tasks, "get_task");
  }
  const moved = living.filter(({ id }) => fields.some((field) => list.history.has(`${id} ${field}`)));
  for (const { id } of moved.slice(0, MOST_READ)) await readHistory(list, id);
  readLines(list, await textOfCall(person, "list_tasks", { status: "all", limit: 100 }), timeZone);
  const { digest = [] } = await person.run("list_tasks", { digest: true });
  for (const line of digest.flatMap(({ part, tasks }) => (part === "finished" ? [] : tasks))) {
    const [, id, due] = /^#(\d+) .*?(?: due (\S+))?$/.exec(line) ?? [];
    expect(due, line).toBe(shown(list.tasks.get(Number(id))?.due, timeZone));
  }
}

/** Counts by day, and finds by each of these days. */
async function readDays({ person, living, timeZone }: DatedList): Promise<void> {
  const days = new Map<string, number[]>();
  for (const { id, due } of living) {
    const day = due === undefined ? "no_date" : dayOf(due, timeZone);
    days.set(day, [...(days.get(day) ?? []), id]);
  }
  const { groups = [] } = await person.run("list_tasks", { status: "all", group_by: "day" });
  const counts = new Map(groups.map(({ name, count }) => [name, count]));
  expect(counts, timeZone).toEqual(new Map([...days].map(([day, ids]) => [day, `${ids.length}`])));
  for (const [day, ids] of [...days].slice(0, MOST_READ)) {
    const when = day === "no_date" ? { due: day } : { due_from: day, due_before: plusDays(day, 1) };
    const { tasks } = await person.run("list_tasks", { status: "all", ...when, limit: 100 });
    expect(idsOf(tasks), `${day} in ${timeZone}`).toEqual(ids);
  }
}

async function readHistory(list: DatedList, id: number): Promise<void> {
  const { tasks, history = [] } = await list.person.run("get_task", { task_id: id, history: 50 });
  list.check(tasks, "get_task with history");
  for (const field of fields) {
    const told = history.flatMap((line) => {
      const [, before, after] = new RegExp(` · ${field} (\\S+) → (\\S+)`).exec(line) ?? [];
      return before === undefined ? [] : [[before, after]];
    });
    const expected = (list.history.get(`${id} ${field}`) ?? []).map((pair) =>
      pair.map((when) => shown(when, list.timeZone) ?? "nothing"),
    );
    expect(told.reverse(), `history of #${id}`).toEqual(expected);
  }
}

/** What a model reads: the text of a list. */
function readLines(list: DatedList, text: string, timeZone: string): void {
  for (const [id, task] of list.tasks) {
    const line = text.split("\n").find((one) => one.startsWith(`#${id} `));
    expect(line === undefined).toBe(task.isDeleted);
    for (const field of line === undefined ? [] : fields) {
      expect(new RegExp(` · ${field} (\\S+)`).exec(line ?? "")?.[1], line).toBe(shown(task[field], timeZone));
    }
  }
}

/** Holds the export to what is expected, the log in it too. */
export async function readExport(list: DatedList): Promise<void> {
  const response = await list.person.send("/api/export");
  const { tasks, task_changes: log } = exportSchema.parse(await response.json());
  expect(idsOf(tasks)).toEqual(idsOf([...list.tasks].map(([id]) => ({ id }))));
  list.check(tasks, "export");
  for (const [id, task] of list.tasks) {
    for (const field of fields) {
      const image = Object.assign({}, ...log.flatMap(({ task_id, after }) => (task_id === id ? [after] : [])));
      const [day, moment] = [image[`${field}_date`], image[`${field}_at`]];
      expect(typeof moment === "string" ? new Date(moment) : (day ?? undefined), `#${id} in the log`).toEqual(
        task[field],
      );
    }
  }
}
