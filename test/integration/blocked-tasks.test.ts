import { beforeEach, describe, expect, it } from "vitest";
import { textOfCall } from "../support/call-for-text.ts";
import { expectWholeLog } from "../support/change-log.ts";
import { readyTitles } from "../support/claims.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf, refusalOf } from "../support/person.ts";

let person: Person;
beforeEach(async () => {
  person = await Person.signUp();
});

const newTask = (title: string, fields = {}) => person.runForTask("create_task", { title, ...fields });
const textOf = (name: string, input: object) => textOfCall(person, name, input);
const read = (id: number) => person.runForTask("get_task", { task_id: id });
const update = (id: number, fields: object) => person.call("update_task", { task_id: id, ...fields });
const undo = (change: unknown) => person.call("update_task", { undo: change });

describe("what a task waits for", () => {
  it("is kept, told, listed, changed, emptied and undone", async () => {
    const [paint, sand, tape] = [await newTask("Paint"), await newTask("Sand"), await newTask("Tape")];
    const blocked = await person.runForTask("update_task", { task_id: paint.id, blocked_by: ["#2", 3, 3] });
    expect(blocked).toMatchObject({ blocked_by: [2, 3], waiting_for: [2, 3] });
    expect(await read(paint.id)).toEqual({ ...blocked, created_by: "http", changed_by: "http" });
    expect(await read(sand.id)).toMatchObject({ blocks: [paint.id] });
    expect((await person.run("list_tasks", { search: "paint" })).tasks).toMatchObject([{ waiting_for: [2, 3] }]);
    expect(await textOf("list_tasks", {})).toContain(' "Paint" · pending · blocked by #2, #3 · ');
    expect(await textOf("get_task", { task_id: tape.id })).toContain(" · blocks #1 · ");
    expect(await newTask("Clean", { blocked_by: paint.id })).toMatchObject({ blocked_by: [1], waiting_for: [1] });

    // A finished one is no longer waited for, and is still in the list.
    await person.run("complete_task", { task_id: sand.id });
    expect(await read(paint.id)).toMatchObject({ blocked_by: [2, 3], waiting_for: [3] });
    expect(await read(sand.id)).not.toHaveProperty("blocks");

    const emptied = await person.run("update_task", { task_id: paint.id, clear: ["blocked_by"] });
    for (const field of ["blocked_by", "waiting_for"]) expect(emptied.tasks[0]).not.toHaveProperty(field);
    const { history } = await person.run("get_task", { task_id: paint.id, history: 1 });
    expect(history).toEqual([expect.stringContaining(" · blocked_by 2, 3 → nothing · ")]);
    expect((await undo(emptied.change)).status).toBe(200);
    expect(await read(paint.id)).toMatchObject({ blocked_by: [2, 3], waiting_for: [3] });
    const exported = await (await person.send("/api/export")).json();
    expect(exported).toMatchObject({ tasks: [{ id: 1, blocked_by: [2, 3] }, {}, {}, { blocked_by: [1] }] });
    await expectWholeLog(person.id);
  });

  it("is told with how many more there are than the first twenty", async () => {
    const first = await newTask("First");
    await ownerQuery(
      "insert into tasks (user_id, title, blocked_by) select $1, 'Later', array[$2::integer] from generate_series(1, 23)",
      [person.id, first.id],
    );
    expect(await read(first.id)).toMatchObject({ blocks: expect.objectContaining({ length: 20 }), more_blocks: "3" });
    expect(await textOf("get_task", { task_id: first.id })).toMatch(/ · blocks #\d+(, #\d+){19} and 3 more · /);
    await person.run("complete_task", { match: { search: "Later" }, expect_count: 23 });
    for (const field of ["blocks", "more_blocks"]) expect(await read(first.id)).not.toHaveProperty(field);
  });

  it("is not looked through for a circle where nobody waits for it, however many others there are", async () => {
    const { id } = person;
    const below =
      "case when n > 20 then array(select generate_series((n - 1) / 20 * 20 - 19, (n - 1) / 20 * 20)) else '{}' end";
    await ownerQuery(
      `insert into tasks (user_id, title, blocked_by) select ${id}, 'Layer', ${below} from generate_series(1, 400) as n`,
    );
    const read =
      "select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_xact_user_tables where relname = 'tasks'";
    await ownerQuery(`do $$
      declare
        before constant bigint := coalesce((${read}), 0);
      begin
        insert into tasks (user_id, title, blocked_by) values (${id}, 'Last', array(select generate_series(381, 400)));
        if (${read}) - before > 5000 then
          raise exception 'it read % tasks', (${read}) - before;
        end if;
      end
    $$`);
  });

  it("keeps it from being ready until all of that is finished, cancelled or deleted, and again when it is opened again", async () => {
    const [first, second, third] = [await newTask("first"), await newTask("second"), await newTask("third")];
    const last = await newTask("last", { blocked_by: [first.id, second.id, third.id], due: "2026-01-01" });
    expect(await readyTitles(person)).toEqual(["first", "second", "third"]);
    await person.run("complete_task", { task_id: first.id });
    const { change: deletion } = await person.run("delete_task", { task_id: second.id });
    expect(await readyTitles(person)).toEqual(["third"]);
    await person.run("update_task", { task_id: third.id, status: "cancelled" });
    expect(await readyTitles(person)).toEqual(["last"]);
    expect(await read(last.id)).toMatchObject({ blocked_by: [first.id, third.id] });

    await undo(deletion);
    expect(await readyTitles(person)).toEqual(["second"]);
    const { tasks } = await person.run("update_task", { claim_next: 5 });
    expect(tasks.map(({ title }) => title)).toEqual(["second"]);
    // What is held by its id may be taken all the same.
    expect((await person.run("update_task", { task_id: last.id, claim_minutes: 5 })).tasks).toHaveLength(1);
  });

  it("is not told of a task that is finished itself", async () => {
    const first = await newTask("First");
    const second = await newTask("Second", { blocked_by: [first.id] });
    await person.endTask("complete_task", { task_id: second.id });
    const done = await read(second.id);
    expect(done).toMatchObject({ blocked_by: [first.id] });
    expect(done).not.toHaveProperty("waiting_for");
    expect(await textOf("list_tasks", { status: "completed" })).not.toContain("blocked by");
    expect(await read(first.id)).not.toHaveProperty("blocks");
    const opened = await person.runForTask("update_task", { task_id: second.id, status: "pending" });
    expect(opened).toMatchObject({ waiting_for: [first.id] });
  });

  it("must be there, other tasks, and twenty at most", async () => {
    const { id } = await newTask("Here");
    const missing = "must be the id of a task that is there: there is no task #9";
    expect(await refusalOf(await update(id, { blocked_by: [9] }))).toEqual([{ field: "blocked_by", message: missing }]);
    expect(await refusalOf(await person.call("create_task", { title: "No", blocked_by: [1, 9] }))).toEqual([
      { field: "blocked_by", message: missing },
    ]);
    expect(await refusalOf(await update(id, { blocked_by: [id] }))).toMatchObject([{ field: "blocked_by" }]);
    const many = Array.from({ length: 21 }, (_, index) => index + 1);
    expect(await refusalOf(await update(id, { blocked_by: many }))).toEqual([
      { field: "blocked_by", message: "must have at most 20 items" },
    ]);
  });

  it("never comes round to itself, by an undo neither", async () => {
    const [one, two, three] = [await newTask("One"), await newTask("Two"), await newTask("Three")];
    await person.run("update_task", { task_id: two.id, blocked_by: [one.id] });
    await person.run("update_task", { task_id: three.id, blocked_by: [two.id] });
    const message = "must be tasks that do not wait for #1: #3 does, itself or by way of others";
    expect(await refusalOf(await update(one.id, { blocked_by: [three.id] }))).toEqual([
      { field: "blocked_by", message },
    ]);
    // A finished task may be opened again: it counts as well.
    await person.run("complete_task", { task_id: two.id });
    expect((await update(one.id, { blocked_by: [three.id] })).status).toBe(400);

    const { change } = await person.run("update_task", { task_id: two.id, clear: ["blocked_by"] });
    await person.run("update_task", { task_id: one.id, blocked_by: [three.id] });
    const refused = await undo(change);
    expect(refused.status).toBe(409);
    expect((await problemOf(refused)).detail).toBe(
      `Change ${change} cannot be undone: blocked_by must be tasks that do not wait for #2: #1 does, itself or by way of others. Nothing was changed.`,
    );
    await expectWholeLog(person.id);
  });

  it("is there again as it was where the rows of both were gone and one undo brings them back", async () => {
    await newTask("One");
    await newTask("Two", { blocked_by: [1] });
    await newTask("Three", { blocked_by: [1, 2] });
    await person.run("delete_task", { task_ids: [1, 2] });
    const { change } = await person.run("list_tasks");
    await ownerQuery("delete from tasks where user_id = $1 and deleted_at is not null", [person.id]);
    const blockers = "select task_id, blocker_id from task_blockers where user_id = $1 order by 1, 2";
    expect(await ownerQuery(blockers, [person.id])).toEqual([]);
    expect((await undo(change)).status).toBe(200);
    expect(await ownerQuery(blockers, [person.id])).toEqual([
      { task_id: 2, blocker_id: 1 },
      { task_id: 3, blocker_id: 1 },
      { task_id: 3, blocker_id: 2 },
    ]);
    expect(await read(3)).toMatchObject({ waiting_for: [1, 2] });
    await expectWholeLog(person.id);
  });
});
