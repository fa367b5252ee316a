import { beforeEach, describe, expect, it } from "vitest";
import { textOfCall } from "../support/call-for-text.ts";
import { expectWholeLog } from "../support/change-log.ts";
import { countRequests } from "../support/database-requests.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf, refusalOf } from "../support/person.ts";
import { deleteRow } from "../support/undoing.ts";

let person: Person;
beforeEach(async () => {
  person = await Person.signUp();
});

const newTask = (title: string, fields = {}) => person.runForTask("create_task", { title, ...fields });
const textOf = (name: string, input: object) => textOfCall(person, name, input);
const read = (id: number) => person.runForTask("get_task", { task_id: id });
const update = (id: number, fields: object) => person.call("update_task", { task_id: id, ...fields });
const undo = (change: number) => person.call("update_task", { undo: change });

/** Makes tasks one below the other, from the top on: their ids. */
async function newChain(length: number): Promise<number[]> {
  const chain: number[] = [];
  for (let level = 0; level < length; level += 1) {
    chain.push((await newTask(`Level ${level}`, { parent_id: chain.at(-1) })).id);
  }
  return chain;
}

describe("a task's parent, and the task during which it was found", () => {
  it("are kept, told, listed, changed, emptied and undone", async () => {
    const top = await newTask("Move house");
    const found = { parent_id: top.id, discovered_from: top.id };
    const child = await newTask("Pack the books", found);
    expect(child).toMatchObject(found);
    await newTask("Call the movers", { parent_id: `#${top.id}`, status: "completed" });
    expect(await read(child.id)).toEqual({ ...child, created_by: "http" });
    expect(await read(top.id)).toMatchObject({ subtasks: 2, open_subtasks: 1 });
    expect(await textOf("get_task", { task_id: top.id, history: 1 })).toContain("· 1 of 2 subtasks open ·");
    expect(await textOf("get_task", { task_id: child.id })).toMatch(/ · subtask of #1 · .* · discovered during #1 · /);
    expect(await textOf("list_tasks", {})).toContain(' "Pack the books" · pending · subtask of #1 · ');
    expect((await person.run("list_tasks")).tasks).toMatchObject([{ id: 1 }, { id: 2, parent_id: 1 }]);

    const other = await newTask("Another");
    await person.run("update_task", { task_id: child.id, parent_id: other.id });
    const emptied = await person.runForTask("update_task", {
      task_id: child.id,
      clear: ["parent_id", "discovered_from"],
    });
    for (const field of ["parent_id", "discovered_from"]) expect(emptied).not.toHaveProperty(field);
    const { history } = await person.run("get_task", { task_id: child.id, history: 2 });
    expect(history).toEqual([
      expect.stringContaining(" · parent_id 4 → nothing · discovered_from 1 → nothing · "),
      expect.stringContaining(" · parent_id 1 → 4 · "),
    ]);
    expect((await undo(6)).status).toBe(200);
    expect(await read(child.id)).toMatchObject({ parent_id: other.id, discovered_from: top.id });
    await expectWholeLog(person.id);
  });

  it("are what a list of a task's subtasks goes by, those below them left out", async () => {
    await newChain(3);
    await newTask("Beside");
    const titlesBelow = async (id: number) =>
      (await person.run("list_tasks", { parent_id: id })).tasks.map(({ title }) => title);
    expect(await titlesBelow(1)).toEqual(["Level 1"]);
    expect(await titlesBelow(3)).toEqual([]);
  });

  it("are not listed of a task that is deleted, or is not there: that is said, by one request", async () => {
    const { id } = await person.runForTask("create_task", { title: "Gone" });
    await person.run("create_task", { title: "Below", parent_id: id });
    await person.run("delete_task", { task_id: id });
    for (const parent of [id, 99]) {
      for (const more of [{}, { total: true }, { group_by: "tag" }]) {
        using requests = countRequests(person);
        const refused = await person.call("list_tasks", { parent_id: parent, ...more });
        expect((await problemOf(refused)).detail).toBe(
          `parent_id must be the id of a task that is there: there is no task #${parent}`,
        );
        expect(requests.count).toBe(1);
      }
    }
    expect((await person.run("list_tasks", { status: "deleted", parent_id: id })).tasks).toEqual([]);
  });

  it("are not shown while that task is deleted, and are again once that is undone, also where its row was gone", async () => {
    const [top = 0, child = 0] = await newChain(2);
    await person.run("update_task", { task_id: child, discovered_from: top });
    for (const isRowGone of [false, true]) {
      const { change } = await person.run("delete_task", { task_id: top });
      if (isRowGone) await ownerQuery("delete from tasks where user_id = $1 and id = $2", [person.id, top]);
      const orphan = await read(child);
      expect(orphan).not.toHaveProperty("parent_id");
      expect(orphan).not.toHaveProperty("discovered_from");
      expect((await person.run("list_tasks")).tasks).toEqual([expect.not.objectContaining({ parent_id: top })]);
      expect(await person.runForTask("update_task", { task_id: child, title: `${isRowGone}` })).not.toHaveProperty(
        "parent_id",
      );
      expect((await undo(Number(change))).status).toBe(200);
      expect(await read(child)).toMatchObject({ parent_id: top, discovered_from: top });
      expect(await read(top)).toMatchObject({ subtasks: 1 });
    }
    await expectWholeLog(person.id);
  });

  it("must be there, and another task", async () => {
    const { id } = await newTask("Here");
    const gone = await newTask("Gone");
    await person.run("delete_task", { task_id: gone.id });
    const neighbour = await Person.signUp();
    for (const _ of [1, 2, 3, 4]) await neighbour.run("create_task", { title: "The neighbour's" });
    for (const field of ["parent_id", "discovered_from"]) {
      for (const missing of [gone.id, 4, 2_147_483_647]) {
        const message = `must be the id of a task that is there: there is no task #${missing}`;
        expect(await refusalOf(await update(id, { [field]: missing }))).toEqual([{ field, message }]);
        const made = await person.call("create_task", { title: "No", [field]: missing });
        expect(await refusalOf(made)).toEqual([{ field, message }]);
      }
    }
    expect((await person.run("list_tasks")).tasks).toHaveLength(1);
    await expectWholeLog(person.id);
  });

  it.each(["parent_id", "discovered_from", "blocked_by"])(
    "is not there by the id in %s that a new task is about to get; and a task is no other than itself",
    async (field) => {
      const missing = (id: number) => `must be the id of a task that is there: there is no task #${id}`;
      const refused = async (input: object) => refusalOf(await person.call("create_task", input));
      expect(await refused({ title: "No", [field]: 1 })).toEqual([{ field, message: missing(1) }]);
      const withSubtask = { title: "No", [field]: 2, subtasks: [{ title: "Nor this" }] };
      expect(await refused(withSubtask)).toEqual([{ field, message: missing(2) }]);
      const tasks = [1, 2].map((id) => ({ title: "No", [field]: id }));
      expect(await person.run("create_task", { tasks })).toEqual({
        tasks: [],
        note: expect.any(String),
        failed: [1, 2].map((id, index) => ({ index, error: "invalid_input", message: `${field} ${missing(id)}` })),
      });

      const [{ id }, other] = [await newTask("Here"), await newTask("Another")];
      const itself = [{ field, message: `must be another task than #${id} itself` }];
      expect(await refusalOf(await update(id, { [field]: id }))).toEqual(itself);
      const several = await person.call("update_task", { task_ids: [id, other.id], [field]: id });
      expect(await refusalOf(several)).toEqual(itself);
      await expectWholeLog(person.id);
    },
  );
});

describe("subtasks", () => {
  it("are never in a circle", async () => {
    const [top = 0, middle = 0, low = 0] = await newChain(3);
    expect(await refusalOf(await update(top, { parent_id: low }))).toEqual([
      {
        field: "parent_id",
        message: `must be a task that is not below #${top}: it would make a circle, #${top} under #${low} under #${middle} under #${top}`,
      },
    ]);
    expect(await read(top)).not.toHaveProperty("parent_id");
  });

  it("are five levels below another task at most, however the tree is put together", async () => {
    const chain = await newChain(6);
    const [top = 0] = chain;
    const message = (id: number, deepest: number, room: string) =>
      `must leave no task more than 5 levels below another: #${deepest} would be 6 below #${top}. #${id}, with what is below it, ${room}; a task without a parent is at level 0`;
    const tooDeep = await person.call("create_task", { title: "Too deep", parent_id: chain.at(-1) });
    expect(await refusalOf(tooDeep)).toEqual([
      { field: "parent_id", message: message(7, 7, "fits below a task at level 4 or higher up") },
    ]);
    const tree = await newChain(3);
    const [root = 0] = tree;
    expect(await refusalOf(await update(root, { parent_id: chain[3] }))).toEqual([
      { field: "parent_id", message: message(root, tree.at(-1) ?? 0, "fits below a task at level 2 or higher up") },
    ]);
    expect((await update(root, { parent_id: chain[2] })).status).toBe(200);
    const above = await newTask("Above all");
    expect((await refusalOf(await update(top, { parent_id: above.id })))?.[0]?.message).toContain(
      `#${top}, with what is below it, is too deep itself to be a subtask`,
    );
    await expectWholeLog(person.id);
  });

  it("make a circle by no undo, which says why, nor too deep a tree by what was deleted", async () => {
    const [one, other] = [await newTask("One"), await newTask("Other")];
    await person.run("update_task", { task_id: one.id, parent_id: other.id });
    await person.run("update_task", { task_id: one.id, clear: ["parent_id"] });
    await person.run("update_task", { task_id: other.id, parent_id: one.id });
    const refused = await undo(4);
    expect(refused.status).toBe(409);
    expect((await problemOf(refused)).detail).toBe(
      "Change 4 cannot be undone: parent_id must be a task that is not below #1: it would make a circle, #1 under #2 under #1. Nothing was changed.",
    );

    // A task whose row is gone is in nobody's way, and comes back to what was made of the others meanwhile.
    const chain = await newChain(3);
    const [, middle = 0, low = 0] = chain;
    const deletion = Number((await person.run("list_tasks", { limit: 1 })).change) + 1;
    await deleteRow(person, middle);
    const under = [low];
    for (const level of [1, 2, 3, 4, 5]) {
      under.push((await newTask(`Under ${level}`, { parent_id: under.at(-1) })).id);
    }
    const back = await undo(deletion);
    expect((await problemOf(back)).detail).toMatch(
      new RegExp(
        `^Change ${deletion} cannot be undone: parent_id must leave no task more than 5 levels below another: #`,
      ),
    );
    await person.run("delete_task", { task_id: under.at(-1) });
    // It may be there again itself.
    expect((await undo(deletion)).status).toBe(409);
    await expectWholeLog(person.id);
  });

  it("are put back in whatever order, where only the whole of an undo is none", async () => {
    const [one, other] = [await newTask("One"), await newTask("Other")];
    await person.run("update_task", { task_id: one.id, parent_id: other.id });
    // One change that turns them round.
    await ownerQuery(
      "update tasks set parent_id = case id when 1 then null else 1 end, version = version + 1 where user_id = $1",
      [person.id],
    );
    expect(await read(other.id)).toMatchObject({ parent_id: one.id });
    expect((await undo(4)).status).toBe(200);
    expect(await read(one.id)).toMatchObject({ parent_id: other.id });
    expect(await read(other.id)).not.toHaveProperty("parent_id");
    await expectWholeLog(person.id);
  });
});
