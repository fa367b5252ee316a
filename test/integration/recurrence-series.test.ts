import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";
import { complete, dayAfter, make, rowsOf, weekdayOf } from "../support/recurring-tasks.ts";

let person: Person;

beforeEach(async () => {
  person = await Person.signUp();
});

describe("a series", () => {
  it("begins at the first day that fits where the task has no date, whatever its interval is", async () => {
    const made = await make(person, { recurrence: `FREQ=WEEKLY;INTERVAL=2;BYDAY=${weekdayOf(dayAfter(3))}` });
    expect(made).toMatchObject({ due: dayAfter(3), next_dues: [dayAfter(17), dayAfter(31)] });
    expect(await make(person, { recurrence: "FREQ=DAILY;INTERVAL=3" })).toMatchObject({ due: dayAfter(0) });
    const timed = await make(person, { recurrence: "FREQ=DAILY;BYHOUR=9;BYMINUTE=30" });
    expect(timed.due).toMatch(/T09:30:00\+00:00$|T09:30:00Z$/);
    expect(new Date(timed.due ?? "").getTime()).toBeGreaterThanOrEqual(Date.now());
    const hourly = await make(person, { recurrence: "FREQ=HOURLY;INTERVAL=5" });
    expect(new Date(hourly.due ?? "").getTime()).toBeGreaterThanOrEqual(Date.now() - 60_000);
    expect(await make(person, { recurrence: "FREQ=DAILY", recurrence_from: "completion" })).toMatchObject({
      due: dayAfter(0),
    });
  });

  it("begins anew where the rule changes, and ends where it goes", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    await complete(person, id);
    const edited = await person.runForTask("update_task", { task_id: id + 1, recurrence: "FREQ=WEEKLY" });
    expect(edited).toMatchObject({ due: dayAfter(2), next_dues: [dayAfter(9), dayAfter(16)] });
    const [first, second] = await rowsOf(person);
    expect(second).toMatchObject({ occurrence: 1, series_start: dayAfter(2) });
    expect(second?.series).not.toBe(first?.series);
    await complete(person, id + 1);
    expect((await rowsOf(person))[2]).toMatchObject({ due_date: dayAfter(9), series: second?.series });
    const cleared = await person.runForTask("update_task", { task_id: id + 2, clear: ["recurrence"] });
    expect(cleared).not.toHaveProperty("recurrence");
    expect((await rowsOf(person))[2]).toMatchObject({ series: null, occurs_at: null, recurrence_from: null });
    expect((await complete(person, id + 2)).note).toBeUndefined();
    // And an undo brings it back.
    const { change } = await person.run("update_task", { task_id: id + 2, status: "pending" });
    await person.run("update_task", { undo: (change ?? 0) - 2 });
    expect((await complete(person, id + 2)).note).toContain(`due ${dayAfter(16)}.`);
  });

  it("is not brought back by an undo where another task has its place by now", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    await complete(person, id);
    const { change } = await person.run("update_task", { task_id: id + 1, clear: ["recurrence"] });
    await person.run("update_task", { task_id: id, status: "pending" });
    await complete(person, id);
    const before = await rowsOf(person);
    expect(before).toMatchObject([{}, { recurrence: null }, { occurrence: 2 }]);
    const refused = await person.call("update_task", { undo: change });
    expect(refused.status).toBe(409);
    expect((await problemOf(refused)).detail).toBe(
      `Change ${change} cannot be undone: recurrence is that of #${id + 2} by now, which has its place in the series. Nothing was changed.`,
    );
    expect(await rowsOf(person)).toEqual(before);
  });

  it("goes on where only this one's due changes, also with the same rule given again", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    const [before] = await rowsOf(person);
    await person.run("update_task", { task_id: id, due: dayAfter(1), recurrence: "rrule:freq=daily" });
    await person.run("update_task", { task_id: id, due: dayAfter(4) });
    expect((await rowsOf(person))[0]).toMatchObject({ series: before?.series, occurs_at: dayAfter(1) });
  });

  it("is given to a task that has a date, or none", async () => {
    const dated = await make(person, { due: `${dayAfter(1)}T09:00:00` });
    const edited = await person.runForTask("update_task", { task_id: dated.id, recurrence: "FREQ=WEEKLY" });
    expect(edited.next_dues?.[0]).toContain(`${dayAfter(8)}T09:00:00`);
    const { id } = await make(person, {});
    const recurring = await person.runForTask("update_task", { task_id: id, recurrence: "FREQ=DAILY" });
    expect(recurring.due).toBe(dayAfter(0));
    expect((await complete(person, id)).note).toContain(`due ${dayAfter(1)}.`);
  });

  it("goes with its account", async () => {
    await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    await ownerQuery("delete from users where id = $1", [person.id]);
    expect(await ownerQuery("select * from occurrences where user_id = $1", [person.id])).toEqual([]);
  });

  it("shows in a list in a few words", async () => {
    await make(person, { due: dayAfter(1), recurrence: "FREQ=MONTHLY;BYDAY=2TU" });
    expect((await person.run("list_tasks")).tasks).toMatchObject([
      { recurrence_text: "every month on the 2nd Tuesday" },
    ]);
  });
});

describe("a rule that tasks cannot recur by is refused, and nothing is changed:", () => {
  it.each<[rule: string, message: string, rest?: Record<string, string>]>([
    ["every Tuesday", "recurrence must be an RRULE of RFC 5545, such as FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"],
    ["FREQ=MINUTELY", "recurrence must recur hourly at most: FREQ is one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY"],
    ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "recurrence must recur within ten years"],
    [
      "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
      "recurrence must recur within ten years after 2027-01-01, when the task is due",
      { due: "2027-01-01" },
    ],
    ["FREQ=YEARLY;INTERVAL=20", "recurrence must recur within ten years", { due: "2027-01-01T10:00:00+02:00" }],
    ...["FREQ=DAILY;UNTIL=20200101", "FREQ=DAILY;UNTIL=20270101", "FREQ=WEEKLY;UNTIL=20270107T235959Z"].map(
      (rule): [string, string, Record<string, string>] => [
        rule,
        `recurrence must have a later UNTIL, or none: ${rule} ends before it recurs after 2027-01-01, when the task is due`,
        { due: "2027-01-01" },
      ],
    ),
    ...["FREQ=DAILY;UNTIL=20200101", "FREQ=DAILY;UNTIL=20200101T000000Z"].map((rule): [string, string] => [
      rule,
      `recurrence must have a later UNTIL, or none: ${rule} ends before it recurs`,
    ]),
    [
      "FREQ=YEARLY;INTERVAL=20;UNTIL=20300101",
      "recurrence must recur within ten years after 2027-01-01, when the task is due",
      { due: "2027-01-01" },
    ],
    [
      "FREQ=DAILY;BYHOUR=9",
      "recurrence says a time of day: the task needs a due with a time as well, or none",
      { due: "2027-01-01" },
    ],
    [
      "FREQ=WEEKLY;BYDAY=TU",
      "recurrence must have FREQ and INTERVAL alone where recurrence_from is completion",
      { recurrence_from: "completion" },
    ],
  ])("%s", async (recurrence, message, rest = {}) => {
    const refused = await person.call("create_task", { title: "Never", recurrence, ...rest });
    const problem = await problemOf(refused);
    expect(problem.detail).toContain(message);
    expect(problem.errors).toMatchObject([{ field: "recurrence" }]);
    expect(await rowsOf(person)).toEqual([]);
  });

  it("also where the task has its date already, and recurrence_from without a rule", async () => {
    const { id, version } = await make(person, { due: dayAfter(1) });
    const never = await person.call("update_task", { task_id: id, recurrence: "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30" });
    expect((await problemOf(never)).detail).toContain(`must recur within ten years after ${dayAfter(1)}`);
    const timed = await person.call("update_task", { task_id: id, recurrence: "FREQ=HOURLY" });
    expect((await problemOf(timed)).detail).toContain("says a time of day");
    const alone = await person.call("update_task", { task_id: id, recurrence_from: "completion" });
    expect((await problemOf(alone)).detail).toBe("recurrence_from goes with recurrence: give both");
    expect(z.object({ version: z.int() }).parse((await rowsOf(person))[0])).toEqual({ version });
  });
});
