import { beforeEach, describe, expect, it } from "vitest";
import { countRequests } from "../support/database-requests.ts";
import { statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, refusalOf } from "../support/person.ts";
import { complete, dayAfter, make, rowsOf } from "../support/recurring-tasks.ts";

let person: Person;

beforeEach(async () => {
  person = await Person.signUp();
});

describe("the next one", () => {
  it("is the first that has not passed where several were missed", async () => {
    const { id } = await make(person, { due: dayAfter(-10), recurrence: "FREQ=DAILY;INTERVAL=3" });
    await complete(person, id);
    expect((await rowsOf(person))[1]).toMatchObject({ due_date: dayAfter(2), occurrence: 2 });
    const daily = await make(person, { due: dayAfter(-10), recurrence: "FREQ=DAILY" });
    expect((await complete(person, daily.id)).note).toContain(`due ${dayAfter(0)}.`);
  });

  it("comes after this one where it was completed early, and after its place in the series where it was put off", async () => {
    const { id } = await make(person, { due: dayAfter(5), recurrence: "FREQ=WEEKLY" });
    await person.run("update_task", { task_id: id, due: dayAfter(8) });
    await complete(person, id);
    expect((await rowsOf(person))[1]).toMatchObject({ due_date: dayAfter(12) });
  });

  it("is at the same time of day by the person's clock, whatever their clock does meanwhile", async () => {
    const here = await Person.signUp({ time_zone: "America/New_York" });
    // Put forward on 2038-03-14: 02:30 is skipped there, and has the offset from before. Put back on 2038-11-07.
    for (const [due, rule, dues] of [
      ["2038-03-12T02:30:00", "FREQ=DAILY", ["2038-03-13T02:30:00-05:00", "2038-03-14T03:30:00-04:00"]],
      ["2038-03-13T02:30:00", "FREQ=DAILY", ["2038-03-14T03:30:00-04:00", "2038-03-15T02:30:00-04:00"]],
      ["2038-11-06T01:30:00", "FREQ=DAILY", ["2038-11-07T01:30:00-04:00", "2038-11-08T01:30:00-05:00"]],
      ["2038-03-07T09:00:00-05:00", "FREQ=WEEKLY", ["2038-03-14T09:00:00-04:00", "2038-03-21T09:00:00-04:00"]],
    ] as const) {
      const made = await here.runForTask("create_task", { title: "Call", due, recurrence: rule });
      expect(made.next_dues).toEqual(dues);
      await here.run("complete_task", { task_id: made.id });
      const next = await here.runForTask("get_task", { task_id: made.id + 1 });
      expect(next.due).toBe(dues[0]);
      await here.run("complete_task", { task_id: next.id });
      expect((await here.runForTask("get_task", { task_id: next.id + 1 })).due).toBe(dues[1]);
    }
  });

  it("goes by the clock that the person has when it is made", async () => {
    const due = `${dayAfter(2)}T09:00:00`;
    const { id } = await make(person, { due, recurrence: "FREQ=DAILY" });
    await person.send("/api/auth/me", { method: "PATCH", body: { time_zone: "Asia/Kathmandu" } });
    await complete(person, id);
    expect((await person.runForTask("get_task", { task_id: id + 1 })).due).toBe(`${dayAfter(3)}T09:00:00+05:45`);
  });

  it("is none after COUNT and UNTIL", async () => {
    const counted = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY;COUNT=2" });
    expect(counted.next_dues).toEqual([dayAfter(2)]);
    await complete(person, counted.id);
    const last = counted.id + 1;
    expect((await complete(person, last)).note).toBe(`Last of its series: #${last} "${counted.title}".`);
    const until = await make(person, {
      due: dayAfter(1),
      recurrence: `FREQ=DAILY;UNTIL=${dayAfter(2).replaceAll("-", "")}`,
    });
    await complete(person, until.id);
    const response = await statelessRequest(person, "tools/call", {
      name: "complete_task",
      arguments: { task_id: until.id + 1 },
    });
    expect(JSON.stringify(await response.json())).toMatch(/Completed #\d+ [^\n]* · the last of its series · change/);
    // The one before it has been followed already, which ends nothing; nor does one whose last times have passed.
    await person.run("update_task", { task_id: until.id, status: "pending" });
    expect((await complete(person, until.id)).note).toBeUndefined();
    const recurrence = `FREQ=DAILY;UNTIL=${dayAfter(-2).replaceAll("-", "")}`;
    const missed = await make(person, { due: dayAfter(-9), recurrence });
    expect((await complete(person, missed.id)).note).toBeUndefined();
  });

  it("is none where a year would have five digits, and nobody's call hangs on it", async () => {
    const east = await Person.signUp({ time_zone: "Asia/Tokyo" });
    for (const frequency of ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]) {
      const task = { title: "Later", due: "9999-12-31T23:00:00Z", recurrence: `FREQ=${frequency}` };
      expect(await refusalOf(await east.call("create_task", task))).toMatchObject([{ field: "recurrence" }]);
    }
    const done = { due: "9999-12-31T23:00:00Z", recurrence: "FREQ=DAILY", recurrence_from: "completion" };
    expect((await complete(east, (await make(east, done)).id)).note).toContain("T08:00:00+09:00.");
    const west = await Person.signUp({ time_zone: "America/New_York" });
    await make(west, { due: "9999-12-29T23:30:00", recurrence: "FREQ=DAILY" });
    for (let id = 1; (await rowsOf(west)).length === id; id += 1) await complete(west, id);
    expect((await west.run("list_tasks", { status: "all" })).tasks.map(({ due }) => due)).toEqual([
      "9999-12-29T23:30:00-05:00",
      "9999-12-30T23:30:00-05:00",
    ]);
  });

  it.each([
    ["4000-01-01", "1900-01-01"],
    ["9000-01-01T09:00:00", "1900-01-02T09:00:00"],
    [dayAfter(-1), "9999-12-31"],
  ])("is put off to no year that nobody could give: put off to %s, not before %s", async (due, scheduled) => {
    const isTimed = due.includes("T");
    const first = isTimed ? `${dayAfter(1)}T09:00:00` : dayAfter(1);
    const { id } = await make(person, { due: first, scheduled, recurrence: "FREQ=DAILY" });
    await person.run("update_task", { task_id: id, due });
    await complete(person, id);
    const { tasks } = await person.run("list_tasks");
    expect(tasks).toHaveLength(1);
    expect(tasks[0]).not.toHaveProperty("scheduled");
  });

  it("counts from when it was completed where the task says so", async () => {
    const made = await make(person, {
      due: dayAfter(-4),
      recurrence: "FREQ=DAILY;INTERVAL=3",
      recurrence_from: "completion",
    });
    expect(made).toMatchObject({ recurrence_from: "completion", recurrence_text: "every 3 days after completion" });
    expect(made).not.toHaveProperty("next_dues");
    await complete(person, made.id);
    expect((await rowsOf(person))[1]).toMatchObject({ due_date: dayAfter(3), recurrence_from: "completion" });
    // Completed again on another day, it still has no second.
    await person.run("update_task", { task_id: made.id, status: "pending" });
    await ownerQuery(
      "update tasks set status = 'completed', completed_at = now() - interval '2 days' where user_id = $1 and id = $2",
      [person.id, made.id],
    );
    expect(await rowsOf(person)).toHaveLength(2);
  });

  it("comes also when all that was reckoned is used up", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    await ownerQuery("update occurrences set times = times[1:2] where user_id = $1", [person.id]);
    await complete(person, id);
    // Whoever cannot reckon is refused, and loses nothing.
    const byHand = ownerQuery(
      "update tasks set status = 'completed', completed_at = now() where user_id = $1 and id = $2",
      [person.id, id + 1],
    );
    await expect(byHand).rejects.toThrow("the coming occurrences of a task are not known; complete it by a tool");
    await complete(person, id + 1);
    expect((await rowsOf(person)).map(({ due_date: due }) => due)).toEqual([dayAfter(1), dayAfter(2), dayAfter(3)]);
    await ownerQuery("delete from occurrences where user_id = $1", [person.id]);
    await complete(person, id + 2);
    expect((await rowsOf(person))[3]).toMatchObject({ due_date: dayAfter(4) });
  });

  it("of several tasks that one call completes is reckoned at once, and made under one number", async () => {
    const ids: number[] = [];
    for (let index = 1; index <= 6; index += 1)
      ids.push((await make(person, { due: dayAfter(1), recurrence: `FREQ=DAILY;INTERVAL=${index}` })).id);
    await ownerQuery("delete from occurrences where user_id = $1", [person.id]);
    const answer = await person.run("complete_task", { task_ids: ids });
    expect(answer.tasks.map(({ id }) => id)).toEqual(ids);
    const next = (await rowsOf(person)).slice(6);
    expect(next.map(({ due_date: due }) => due)).toEqual(ids.map((_, index) => dayAfter(2 + index)));
    expect(new Set(next.map(({ last_change: change }) => Number(change)))).toEqual(new Set([answer.change]));
  });

  it("takes one request to the database: to make it, with a date and without, and to complete it", async () => {
    for (const task of [{ due: dayAfter(1) }, { due: `${dayAfter(1)}T09:00:00` }, {}]) {
      using requests = countRequests(person);
      const { id } = await make(person, { ...task, recurrence: "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR" });
      await complete(person, id);
      expect(requests.count, JSON.stringify(task)).toBe(2);
    }
    const { id } = await make(person, { due: `${dayAfter(1)}T09:00:00+05:30`, recurrence: "FREQ=DAILY" });
    expect((await complete(person, id)).note).toContain(`${dayAfter(2)}T03:30:00`);
  });
});
