import { beforeEach, describe, expect, it } from "vitest";
import { expectWholeLog, loggedCalls } from "../support/change-log.ts";
import { conflictOf, rowOf } from "../support/claims.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;
beforeEach(async () => {
  person = await Person.signUp();
});

/** Makes so many tasks past the worker. */
const fill = (count: number, due = "2026-12-04") =>
  ownerQuery(
    "insert into tasks (user_id, title, due_date) select $1, 'Task ' || number, $3 from generate_series(1, $2) as number",
    [person.id, count, due],
  );

const friday = { due_from: "2026-12-04", due_before: "2026-12-05" };

describe("tasks that fit a filter", () => {
  it("are changed all at once, under one number, whatever they are then", async () => {
    await fill(30);
    await fill(1, "2026-12-06");
    const call = { match: friday, expect_count: 30, due: "2026-12-07" };
    const { tasks, more, change } = await person.run("update_task", call);
    expect([tasks.length, more, change]).toEqual([25, 5, 3]);
    expect(tasks[0]).toEqual({ id: 1, title: "Task 1", status: "pending", due: "2026-12-07", version: 2 });
    const dues = await ownerQuery(
      "select due_date::text as due, count(*)::int as count from tasks where user_id = $1 group by 1 order by 1",
      [person.id],
    );
    expect(dues).toEqual([
      { due: "2026-12-06", count: 1 },
      { due: "2026-12-07", count: 30 },
    ]);
    await expectWholeLog(person.id);
  });

  it("are left where their number is another, which is told", async () => {
    await fill(3);
    const call = { match: friday, expect_count: 2 };
    expect(await conflictOf(person, "complete_task", call)).toBe(
      "3 tasks fit match, not 2; nothing was changed. Look at them with list_tasks, and give their number as expect_count.",
    );
    expect(await conflictOf(person, "complete_task", { match: { search: "nowhere" }, expect_count: 1 })).toContain(
      "0 tasks fit match, not 1",
    );
    expect((await loggedCalls(person.id)).at(-1)).toMatchObject({ change: 1 });
    expect((await person.run("complete_task", { ...call, expect_count: "3" })).tasks).toHaveLength(3);
  });

  it("are told with how many failed beside those that are listed, and how many more come next", async () => {
    await fill(30);
    const agent = await person.withScopes(["tasks:write", "tasks:read"]);
    for (const count of [25, 5]) await agent.run("update_task", { claim_next: count });
    const { failed, note } = await person.run("complete_task", { match: friday, expect_count: 30 });
    expect([failed?.length, note]).toEqual([25, "Nothing was changed. 30 failed, of which 25 are listed."]);

    const title = "Water the plants on the balcony and those in the kitchen";
    const tasks = Array.from({ length: 15 }, () => ({ title, due: "2026-12-08", recurrence: "FREQ=DAILY" }));
    for (let part = 0; part < 2; part += 1) await person.run("create_task", { tasks });
    const call = { match: { recurring: true }, expect_count: 30, idempotency_key: "all" };
    const next = (await person.run("complete_task", call)).note ?? "";
    expect(next).toMatch(/^Next: #\d+ "Water the plants on the balcony…" due 2026-12-09; .*; and 5 more\.$/);
    expect(next.match(/Water/g)).toHaveLength(25);
    const reused = await conflictOf(person, "complete_task", { ...call, expect_count: 1 });
    expect(reused.match(/Water/g)).toHaveLength(10);
    expect(reused).toContain("; and 50 more. Nothing was done now");
  });

  it("fail one by one where they are held, or all with atomic", async () => {
    await fill(3);
    const agent = await person.withScopes(["tasks:write", "tasks:read"]);
    await agent.run("update_task", { task_id: 2, claim_minutes: 30 });
    const call = { match: JSON.stringify(friday), expect_count: 3, priority: "high" };
    expect(await conflictOf(person, "update_task", { ...call, atomic: true })).toMatch(/#2: claimed by "Laptop"/);
    const { tasks, failed } = await person.run("update_task", call);
    expect(tasks.map(({ id }) => id)).toEqual([1, 3]);
    expect(failed).toMatchObject([{ task_id: 2, error: "conflict" }]);
    expect(await rowOf(person, 2)).toMatchObject({ priority: "none" });
  });

  it("are up to 500, and one undo takes all of it back", { timeout: 60_000 }, async () => {
    await fill(500);
    const { change, more } = await person.run("complete_task", { match: friday, expect_count: 500 });
    expect(more).toBe(475);
    expect((await person.run("list_tasks", { status: "open" })).tasks).toEqual([]);
    const undone = await person.run("update_task", { undo: change });
    expect([undone.tasks.length, undone.more]).toEqual([25, 475]);
    expect((await person.run("list_tasks", { status: "open", limit: 100 })).tasks).toHaveLength(100);
    await fill(1);
    expect(await conflictOf(person, "complete_task", { match: friday, expect_count: 500 })).toBe(
      "More than 500 tasks fit match, not 500; nothing was changed. Narrow it.",
    );
  });

  it("that recur make as many next ones, which one undo takes back too", { timeout: 60_000 }, async () => {
    await ownerQuery(
      `insert into tasks (user_id, title, due_date, recurrence)
       select $1, 'Task ' || number, '2026-12-04', 'FREQ=DAILY' from generate_series(1, 300) as number`,
      [person.id],
    );
    const { change } = await person.run("complete_task", { match: friday, expect_count: 300 });
    const count = () =>
      ownerQuery(
        "select status, count(*)::int as count from tasks where user_id = $1 and deleted_at is null group by 1 order by 1",
        [person.id],
      );
    expect(await count()).toEqual([
      { status: "completed", count: 300 },
      { status: "pending", count: 300 },
    ]);
    await person.run("update_task", { undo: change });
    expect(await count()).toEqual([{ status: "pending", count: 300 }]);
    await expectWholeLog(person.id);
  });

  it("are told again by a repeat, although they fit no more", async () => {
    await fill(2);
    const call = { match: friday, expect_count: 2, clear: ["due"], idempotency_key: "k" };
    const first = await person.run("update_task", call);
    expect(await person.run("update_task", call)).toMatchObject({
      replayed: true,
      change: first.change,
      tasks: [{}, {}],
    });
  });

  it("are those that a call names, where their number is given beside their ids", async () => {
    await fill(2);
    expect((await person.run("complete_task", { task_ids: [1, 2], expect_count: 2 })).tasks).toHaveLength(2);
  });

  it.each([
    [{ match: friday }, "expect_count must be given with match: how many tasks fit, which list_tasks says with total"],
    [{ match: friday, expect_count: 1, task_id: 1 }, "match cannot go with task_id; do one of the two"],
    [{ match: { status: "deleted" }, expect_count: 1 }, "match finds no deleted tasks; undo brings them back"],
    [
      { match: { priority: "none" }, expect_count: 2 },
      "match finds any priority with none; leave priority out for that",
    ],
    [{ match: friday, expect_count: 501 }, "expect_count must be at most 500"],
    [{ expect_count: 1 }, "match must be given with expect_count"],
    [{ task_ids: [1, 2], expect_count: 3 }, "expect_count must be how many tasks the call names, 2, or be left out"],
    [
      { match: friday, expect_count: 26, claim_minutes: 5 },
      "expect_count must be at most 25 with claim_minutes: a call claims no more",
    ],
    [
      { match: { due_from: "2026-12-05", due_before: "2026-12-04" }, expect_count: 1 },
      "match.due_before must be later than due_from",
    ],
    [{ match: { when: "today" }, expect_count: 1 }, /^Unknown field match\.when/],
    [{ match: friday, expect_count: 1, expected_version: 1 }, "expected_version goes with one task alone"],
  ])("are refused where a call does not fit: %j", async (input, message) => {
    const { detail } = await problemOf(await person.call("update_task", { priority: "high", ...input }));
    expect(detail).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
  });
});
