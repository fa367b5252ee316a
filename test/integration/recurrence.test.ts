import { beforeEach, describe, expect, it } from "vitest";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";
import { complete, dayAfter, make, rowsOf, weekdayOf } from "../support/recurring-tasks.ts";

let person: Person;

beforeEach(async () => {
  person = await Person.signUp();
});

describe("completing a task that recurs", () => {
  it("makes the next one, which has all of it but what is only its own", async () => {
    const due = dayAfter(3);
    const made = await make(person, {
      ...{ due, recurrence: `FREQ=WEEKLY;INTERVAL=2;BYDAY=${weekdayOf(due)}`, description: "All of them" },
      ...{ priority: "high", tags: ["home"], scheduled: dayAfter(1), estimate_minutes: 15 },
      idempotency_key: crypto.randomUUID(),
    });
    expect(made.next_dues).toEqual([dayAfter(17), dayAfter(31)]);
    const answer = await complete(person, made.id);
    expect(answer.tasks).toMatchObject([{ id: made.id, status: "completed" }]);
    expect(answer.note).toBe(`Next: #${made.id + 1} "Water the plants" due ${dayAfter(17)}.`);
    const next = await person.runForTask("get_task", { task_id: made.id + 1 });
    expect(next).toMatchObject({
      ...{ title: "Water the plants", description: "All of them", status: "pending", priority: "high", tags: ["home"] },
      ...{ due: dayAfter(17), scheduled: dayAfter(15), estimate_minutes: 15, version: 1 },
      next_dues: [dayAfter(31), dayAfter(45)],
    });
    expect(next.recurrence).toBe(made.recurrence);
    expect(next.recurrence_text).toMatch(/^every 2 weeks on \w+day$/);
    const [first, second] = await rowsOf(person);
    expect(second).toMatchObject({ idempotency_key: null, last_change: first?.last_change, occurrence: 2 });
  });

  it("makes no second one when it is reopened and completed again", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    await complete(person, id);
    await person.run("update_task", { task_id: id, status: "pending" });
    expect((await complete(person, id)).note).toBeUndefined();
    await person.run("update_task", { task_id: id, status: "pending" });
    await person.run("update_task", { task_id: id, status: "completed" });
    expect(await rowsOf(person)).toHaveLength(2);
    // Also where the next one was completed meanwhile; where it was deleted there is one again.
    await complete(person, id + 1);
    await person.run("update_task", { task_id: id, status: "pending" });
    await complete(person, id);
    expect(await rowsOf(person)).toHaveLength(3);
    await person.run("delete_task", { task_id: id + 2 });
    await person.run("update_task", { task_id: id + 1, status: "pending" });
    expect((await complete(person, id + 1)).note).toContain(`Next: #${id + 3}`);
  });

  it("is undone with the next one, and done again", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    const { change } = await complete(person, id);
    const undone = await person.run("update_task", { undo: change });
    expect(await rowsOf(person)).toMatchObject([
      { id, status: "pending", deleted_at: null },
      { id: id + 1, deleted_at: expect.any(String) },
    ]);
    await person.run("update_task", { undo: undone.change });
    expect(await rowsOf(person)).toMatchObject([
      { id, status: "completed", deleted_at: null },
      { id: id + 1, status: "pending", deleted_at: null },
    ]);
    expect((await complete(person, id + 1)).note).toContain(`Next: #${id + 2}`);
  });

  it("is not undone where somebody has worked on the next one", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    const { change } = await complete(person, id);
    await person.run("update_task", { task_id: id + 1, priority: "high" });
    const refused = await person.call("update_task", { undo: change });
    expect((await problemOf(refused)).detail).toContain(`changed priority of #${id + 1}`);
  });

  it("leaves no two for one occurrence where a deleted one is restored", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    await complete(person, id);
    const { change } = await person.run("delete_task", { task_id: id + 1 });
    await person.run("update_task", { task_id: id, status: "pending" });
    await complete(person, id);
    await person.run("update_task", { undo: change });
    expect(await rowsOf(person)).toMatchObject([
      { id },
      { id: id + 1, deleted_at: null, recurrence: null, series: null },
      { id: id + 2, deleted_at: null, recurrence: "FREQ=DAILY", occurrence: 2 },
    ]);
  });

  it("works for whatever completes it: SQL, several at once, and a task that is made completed", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    await make(person, { due: dayAfter(2), recurrence: "FREQ=WEEKLY" });
    await make(person, { due: dayAfter(2), recurrence: "FREQ=DAILY;INTERVAL=3", recurrence_from: "completion" });
    await ownerQuery(
      "update tasks set status = 'completed', completed_at = now(), version = version + 1 where user_id = $1",
      [person.id],
    );
    const made = await person.run("create_task", {
      title: "Done",
      status: "completed",
      due: dayAfter(0),
      recurrence: "FREQ=DAILY",
    });
    expect(made.tasks).toHaveLength(1);
    expect((await rowsOf(person)).slice(3)).toMatchObject([
      { id: id + 3, due_date: dayAfter(2), status: "pending" },
      { due_date: dayAfter(9), status: "pending" },
      { due_date: dayAfter(3), status: "pending" },
      { title: "Done", status: "completed" },
      { title: "Done", status: "pending", due_date: dayAfter(1) },
    ]);
    const [numbers] = await ownerQuery("select last_task_id, task_count from users where id = $1", [person.id]);
    expect(numbers).toEqual({ last_task_id: 8, task_count: 8 });
  });

  it("is logged in the same change, by whom it was", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    const { change } = await complete(person, id);
    const logged = await ownerQuery(
      "select task_id, operation from task_changes where user_id = $1 and change = $2 order by 1",
      [person.id, change],
    );
    expect(logged).toEqual([
      { task_id: id, operation: "update" },
      { task_id: id + 1, operation: "insert" },
    ]);
    const { history } = await person.run("get_task", { task_id: id + 1, history: 5 });
    expect(history).toEqual([expect.stringContaining("created")]);
  });

  it("under a claim makes a next one that nobody has claimed", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    const { change: claim } = await person.run("update_task", { task_id: id, claim_minutes: 10 });
    expect((await person.call("complete_task", { task_id: id })).status).toBe(409);
    expect(await rowsOf(person)).toHaveLength(1);
    await person.run("complete_task", { task_id: id, claim });
    expect((await rowsOf(person))[1]).toMatchObject({ claim: null, claimed_by: null, claimed_until: null });
  });

  it("keeps the next one where this one's parent is, also while that is deleted", async () => {
    const parent = await make(person, { title: "House" });
    const { id } = await make(person, {
      due: dayAfter(1),
      recurrence: "FREQ=DAILY",
      parent_id: parent.id,
      discovered_from: parent.id,
    });
    await complete(person, id);
    await person.run("delete_task", { task_id: parent.id });
    await complete(person, id + 1);
    expect((await rowsOf(person)).slice(2)).toMatchObject([
      { parent_id: parent.id, discovered_from: null },
      { parent_id: parent.id, status: "pending" },
    ]);
  });

  it("answers a repeat with the same key as it did", async () => {
    const { id } = await make(person, { due: dayAfter(1), recurrence: "FREQ=DAILY" });
    const call = { task_id: id, idempotency_key: crypto.randomUUID() };
    const { change, tasks } = await person.run("complete_task", call);
    const again = await person.run("complete_task", call);
    expect(again).toMatchObject({ change, replayed: true, tasks: [{ id: tasks[0]?.id }] });
    expect(again.note).toContain(`Next: #${id + 1}`);
    expect(await rowsOf(person)).toHaveLength(2);
  });
});
