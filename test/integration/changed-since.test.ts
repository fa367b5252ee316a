import { beforeEach, describe, expect, it } from "vitest";
import { answerOf, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";
import { seededRandom } from "../support/seeded-random.ts";

let person: Person;
beforeEach(async () => {
  person = await Person.signUp();
});

const create = (title: string) => person.runForTask("create_task", { title });
const changedSince = (change: number | undefined, limit?: number) =>
  person.run("list_tasks", { changed_since: change, limit });

describe("list_tasks with changed_since", () => {
  it("gives each task that has changed once, as it is now, deleted ones too, and the number to ask from next time", async () => {
    const [milk, eggs, bread] = [await create("Milk"), await create("Eggs"), await create("Bread")];
    const { change } = await person.run("list_tasks");
    await person.run("update_task", { task_id: eggs.id, title: "Ten eggs" });
    await person.run("complete_task", { task_id: milk.id });
    await person.run("update_task", { task_id: eggs.id, priority: "high" });
    await person.run("delete_task", { task_id: bread.id });
    const next = await changedSince(change);

    expect(change).toBe(3);
    expect(next).toEqual({
      tasks: [
        { id: milk.id, title: "Milk", status: "completed" },
        { id: eggs.id, title: "Ten eggs", status: "pending", priority: "high" },
        { id: bread.id, title: "Bread", status: "pending", deleted_at: expect.any(String), last_change: 7 },
      ],
      change: 7,
    });
    expect((await changedSince(next.change)).tasks).toEqual([]);
  });

  it("says so in words too", async () => {
    const { id } = await create("Milk");
    await person.run("delete_task", { task_id: id });
    const textOf = async (since: number) => {
      const call = { name: "list_tasks", arguments: { changed_since: since } };
      return (await answerOf(await statelessRequest(person, "tools/call", call))).result?.content;
    };
    const text = (matching: RegExp) => [{ type: "text", text: expect.stringMatching(matching) }];

    expect(await textOf(1)).toEqual(text(/^#1 "Milk" · pending · deleted \S+ by change 2\nChange 2\.$/));
    expect(await textOf(2)).toEqual(text(/^Nothing has changed since 2\.\nChange 2\.$/));
    expect(await textOf(3)).toEqual(text(/^What has changed since 3 is not known: list anew/));
  });

  it("gives whole changes, as many as the limit allows, and the first in any case", async () => {
    await ownerQuery(
      "insert into tasks (user_id, title) select $1, 'Of one change ' || n from generate_series(1, 5) n",
      [person.id],
    );
    for (const title of ["Two", "Three", "Four"]) await create(title);
    const pages: (readonly [number, number | undefined, unknown])[] = [];
    let since: number | undefined = 0;
    do {
      const { tasks, change, more }: Awaited<ReturnType<typeof changedSince>> = await changedSince(since, 2);
      pages.push([tasks.length, change, more]);
      since = change;
    } while (pages.at(-1)?.[2]);

    expect(pages).toEqual([
      [5, 1, true],
      [2, 3, true],
      [1, 4, undefined],
    ]);
  });

  it("tells of tasks whose rows are gone, as they were", async () => {
    const [milk, eggs] = [await create("Milk"), await create("Eggs")];
    await person.run("delete_task", { task_id: milk.id });
    await ownerQuery("delete from tasks where user_id = $1", [person.id]);

    expect((await changedSince(2)).tasks).toMatchObject([
      { id: milk.id, title: "Milk", deleted_at: expect.any(String) },
      { id: eggs.id, title: "Eggs", deleted_at: expect.any(String) },
    ]);
  });

  it.each([
    ["before the log's baseline", 8],
    ["after the last change", 11],
  ])("has the list read anew where the number is %s", async (_, since) => {
    await create("There already");
    await ownerQuery("update users set last_change = 10, log_baseline = 9 where id = $1", [person.id]);

    expect(await changedSince(since)).toMatchObject({ tasks: [], reset: true, change: 10 });
    expect((await changedSince(9)).reset).toBeUndefined();
  });

  it("has it read anew where one change touched more tasks than can be told", async () => {
    const { change } = await person.run("list_tasks");
    await ownerQuery("insert into tasks (user_id, title) select $1, 'One of many' from generate_series(1, 501)", [
      person.id,
    ]);
    await create("And one more");
    const { reset, change: next } = await changedSince(change);

    expect({ reset, next }).toEqual({ reset: true, next: 2 });
    expect((await changedSince(1)).tasks).toMatchObject([{ title: "And one more" }]);
  });

  it("takes what models fill in, and refuses a filter, which would hide what does not fit it any more", async () => {
    await create("Milk");
    const filled = {
      changed_since: "0",
      status: "open",
      order: "due",
      priority: "none",
      tags: [],
      search: "",
      limit: 20,
    };
    expect((await person.run("list_tasks", filled)).tasks).toHaveLength(1);

    for (const beside of [
      { status: "completed" },
      { tags: ["a"] },
      { search: "milk" },
      { cursor: "x" },
      { priority: "high" },
      { order: "priority" },
    ]) {
      const refused = await person.call("list_tasks", { changed_since: 0, ...beside });
      const [field] = Object.keys(beside);
      expect(refused.status, field).toBe(400);
      expect((await problemOf(refused)).errors).toEqual([
        { field, message: expect.stringMatching(/^must be left out beside changed_since, which tells of every task/) },
      ]);
    }
    for (const since of [-1, "x", 1.5]) {
      expect((await person.call("list_tasks", { changed_since: since })).status).toBe(400);
    }
  });

  it("tells an agent that follows it all that others do at the same time, and nothing of anybody else", async () => {
    const random = seededRandom(7);
    const neighbour = await Person.signUp();
    const known = new Map<number, unknown>();
    let since: number | undefined = 0;
    const follow = async () => {
      const { tasks, change, reset } = await changedSince(since, 3);
      expect(reset).toBeUndefined();
      for (const { id, ...task } of tasks) {
        if ("deleted_at" in task && task.deleted_at !== undefined) known.delete(id);
        else known.set(id, task);
      }
      since = change;
      return tasks.length;
    };
    const write = async (whose: Person) => {
      for (let step = 0; step < 12; step += 1) {
        const { tasks } = await whose.run("create_task", { title: `Task ${step}` });
        const id = tasks[0]?.id;
        if (random() < 0.4) await whose.run("delete_task", { task_id: id });
        else if (random() < 0.5) await whose.run("complete_task", { task_id: id });
      }
    };
    const writing = Promise.all([write(person), write(person), write(neighbour)]);
    let isOver = false;
    void writing.finally(() => {
      isOver = true;
    });
    while (!isOver) await follow();
    await writing;
    while ((await follow()) > 0);

    const { tasks } = await person.run("list_tasks", { status: "all", limit: 100 });
    expect([...known.keys()].sort()).toEqual(tasks.map(({ id }) => id).sort());
    for (const { id, version: _version, completed_at: _at, ...task } of tasks) expect(known.get(id)).toEqual(task);
  });
});

describe("list_tasks with status deleted", () => {
  it("lists the deleted ones alone, page by page, with the filters that there are", async () => {
    for (const title of ["Milk", "Eggs", "Bread", "Stays"]) await create(title);
    for (const task_id of [1, 2, 3]) await person.run("delete_task", { task_id });
    const first = await person.run("list_tasks", { status: "deleted", order: "created", limit: 2 });
    const second = await person.run("list_tasks", {
      ...{ status: "deleted", order: "created", limit: 2, cursor: first.next_cursor },
    });

    expect([...first.tasks, ...second.tasks].map(({ title }) => title)).toEqual(["Bread", "Eggs", "Milk"]);
    expect(first.tasks[0]).toMatchObject({ version: 2, deleted_at: expect.any(String), last_change: 7 });
    expect([first.change, second.change]).toEqual([7, undefined]);
    expect((await person.run("list_tasks", { status: "deleted", search: "egg" })).tasks).toMatchObject([{ id: 2 }]);
    const others = await person.call("list_tasks", {
      status: "all",
      order: "created",
      limit: 2,
      cursor: first.next_cursor,
    });
    expect(others.status).toBe(400);
    for (const status of ["all", "open"]) {
      expect((await person.run("list_tasks", { status })).tasks).toMatchObject([{ title: "Stays" }]);
    }
    const stranger = await Person.signUp();
    expect((await stranger.run("list_tasks", { status: "deleted" })).tasks).toEqual([]);
  });

  it("says of each by which change it was deleted, whose undo brings it back", async () => {
    for (const title of ["Milk", "Eggs"]) await create(title);
    for (const task_id of [2, 1]) await person.run("delete_task", { task_id });
    const listed = await person.run("list_tasks", { status: "deleted", search: "eggs" });
    const call = { name: "list_tasks", arguments: { status: "deleted", search: "eggs" } };
    const { result } = await answerOf(await statelessRequest(person, "tools/call", call));

    expect(listed.tasks).toMatchObject([{ id: 2, last_change: 3 }]);
    expect(result?.content).toMatchObject([
      { text: expect.stringMatching(/^#2 "Eggs" .* · deleted \S+ by change 3\n/) },
    ]);
    await person.run("update_task", { undo: 3 });
    expect((await person.run("list_tasks")).tasks).toMatchObject([{ id: 2, title: "Eggs" }]);
    expect((await person.run("list_tasks")).tasks[0]).not.toHaveProperty("last_change");
  });
});
