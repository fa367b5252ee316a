import { beforeEach, describe, expect, it } from "vitest";
import { textOfCall } from "../support/call-for-text.ts";
import { expectWholeLog, loggedCalls } from "../support/change-log.ts";
import { conflictOf } from "../support/claims.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;
beforeEach(async () => {
  person = await Person.signUp({ time_zone: "America/New_York" });
});

const rows = () =>
  ownerQuery("select id, title, parent_id from tasks where user_id = $1 and deleted_at is null order by id", [
    person.id,
  ]);

describe("several new tasks", () => {
  it("are made in their order under one number, each with its own fields", async () => {
    const tasks = [
      { title: "Milk", tags: ["shop", 'with "quotes", and {braces}'], priority: "high" },
      { title: "Call", due: "2026-12-01T09:00:00", estimate_minutes: 10 },
      { title: "Pay", due: "2026-12-02", description: "Rent\n- March" },
      { title: "Done", status: "completed", scheduled: "2026-12-01", position: 1.5 },
    ];
    const answer = await person.run("create_task", { tasks, note: "From the meeting." });
    expect(answer.change).toBe(1);
    expect(answer.failed).toBeUndefined();
    expect(answer.tasks).toMatchObject([
      { id: 1, ...tasks[0], status: "pending", description: "" },
      { id: 2, title: "Call", due: "2026-12-01T09:00:00-05:00", estimate_minutes: 10, tags: [], priority: "none" },
      { id: 3, ...tasks[2] },
      { id: 4, title: "Done", status: "completed", completed_at: expect.any(String), position: 1.5 },
    ]);
    expect(await loggedCalls(person.id)).toMatchObject([{ change: 1, tool: "create_task", note: "From the meeting." }]);
    await expectWholeLog(person.id);
    // As single calls make them.
    for (const task of tasks) await person.run("create_task", task);
    const single = await ownerQuery(
      `select distinct on (title) title from (
         select to_jsonb(tasks) - array['id', 'created_at', 'updated_at', 'completed_at', 'last_change'] as task, title
         from tasks where user_id = $1
       ) as made group by title, task having count(*) = 2`,
      [person.id],
    );
    expect(single).toHaveLength(4);
  });

  it("bring their subtasks", async () => {
    await person.run("create_task", { title: "Before" });
    const tasks = [
      {
        title: "Party",
        subtasks: [
          { title: "Cake", tags: "food" },
          { title: "Music", due: "" },
        ],
      },
      { title: "Taxes", subtasks: { title: "Receipts" }, parent_id: "#1" },
    ];
    await person.run("create_task", { tasks: JSON.stringify(tasks) });
    await person.run("create_task", { title: "Trip", subtasks: [{ title: "Pack" }] });
    expect(await rows()).toEqual([
      { id: 1, title: "Before", parent_id: null },
      { id: 2, title: "Party", parent_id: null },
      { id: 3, title: "Cake", parent_id: 2 },
      { id: 4, title: "Music", parent_id: 2 },
      { id: 5, title: "Taxes", parent_id: 1 },
      { id: 6, title: "Receipts", parent_id: 5 },
      { id: 7, title: "Trip", parent_id: null },
      { id: 8, title: "Pack", parent_id: 7 },
    ]);
    await expectWholeLog(person.id);
  });

  it("say of one that comes with its subtasks which field of the call is wrong, and nothing is made", async () => {
    for (const [field, task] of [
      ["parent_id", { title: "Lost", parent_id: 99, subtasks: [{ title: "Below" }] }],
      ["subtasks.1.blocked_by", { title: "Kept", subtasks: [{ title: "Below" }, { title: "Too", blocked_by: [99] }] }],
    ] as const) {
      const problem = await problemOf(await person.call("create_task", task));
      expect(problem.status).toBe(400);
      expect(problem.errors).toEqual([
        { field, message: "must be the id of a task that is there: there is no task #99" },
      ]);
    }
    expect((await person.run("list_tasks", { status: "all" })).tasks).toEqual([]);
  });

  it("fail one by one with their subtasks, or all with atomic", async () => {
    const tasks = [
      { title: "Lost", parent_id: 99, subtasks: [{ title: "Below" }] },
      { title: "Kept", subtasks: [{ title: "Below that" }] },
      { title: "Found", discovered_from: 98 },
    ];
    expect(await conflictOf(person, "create_task", { tasks, atomic: true })).toBe(
      "Nothing was changed, as not all can be done: tasks.0: parent_id must be the id of a task that is there: there is no " +
        "task #99; tasks.2: discovered_from must be the id of a task that is there: there is no task #98.",
    );
    expect(await rows()).toEqual([]);
    const { failed } = await person.run("create_task", { tasks });
    expect(failed).toEqual([
      {
        index: 0,
        error: "invalid_input",
        message: expect.stringMatching(/^parent_id must be .* there is no task #99$/),
      },
      { index: 2, error: "invalid_input", message: expect.stringMatching(/^discovered_from must be /) },
    ]);
    expect(await rows()).toEqual([
      { id: 1, title: "Kept", parent_id: null },
      { id: 2, title: "Below that", parent_id: 1 },
    ]);
  });

  it("fail one by one whatever they refer to, and whatever a subtask of theirs does", async () => {
    const tasks = [
      { title: "Waits", blocked_by: [97] },
      { title: "Kept" },
      { title: "Found", subtasks: [{ title: "Below", discovered_from: 96 }] },
      { title: "Waits too", subtasks: [{ title: "Below that", blocked_by: [95] }] },
    ];
    const { failed } = await person.run("create_task", { tasks });
    const missing = (field: string, id: number) =>
      `${field} must be the id of a task that is there: there is no task #${id}`;
    expect(failed).toEqual([
      { index: 0, error: "invalid_input", message: missing("blocked_by", 97) },
      { index: 2, error: "invalid_input", message: missing("subtasks.0.discovered_from", 96) },
      { index: 3, error: "invalid_input", message: missing("subtasks.0.blocked_by", 95) },
    ]);
    expect((await rows()).map(({ title }) => title)).toEqual(["Kept"]);
    await expectWholeLog(person.id);
  });

  it("are made as far as there is room", async () => {
    await ownerQuery("update users set task_count = 99997 where id = $1", [person.id]);
    const tasks = [{ title: "One" }, { title: "Two", subtasks: [{ title: "Three" }] }, { title: "Four" }];
    const { failed } = await person.run("create_task", { tasks });
    expect(failed).toEqual([
      {
        index: 2,
        error: "conflict",
        message: expect.stringContaining("You have 100,000 tasks, the most there can be."),
      },
    ]);
    expect((await rows()).map(({ title }) => title)).toEqual(["One", "Two", "Three"]);
    const refused = await person.call("create_task", { title: "Five", subtasks: [{ title: "Six" }] });
    expect(refused.status).toBe(409);
  });

  it("are answered by a repeat as they were made", async () => {
    const call = { tasks: [{ title: "A" }, { title: "B", parent_id: 9 }], idempotency_key: "k" };
    const first = await person.run("create_task", call);
    const again = await person.run("create_task", call);
    expect(again).toMatchObject({ replayed: true, change: 1, tasks: first.tasks, failed: first.failed });
    expect(await rows()).toHaveLength(1);

    const both = { tasks: [{ title: "C" }, { title: "D" }], idempotency_key: "l" };
    await person.run("create_task", both);
    expect(await textOfCall(person, "create_task", both)).toBe(
      'This key was used before; nothing was done now. That call: Created #2 "C" · pending · version 1\n' +
        'Created #3 "D" · pending · version 1 · change 2',
    );
  });

  it.each([
    [{}, "title is required, or tasks with at least one in it"],
    [{ tasks: [] }, "title is required, or tasks with at least one in it"],
    [{ tasks: [{}] }, "tasks.0.title is required"],
    [{ tasks: [{ title: "A" }], title: "B" }, "title must be left out beside tasks, or stand in one of them"],
    [{ tasks: [{ title: "A", due: "soon" }] }, /^tasks\.0\.due must be a date/],
    [
      { tasks: [{ title: "A" }, { title: "B", due: "2026-12-01", recurrence: "FREQ=DAILY;UNTIL=20261201" }] },
      /^tasks\.1\.recurrence must have a later UNTIL/,
    ],
    [
      { tasks: [{ title: "A", subtasks: [{ title: "B", recurrence_from: "completion" }] }] },
      /^tasks\.0\.subtasks\.0\.recurrence_from /,
    ],
    [{ title: "A", subtasks: [{ title: "B", recurrence_from: "completion" }] }, /^subtasks\.0\.recurrence_from /],
    [{ tasks: [{ title: "A" }, { name: "B" }] }, /^tasks\.1\.title is required\. Unknown field tasks\.1\.name/],
    [{ tasks: Array.from({ length: 26 }, () => ({ title: "A" })) }, "tasks must have at most 25 items"],
    [
      { tasks: Array.from({ length: 13 }, () => ({ title: "A", subtasks: [{ title: "B" }] })) },
      "tasks must be at most 25 tasks, subtasks among them",
    ],
  ])("are refused where they do not fit: %#", async (input, message) => {
    const { detail } = await problemOf(await person.call("create_task", input));
    expect(detail).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
    expect(await rows()).toEqual([]);
  });
});
