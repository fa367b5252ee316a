import { beforeEach, describe, expect, it } from "vitest";
import { expectWholeLog, loggedCalls } from "../support/change-log.ts";
import { conflictOf, lapse, rowOf } from "../support/claims.ts";
import { statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;
let agent: Person;
beforeEach(async () => {
  person = await Person.signUp();
  agent = await person.withScopes(["tasks:write", "tasks:read"]);
});

async function newTasks(count: number, fields = {}): Promise<number[]> {
  const ids: number[] = [];
  for (let number = 1; number <= count; number += 1) {
    ids.push((await person.runForTask("create_task", { title: `Task ${number}`, ...fields })).id);
  }
  return ids;
}

/** The text that a model is answered with. */
async function textOf(name: string, input: Record<string, unknown>): Promise<string> {
  const response = await statelessRequest(person, "tools/call", { name, arguments: input });
  return JSON.stringify(await response.json());
}

describe("several tasks in one call", () => {
  it("are completed under one number", async () => {
    const ids = await newTasks(3);
    const { tasks, change, failed } = await person.run("complete_task", { task_ids: ids });
    expect(tasks.map(({ id, status }) => [id, status])).toEqual(ids.map((id) => [id, "completed"]));
    expect(change).toBe(4);
    expect(failed).toBeUndefined();
    expect((await loggedCalls(person.id)).at(-1)).toMatchObject({ change: 4, tool: "complete_task" });
    await expectWholeLog(person.id);
  });

  it("that recur are each followed by the next of its series, in the same change", async () => {
    const series = ["FREQ=DAILY", "FREQ=WEEKLY"].map((recurrence) => ({
      title: recurrence,
      recurrence,
      due: "2026-12-01",
    }));
    const { tasks: made } = await person.run("create_task", { tasks: [...series, { title: "Once" }] });
    const { tasks, change } = await person.run("complete_task", { task_ids: made.map(({ id }) => id) });
    expect(tasks.map(({ title, status }) => [title, status])).toEqual([
      ["FREQ=DAILY", "completed"],
      ["FREQ=WEEKLY", "completed"],
      ["Once", "completed"],
    ]);
    expect((await person.run("list_tasks")).tasks).toMatchObject([
      { title: "FREQ=DAILY", due: "2026-12-02" },
      { title: "FREQ=WEEKLY", due: "2026-12-08" },
    ]);
    expect(change).toBe(2);
    await expectWholeLog(person.id);
  });

  it("are deleted, and answered as they were; an undo brings them back", async () => {
    const ids = await newTasks(2);
    const { tasks, change } = await person.run("delete_task", { task_ids: ids });
    expect(tasks).toMatchObject([{ title: "Task 1", version: 1 }, { title: "Task 2" }]);
    expect((await person.run("list_tasks")).tasks).toEqual([]);
    await person.run("update_task", { undo: change });
    expect((await person.run("list_tasks")).tasks).toHaveLength(2);
  });

  it("fail one by one, each told why; all else is done", async () => {
    const [done = 0, held = 0, open = 0, gone = 0, foreign = 999] = await newTasks(4);
    await person.run("complete_task", { task_id: done });
    await person.run("delete_task", { task_id: gone });
    await agent.run("update_task", { task_id: held, claim_minutes: 30 });
    const answer = await person.run("complete_task", { task_ids: [foreign, held, done, open, gone] });
    expect(answer.tasks.map(({ id, status }) => [id, status])).toEqual([
      [open, "completed"],
      [done, "completed"],
    ]);
    expect(answer.failed).toEqual([
      { task_id: foreign, error: "not_found", message: "Task not found" },
      { task_id: held, error: "conflict", message: expect.stringMatching(/^claimed by "Laptop" until 20/) },
      { task_id: gone, error: "not_found", message: "Task not found" },
    ]);
    expect(await rowOf(person, held)).toMatchObject({ status: "pending" });
    await expectWholeLog(person.id);
  });

  it("are all done or none with atomic, and it is said why", async () => {
    const [one = 0, held = 0] = await newTasks(2);
    await agent.run("update_task", { task_id: held, claim_minutes: 30 });
    const told = await conflictOf(person, "complete_task", { task_ids: [one, held, 77], atomic: true });
    expect(told).toMatch(
      new RegExp(
        `^Nothing was changed, as not all can be done: #${held}: claimed by "Laptop" until .*; #77: Task not found\\.$`,
      ),
    );
    expect(await rowOf(person, one)).toMatchObject({ status: "pending" });
    expect((await loggedCalls(person.id)).at(-1)).toMatchObject({ change: 3 });

    await lapse(person, held);
    await person.run("complete_task", { task_id: one });
    const { tasks } = await person.run("complete_task", { task_ids: [one, held], atomic: true });
    expect(tasks.map(({ status }) => status)).toEqual(["completed", "completed"]);
  });

  it("are held to the one claim that a call names", async () => {
    const [one = 0, two = 0, free = 0] = await newTasks(3);
    const { change: claim } = await agent.run("update_task", { claim_next: 2 });
    const answer = await agent.run("complete_task", { task_ids: [one, two, free], claim });
    expect(answer.tasks.map(({ id }) => id)).toEqual([one, two]);
    expect(answer.failed).toEqual([
      {
        task_id: free,
        error: "conflict",
        message: `claim ${claim} does not hold: it was ended, or never made`,
      },
    ]);
  });

  it("say in the text what was done, what was so before, and what failed", async () => {
    const [one = 0, two = 0] = await newTasks(2);
    await person.run("complete_task", { task_id: one });
    const text = await textOf("complete_task", { task_ids: [one, two, 50] });
    expect(text).toContain(`Completed #${two} \\"Task 2\\" · completed `);
    expect(text).toContain(`Unchanged #${one} `);
    expect(text).toContain(" · change 4\\nFailed #50: Task not found.");
  });

  it("are told in brief where they are many", async () => {
    const ids = await newTasks(7, { description: "Long ".repeat(200) });
    const { tasks } = await person.run("complete_task", { task_ids: ids });
    expect(tasks).toHaveLength(7);
    expect(tasks[0]).toEqual({
      id: 1,
      title: "Task 1",
      status: "completed",
      version: 2,
      completed_at: expect.any(String),
    });
    const text = await textOf("delete_task", { task_ids: ids });
    expect(text).toContain(`Deleted 7 tasks · change 9:\\n#1 \\"Task 1\\" · completed `);
  });

  it("are counted in brief: those that changed, by a repeat too, and all where none did", async () => {
    const ids = await newTasks(7);
    await person.run("complete_task", { task_id: ids[0] });
    const call = { task_ids: ids, idempotency_key: "brief" };
    expect(await textOf("complete_task", call)).toContain("Completed 6 tasks · change 9:");
    expect(await textOf("complete_task", call)).toContain("That call: Completed 6 tasks · change 9:");
    const again = await textOf("complete_task", { task_ids: ids });
    expect(again).toContain("It was completed before; nothing was changed. 7 tasks:");
    expect(again).not.toContain("unchanged");
    const open = await newTasks(6);
    const { change: claim } = await person.run("update_task", { task_ids: open, claim_minutes: 5 });
    expect(await textOf("update_task", { task_ids: open, claim, claim_minutes: 60 })).toContain(
      "Claim renewed: 6 tasks:",
    );
  });

  it("answer a repeat with what failed the first time", async () => {
    const [one = 0, done = 0] = await newTasks(2);
    await person.run("complete_task", { task_id: done });
    const call = { task_ids: [one, done, 40], idempotency_key: "k" };
    const first = await person.run("complete_task", call);
    const again = await person.run("complete_task", call);
    expect(again).toMatchObject({ replayed: true, change: first.change, failed: first.failed });
    expect(again.failed).toEqual([{ task_id: 40, error: "not_found", message: "Task not found" }]);
    expect(again.tasks).toMatchObject([{ id: one, status: "completed" }]);
    expect(again.note).toContain(`#${done} was so before.`);
  });

  it("are one task where they are one: what fails is the call", async () => {
    const [one = 0] = await newTasks(1);
    expect((await person.call("complete_task", { task_ids: [12] })).status).toBe(404);
    const { tasks } = await person.run("complete_task", { task_ids: String(one), task_id: one });
    expect(tasks).toEqual([
      { id: one, title: expect.any(String), status: "completed", version: 2, completed_at: expect.any(String) },
    ]);
  });

  it("take no expected_version, are 25 at most, and one at least", async () => {
    const detailOf = async (input: unknown) => (await problemOf(await person.call("delete_task", input))).detail;
    expect(await detailOf({ task_ids: [1, 2], expected_version: 1 })).toBe(
      "expected_version goes with one task alone: leave it out, or change one task after the other",
    );
    expect(await detailOf({ task_ids: Array.from({ length: 26 }, (_, index) => index + 1) })).toBe(
      "task_ids must have at most 25 items",
    );
    expect(await detailOf({ task_id: 99, task_ids: Array.from({ length: 25 }, (_, index) => index + 1) })).toBe(
      "task_ids must have at most 25 items, task_id among them",
    );
    expect(await detailOf({})).toBe("task_ids is required");
    const detailOfCompletion = (await problemOf(await person.call("complete_task", {}))).detail;
    expect(detailOfCompletion).toBe("task_ids is required, or match");
  });

  it("deleted together are told as they were, each with the others that it refers to", async () => {
    const { tasks } = await person.run("create_task", {
      title: "Trip",
      subtasks: [{ title: "Pack" }, { title: "Book", status: "completed" }],
    });
    const [top = 0, packing = 0, booking = 0] = tasks.map(({ id }) => id);
    const last = await person.runForTask("create_task", {
      ...{ title: "Leave", parent_id: top, blocked_by: [packing, booking], discovered_from: booking },
    });
    const text = await textOf("delete_task", { task_ids: [last.id, top, packing, booking] });
    expect(text.match(new RegExp(`subtask of #${top} `, "g"))).toHaveLength(3);
    expect(text).toContain(`subtask of #${top} · blocked by #${packing} ·`);
  });
});

describe("update_task", () => {
  it("changes several at once, and tells what each had already", async () => {
    const ids = await newTasks(3);
    await person.run("update_task", { task_id: ids[1], priority: "high" });
    const { tasks, change, note } = await person.run("update_task", { task_ids: ids, priority: "high" });
    expect(tasks.map(({ id, priority, version }) => [id, priority, version])).toEqual([
      [ids[0], "high", 2],
      [ids[2], "high", 2],
      [ids[1], "high", 2],
    ]);
    expect([change, note]).toEqual([5, undefined]);
    const again = await person.run("update_task", { task_ids: ids, priority: "high" });
    expect(again).toMatchObject({ note: "It was so before; nothing was changed.", tasks: [{}, {}, {}] });
    expect(again.change).toBeUndefined();
  });

  it("claims several under one number, passes over what cannot be claimed, and ends them all", async () => {
    const [one = 0, two = 0, done = 0, held = 0] = await newTasks(4);
    await person.run("complete_task", { task_id: done });
    await agent.run("update_task", { task_id: held, claim_minutes: 30 });
    const ids = [one, two, done, held];
    const { tasks, change: claim, failed } = await person.run("update_task", { task_ids: ids, claim_minutes: 10 });
    expect(tasks.map(({ id, claimed_by: holder }) => [id, holder])).toEqual([
      [one, "http"],
      [two, "http"],
    ]);
    expect(failed).toMatchObject([
      { task_id: done, message: "it is completed; only a task that is pending or in_progress can be claimed" },
      { task_id: held, message: expect.stringContaining('claimed by "Laptop"') },
    ]);
    const renewed = await person.run("update_task", { task_ids: [one, two], claim, claim_minutes: 60 });
    expect(renewed).toMatchObject({ note: "Claim renewed.", tasks: [{ id: one }, { id: two }] });
    const ended = await person.run("update_task", { task_ids: [one, two, held], claim, release: true });
    expect(ended.tasks.map(({ claimed_by: holder }) => holder)).toEqual([undefined, undefined]);
    expect(ended.failed).toMatchObject([{ task_id: held, message: expect.stringContaining("claimed it after that") }]);
  });

  it.each([
    [{ add_tags: ["a"], tags: ["b"] }, "add_tags cannot go with tags; do one of the two"],
    [{ remove_tags: ["a"], clear: ["tags"] }, "remove_tags cannot go with clear of tags; do one of the two"],
    [{ append: "a", description: "b" }, "append cannot go with description; do one of the two"],
    [{ add_tags: ["A"], remove_tags: ["a"] }, 'remove_tags names "A", which add_tags adds; do one of the two'],
    [{ title: "Same" }, "title goes with one task alone"],
    [{ claim_next: 2 }, "task_ids must be left out beside claim_next, which takes tags and claim_minutes"],
  ])("refuses %j for several", async (input, message) => {
    const refused = await person.call("update_task", { task_ids: [1, 2], ...input });
    expect((await problemOf(refused)).detail).toBe(message);
  });
});

describe("get_task", () => {
  it("reads several, in the order asked for, and tells which there are not", async () => {
    const [one = 0, two = 0] = await newTasks(2);
    const { tasks, failed } = await person.run("get_task", { task_ids: [two, 9, one] });
    expect(tasks.map(({ id }) => id)).toEqual([two, one]);
    expect(failed).toEqual([{ task_id: 9, error: "not_found", message: "Task not found" }]);
    expect((await person.call("get_task", { task_ids: [9, 10] })).status).toBe(404);
    const refused = await problemOf(await person.call("get_task", { task_ids: [one, two], history: 3 }));
    expect(refused.detail).toBe("history goes with one task alone");
    const before = await problemOf(await person.call("get_task", { task_ids: [one, two], before_change: 3 }));
    expect(before.detail).toBe("before_change goes with one task alone");
  });

  it("cuts the descriptions of several that are longer than that of one may be, and says so", async () => {
    const ids = await newTasks(3, { description: "x".repeat(4_000) });
    const { tasks } = await person.run("get_task", { task_ids: ids });
    expect(tasks).toMatchObject(ids.map((id) => ({ id, cut: true, description: `${"x".repeat(3_333)}…` })));
    expect(await textOf("get_task", { task_ids: ids })).toContain("goes on: read that task alone");
  });
});

it("rows of the release before, which keep nothing of what failed, are answered", async () => {
  const [one = 0] = await newTasks(1);
  const call = { task_id: one, idempotency_key: "old" };
  await person.run("complete_task", call);
  await ownerQuery("update idempotency_keys set refused = null where user_id = $1", [person.id]);
  expect(await person.run("complete_task", call)).toMatchObject({ replayed: true, tasks: [{ id: one }] });
});
