import { beforeEach, describe, expect, it } from "vitest";
import { textOfCall } from "../support/call-for-text.ts";
import { expectWholeLog } from "../support/change-log.ts";
import { readyTitles, rowOf } from "../support/claims.ts";
import { Person, problemOf } from "../support/person.ts";

const HOUR = 3_600_000;

let person: Person;
beforeEach(async () => {
  person = await Person.signUp({ time_zone: "America/Bogota" });
});

const newTask = (title: string, fields = {}) => person.runForTask("create_task", { title, ...fields });
const textOf = (name: string, input: object) => textOfCall(person, name, input);
const momentIn = (hours: number) => new Date(Date.now() + hours * HOUR).toISOString();

describe("when a task may begin, how long it takes and where it stands", () => {
  const plan = { scheduled: "2026-12-01T09:00:00", estimate_minutes: "30", position: "2.5" };

  it("is kept, told and listed as it is given", async () => {
    const task = await newTask("Paint", plan);
    const kept = { scheduled: "2026-12-01T09:00:00-05:00", estimate_minutes: 30, position: 2.5 };
    expect(task).toMatchObject(kept);
    expect(await person.runForTask("get_task", { task_id: task.id })).toEqual({ ...task, created_by: "http" });
    expect((await person.run("list_tasks")).tasks).toMatchObject([kept]);
    const line = " · scheduled 2026-12-01T09:00:00-05:00 · 30 min · position 2.5 · ";
    for (const [tool, input] of [
      ["get_task", { task_id: task.id }],
      ["list_tasks", {}],
    ] as const) {
      expect(await textOf(tool, input)).toContain(line);
    }
    const exported = await (await person.send("/api/export")).json();
    expect(exported).toMatchObject({ tasks: [kept] });
  });

  it("is changed and emptied by update_task, told in the history and undone", async () => {
    const { id } = await newTask("Paint", plan);
    const other = { scheduled: "2026-12-02", estimate_minutes: 45, position: -1 };
    expect(await person.runForTask("update_task", { task_id: id, ...other })).toMatchObject(other);
    expect(await rowOf(person, id)).toMatchObject({ scheduled_date: "2026-12-02", scheduled_at: null });
    const emptied = await person.runForTask("update_task", { task_id: id, clear: Object.keys(plan) });
    for (const field of Object.keys(plan)) expect(emptied).not.toHaveProperty(field);

    const { history } = await person.run("get_task", { task_id: id, history: 2 });
    expect(history).toEqual([
      expect.stringContaining(
        " · estimate_minutes 45 → nothing · position -1 → nothing · scheduled 2026-12-02 → nothing · ",
      ),
      expect.stringContaining(
        " · estimate_minutes 30 → 45 · position 2.5 → -1 · scheduled 2026-12-01T09:00:00-05:00 → 2026-12-02 · ",
      ),
    ]);
    expect(await textOf("update_task", { undo: 3 })).toContain("estimate_minutes, position, scheduled as before");
    expect(await person.runForTask("get_task", { task_id: id })).toMatchObject(other);
    // A day in place of a moment is one change of one field.
    expect(await textOf("update_task", { undo: 2 })).toContain("estimate_minutes, position, scheduled as before");
    expect(await rowOf(person, id)).toMatchObject({ scheduled_date: null, estimate_minutes: 30, position: 2.5 });
    await person.run("update_task", { task_id: id, scheduled: "2027-01-01" });
    const refused = await person.call("update_task", { undo: 1 });
    expect((await problemOf(refused)).detail).toContain("changed scheduled of #1");
    await expectWholeLog(person.id);
  });

  it.each([
    ["scheduled", "tomorrow", "must be a date such as 2026-11-30 or a date-time"],
    ["estimate_minutes", 0, "must be at least 1"],
    ["estimate_minutes", 100_001, "must be at most 100000"],
    ["estimate_minutes", 1.5, "must be a whole number"],
    ["position", "first", "must be a number"],
    ["position", 1e13, "must be a number from -1000000000000 to 1000000000000"],
  ])("is refused where %s is %j", async (field, value, message) => {
    const refused = await person.call("create_task", { title: "Paint", [field]: value });
    expect(refused.status).toBe(400);
    expect((await problemOf(refused)).errors).toEqual([{ field, message: expect.stringContaining(message) }]);
  });
});

describe("what is ready", () => {
  it.each(["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])("is no task that is put off, in %s", async (timeZone) => {
    person = await Person.signUp({ time_zone: timeZone });
    const today = String((await person.run("list_tasks")).now).slice(0, 10);
    const dayIn = (days: number) => new Date(Date.parse(today) + days * 24 * HOUR).toISOString().slice(0, 10);
    await newTask("tomorrow", { scheduled: dayIn(1), due: dayIn(-9) });
    await newTask("in an hour", { scheduled: momentIn(1), due: dayIn(-9) });
    await newTask("today", { scheduled: today, due: dayIn(1) });
    await newTask("an hour ago", { scheduled: momentIn(-1), due: dayIn(2) });
    await newTask("whenever");

    const ready = ["today", "an hour ago", "whenever"];
    expect(await readyTitles(person)).toEqual(ready);
    const { tasks } = await person.run("update_task", { claim_next: 25 });
    expect(tasks.map(({ title }) => title)).toEqual(ready);
    expect((await person.run("list_tasks", { limit: 1, search: "tomorrow" })).tasks).toHaveLength(1);
  });
});

describe("a list by position", () => {
  it("stands a task at its place, or at its id, page by page, also while tasks are moved", async () => {
    for (const title of ["a", "b", "c", "d", "e"]) await newTask(title);
    await person.run("update_task", { task_id: 5, position: 1.5 });
    await person.run("update_task", { task_id: 1, position: 3 });
    await person.run("update_task", { task_id: 4, position: -0.1 });
    const titles = ["d", "e", "b", "a", "c"];
    for (const limit of [1, 2, 5]) {
      const paged: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await person.run("list_tasks", { order: "position", limit, ...(cursor && { cursor }) });
        paged.push(...page.tasks.map(({ title }) => title));
        cursor = page.next_cursor;
      } while (cursor !== undefined);
      expect(paged).toEqual(titles);
    }

    const first = await person.run("list_tasks", { order: "position", limit: 2 });
    // Between two, as close as a number can be told from its neighbours.
    const close = 1.5 + 2 ** -51;
    await person.run("update_task", { task_id: 3, position: close });
    await person.run("update_task", { task_id: 4, position: 1.5 - 2 ** -51 });
    const rest = await person.run("list_tasks", { order: "position", cursor: first.next_cursor });
    expect(rest.tasks.map(({ title, position }) => [title, position])).toEqual([
      ["c", close],
      ["b", undefined],
      ["a", 3],
    ]);
  });
});
