import { beforeAll, describe, expect, it } from "vitest";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;

beforeAll(async () => {
  person = await Person.signUp();
});

const rowOf = async (id: number) =>
  (await ownerQuery("select * from tasks where user_id = $1 and id = $2", [person.id, id]))[0];

describe("create_task", () => {
  it("keeps everything it is given", async () => {
    const task = await person.runForTask("create_task", {
      title: "  Buy milk 🥛 ",
      description: "Two litres.\nNot the blue one.",
      status: "in_progress",
      priority: "high",
      due: "2026-11-30",
      tags: ["groceries", "home", "groceries"],
    });

    expect(task).toMatchObject({
      title: "Buy milk 🥛",
      description: "Two litres.\nNot the blue one.",
      status: "in_progress",
      priority: "high",
      due: "2026-11-30",
      tags: ["groceries", "home"],
      version: 1,
    });
    expect(await rowOf(task.id)).toMatchObject({
      user_id: person.id,
      title: "Buy milk 🥛",
      status: "in_progress",
      priority: "high",
      due_date: "2026-11-30",
      due_at: null,
      tags: ["groceries", "home"],
      completed_at: null,
    });
  });

  it("keeps the first of tags that differ in case only, as a filter finds either", async () => {
    const tags = ["Groceries", "GROCERIES", "home", "groceries", "Home"];
    const { tags: kept } = await person.runForTask("create_task", { title: "Shop", tags });

    expect(kept).toEqual(["Groceries", "home"]);
  });

  it("keeps texts composed, and tags once that are the same then", async () => {
    const task = await person.runForTask("create_task", {
      title: "Cafe\u0301",
      description: "n\u0303",
      tags: ["Cafe\u0301", "home", "Caf\u00e9"],
    });

    expect(task).toMatchObject({ title: "Caf\u00e9", description: "\u00f1", tags: ["Caf\u00e9", "home"] });
  });

  it("gives what is left out its default", async () => {
    const task = await person.runForTask("create_task", { title: "Plain" });

    expect(task).toMatchObject({ description: "", status: "pending", priority: "none", tags: [] });
    expect(task).not.toHaveProperty("due");
    expect(task).not.toHaveProperty("completed_at");
    expect(task.created_at).toBe(task.updated_at);
  });

  it("keeps a due moment, whatever its offset", async () => {
    const task = await person.runForTask("create_task", { title: "Call", due: "2026-11-30T17:00:00+01:00" });

    expect(task.due).toBe("2026-11-30T16:00:00+00:00");
  });

  it("makes one task for one idempotency key, however often it is called", async () => {
    const input = { title: "Once", idempotency_key: crypto.randomUUID() };
    const calls = await Promise.all([1, 2, 3, 4].map(() => person.run("create_task", input)));

    expect(new Set(calls.map(({ tasks }) => tasks[0]?.id)).size).toBe(1);
    expect(calls.filter(({ replayed }) => replayed === true)).toHaveLength(3);
    expect(
      await ownerQuery("select count(*)::int from tasks where idempotency_key = $1", [input.idempotency_key]),
    ).toEqual([{ count: 1 }]);
  });

  it("keeps one user's idempotency keys apart from another's", async () => {
    const other = await Person.signUp();
    const input = { title: "Once each", idempotency_key: crypto.randomUUID() };

    await other.runForTask("create_task", input);
    await person.runForTask("create_task", input);

    expect(
      await ownerQuery("select user_id from tasks where idempotency_key = $1 order by user_id", [
        input.idempotency_key,
      ]),
    ).toEqual([person.id, other.id].sort((a, b) => a - b).map((id) => ({ user_id: id })));
  });

  it("says when a task that is created completed was completed", async () => {
    const task = await person.runForTask("create_task", { title: "Done already", status: "completed" });

    expect(task.completed_at).toBe(task.created_at);
  });
});

describe("get_task", () => {
  it("reads a task", async () => {
    const created = await person.runForTask("create_task", { title: "Read me", description: "Here." });

    expect(await person.runForTask("get_task", { task_id: created.id })).toEqual({ ...created, created_by: "http" });
  });

  it("says that a task was not found", async () => {
    const response = await person.call("get_task", { task_id: 2_147_483_647 });

    expect(response.status).toBe(404);
    expect((await problemOf(response)).detail).toBe("Task not found");
  });
});

describe("update_task", () => {
  it("changes what it is given and nothing else", async () => {
    const before = await person.runForTask("create_task", { title: "Old", description: "Stays", tags: ["a"] });
    const after = await person.runForTask("update_task", { task_id: before.id, title: "New", priority: "urgent" });

    expect(after).toEqual({
      ...before,
      title: "New",
      priority: "urgent",
      version: 2,
      updated_at: expect.any(String),
    });
    expect(Date.parse(after.updated_at)).toBeGreaterThanOrEqual(Date.parse(before.updated_at));
    expect(await rowOf(before.id)).toMatchObject({
      title: "New",
      description: "Stays",
      priority: "urgent",
      version: 2,
    });
  });

  it("clears the fields it is told to clear", async () => {
    const full = { title: "Full", description: "Text", due: "2026-12-24", tags: ["x"], priority: "low" };
    const { id } = await person.runForTask("create_task", full);
    const task = await person.runForTask("update_task", {
      task_id: id,
      clear: ["description", "due", "tags", "priority"],
    });

    expect(task).toMatchObject({ title: "Full", description: "", tags: [], priority: "none" });
    expect(task).not.toHaveProperty("due");
  });

  it.each([
    ["a value", { title: "Same" }],
    ["a status", { status: "completed" }],
    ["the status of a task that nobody has begun", { status: "pending" }, { status: "pending" }],
    ["tags", { tags: ["a", "b"] }],
    ["a due moment by the person's clock", { due: "2026-12-24T12:00:00" }],
    ["the same due moment with an offset", { due: "2026-12-24T13:00:00+01:00" }],
    ["a due day", { due: "2026-12-24" }, { due: "2026-12-24" }],
    ["nothing to clear", { clear: ["due", "description", "tags", "priority"] }, { due: undefined, tags: [] }],
  ])("leaves a task as it is that is so already, its version too: %s", async (_, edit, before: object = {}) => {
    const usual = { title: "Same", status: "completed", tags: ["a", "b"], due: "2026-12-24T12:00:00Z" };
    const { id } = await person.runForTask("create_task", { ...usual, ...before });
    const row = await rowOf(id);
    const answer = await person.run("update_task", { task_id: id, ...edit, expected_version: 1 });

    expect(answer).toMatchObject({ tasks: [{ id, version: 1 }], note: "It was so before; nothing was changed." });
    expect(await rowOf(id)).toEqual(row);
    expect((await person.call("update_task", { task_id: id, ...edit, expected_version: 2 })).status).toBe(409);
  });

  it("changes all that it is given where one of it is new", async () => {
    const { id } = await person.runForTask("create_task", { title: "Same" });
    const task = await person.runForTask("update_task", { task_id: id, title: "Same", priority: "low" });

    expect(task).toMatchObject({ title: "Same", priority: "low", version: 2 });
  });

  it("turns a due day into a due moment and back", async () => {
    const { id } = await person.runForTask("create_task", { title: "Due", due: "2026-12-24" });
    await person.run("update_task", { task_id: id, due: "2026-12-24T12:00:00Z" });
    expect(await rowOf(id)).toMatchObject({ due_date: null });
    await person.run("update_task", { task_id: id, due: "2026-12-25" });

    expect(await rowOf(id)).toMatchObject({ due_date: "2026-12-25", due_at: null });
  });

  it("keeps the completion in step with the status", async () => {
    const { id } = await person.runForTask("create_task", { title: "There and back" });

    expect(await person.runForTask("update_task", { task_id: id, status: "completed" })).toHaveProperty("completed_at");
    expect(await person.runForTask("update_task", { task_id: id, status: "pending" })).not.toHaveProperty(
      "completed_at",
    );
  });

  it("changes nothing when the task has moved on from the expected version", async () => {
    const { id } = await person.runForTask("create_task", { title: "First" });
    await person.run("update_task", { task_id: id, title: "Second", expected_version: 1 });
    const response = await person.call("update_task", { task_id: id, title: "Third", expected_version: 1 });

    expect(response.status).toBe(409);
    expect((await problemOf(response)).detail).toMatch(
      /^The task is at version 2, not 1; nothing was changed\. Since then:\nchange \d+ · \S+ · title "First" → "Second" · by http$/,
    );
    expect(await rowOf(id)).toMatchObject({ title: "Second", version: 2 });
  });

  it("changes nothing for a version that the task has not reached", async () => {
    const { id } = await person.runForTask("create_task", { title: "First" });
    const response = await person.call("update_task", { task_id: id, title: "Second", expected_version: 99 });

    expect(response.status).toBe(409);
    expect((await problemOf(response)).detail).toMatch(/^The task is at version 1, not 99;/);
  });

  it("lets one of two writers at the same version through", async () => {
    const { id } = await person.runForTask("create_task", { title: "Contended" });
    const statuses = await Promise.all(
      ["A", "B"].map(
        async (title) => (await person.call("update_task", { task_id: id, title, expected_version: 1 })).status,
      ),
    );

    expect(statuses.sort()).toEqual([200, 409]);
  });

  it.each([
    [{}, "", "Give at least one field to change"],
    [{ clear: [] }, "", "Give at least one field to change"],
    [
      { due: null, tags: [], description: "" },
      "",
      "An empty value, such as null, empties nothing: to empty a field, name it in clear",
    ],
    [{ due: "2026-12-24", clear: ["due"] }, "clear", "also given a value"],
    [{ clear: ["title"] }, "clear.0", "must be one of description, priority, due, scheduled, "],
  ])("refuses %j", async (changes, field, message) => {
    const { id } = await person.runForTask("create_task", { title: "Stays" });
    const response = await person.call("update_task", { task_id: id, ...changes });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([{ field, message: expect.stringContaining(message) }]);
    expect(await rowOf(id)).toMatchObject({ title: "Stays", version: 1 });
  });
});

describe("complete_task", () => {
  it("completes a task, once", async () => {
    const { id } = await person.runForTask("create_task", { title: "Do it" });
    const first = await person.endTask("complete_task", { task_id: id });
    const second = await person.endTask("complete_task", { task_id: id });

    expect(first).toMatchObject({ status: "completed", version: 2, completed_at: expect.any(String) });
    expect(second).toEqual(first);
    expect(await rowOf(id)).toMatchObject({ status: "completed", version: 2 });
  });
});

describe("delete_task", () => {
  it("deletes a task and answers with what it was known by", async () => {
    const { id } = await person.runForTask("create_task", { title: "Gone", due: "2026-12-24", description: "Long." });

    expect(await person.endTask("delete_task", { task_id: id })).toEqual({
      ...{ id, title: "Gone", status: "pending", due: "2026-12-24", version: 1 },
    });
    expect(await rowOf(id)).toMatchObject({ deleted_at: expect.any(String) });
    expect((await person.call("delete_task", { task_id: id })).status).toBe(404);
  });
});

it("knows no other tool", async () => {
  const response = await person.call("drop_tasks", {});

  expect(response.status).toBe(404);
  expect((await problemOf(response)).detail).toContain("create_task, list_tasks, get_task");
});
