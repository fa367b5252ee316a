import { env } from "cloudflare:workers";
import { neon } from "@neondatabase/serverless";
import { beforeEach, describe, expect, it } from "vitest";
import { readConfiguration } from "../../src/config.ts";
import { textOfCall } from "../support/call-for-text.ts";
import { expectWholeLog, loggedCalls } from "../support/change-log.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";
import { deleteRow, imagesOf } from "../support/undoing.ts";

const sql = neon(readConfiguration(env).DATABASE_URL);

let person: Person;
beforeEach(async () => {
  person = await Person.signUp();
});

const undo = (number: number, more: object = {}) => person.run("update_task", { undo: number, ...more });

async function refusalOf(number: number, more: object = {}): Promise<{ status: number; detail: string }> {
  const before = await imagesOf(person);
  const { status, detail } = await problemOf(await person.call("update_task", { undo: number, ...more }));
  expect(await imagesOf(person), "a refusal changes nothing").toEqual(before);
  return { status, detail };
}

/** The text of an undo, as a model sees it. */
const toldOf = (number: number) => textOfCall(person, "update_task", { undo: number });

const whole = {
  title: "Paint the fence",
  description: "Green, two coats.",
  due: "2026-12-01",
  priority: "high",
  tags: ["garden", "home"],
};

describe("an undo", () => {
  it("of a task that was made deletes it, and its own undo brings it back", async () => {
    const { id } = await person.runForTask("create_task", whole);
    const before = await imagesOf(person);

    expect(await undo(1)).toMatchObject({
      ...{ change: 2, note: `That deleted #${id}.` },
      tasks: [{ id, title: "Paint the fence", version: 1 }],
    });
    expect((await person.call("get_task", { task_id: id })).status).toBe(404);
    expect(await undo(2)).toMatchObject({ change: 3, tasks: [{ ...whole, id, version: 3 }] });
    expect(await imagesOf(person)).toEqual(before);
    expect((await loggedCalls(person.id)).map(({ undoes }) => undoes)).toEqual([null, 1, 2]);
    await expectWholeLog(person.id);
  });

  it("of an edit puts back what it changed, and leaves alone what others have changed since", async () => {
    const { id } = await person.runForTask("create_task", whole);
    const edit = { title: "Paint it black", due: "2026-12-24T18:00:00+01:00", clear: ["tags"] };
    await person.run("update_task", { task_id: id, ...edit });
    await person.run("update_task", { task_id: id, priority: "low", description: "Red." });

    expect(await toldOf(2)).toBe(
      `Undid change 2: #${id} "Paint the fence" · pending · due 2026-12-01 · low priority · tags "garden", "home" · version 4 · due, tags, title as before · change 4`,
    );
    expect(await person.runForTask("get_task", { task_id: id })).toMatchObject({
      ...{ ...whole, priority: "low", description: "Red.", version: 4 },
    });
    await expectWholeLog(person.id);
  });

  it("of a completion reopens the task, and of that completes it as it was completed", async () => {
    const { id } = await person.runForTask("create_task", whole);
    const { completed_at } = await person.endTask("complete_task", { task_id: id });

    const [reopened] = (await undo(2)).tasks;
    expect(reopened).toMatchObject({ id, status: "pending", version: 3 });
    expect(reopened).not.toHaveProperty("completed_at");
    expect(await undo(3)).toMatchObject({ tasks: [{ status: "completed", completed_at, version: 4 }], change: 4 });
  });

  it("of a deletion brings the task back under its id, and it counts again", async () => {
    const { id } = await person.runForTask("create_task", whole);
    const before = await imagesOf(person);
    await person.run("delete_task", { task_id: id });

    expect(await toldOf(2)).toBe(
      `Undid change 2: #${id} "Paint the fence" · pending · due 2026-12-01 · high priority · tags "garden", "home" · version 3 · restored · change 3`,
    );
    expect(await imagesOf(person)).toEqual(before);
    await expectWholeLog(person.id);
  });

  it.each(["the release before deletes it", "it is purged after its deletion"])(
    "brings a task back whose row is gone, because %s",
    async (way) => {
      const made = await person.runForTask("create_task", whole);
      await person.run("update_task", { task_id: made.id, title: "Paint it", status: "completed" });
      const before = await imagesOf(person);
      if (way.startsWith("it is")) {
        await person.run("delete_task", { task_id: made.id });
        await ownerQuery("delete from tasks where user_id = $1", [person.id]);
      } else {
        await deleteRow(person, made.id);
      }

      expect(await undo(3)).toMatchObject({ change: 4, tasks: [{ id: made.id, created_at: made.created_at }] });
      expect(await imagesOf(person)).toEqual(before);
      expect((await person.run("list_tasks", { search: "paint it", status: "all" })).tasks).toHaveLength(1);
      await expectWholeLog(person.id);
      // What is back goes on as any task does: its undo, and that of what was before it.
      expect(await undo(4)).toMatchObject({ note: `That deleted #${made.id}.` });
      await undo(5);
      expect(await undo(2)).toMatchObject({ tasks: [{ title: "Paint the fence", status: "pending" }] });
      await expectWholeLog(person.id);
    },
  );

  it("of a batch undoes it for every task, or for none", async () => {
    for (const title of ["A", "B", "C"]) await person.run("create_task", { title });
    const before = await imagesOf(person);
    await ownerQuery("update tasks set priority = 'urgent', version = version + 1 where user_id = $1", [person.id]);
    expect((await undo(4)).tasks.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(await imagesOf(person)).toEqual(before);

    await undo(5);
    await person.run("update_task", { task_id: 2, priority: "low" });
    expect((await refusalOf(4)).detail).toBe(
      'Change 4 cannot be undone because of later changes: change 7 changed priority of #2 "B". Nothing was changed.',
    );
  });

  it("is logged as any other change, with its note, and is done once for its key", async () => {
    await person.run("create_task", { title: "A" });
    const input = { undo: 1, note: "Not wanted after all.", idempotency_key: "k" };
    await person.run("update_task", input);

    expect(await person.run("update_task", input)).toMatchObject({
      replayed: true,
      change: 2,
      tasks: [{ title: "A" }],
    });
    expect((await loggedCalls(person.id))[1]).toMatchObject({
      ...{ change: 2, undoes: 1, tool: "update_task", note: "Not wanted after all." },
    });
  });
});

describe("an undo that later changes are in the way of", () => {
  it("names them and what they did, and changes nothing", async () => {
    const { id } = await person.runForTask("create_task", { title: "A" });
    await person.run("update_task", { task_id: id, title: "B", due: "2026-12-01" });
    await person.run("update_task", { task_id: id, title: "C" });
    await person.run("update_task", { task_id: id, due: "2026-12-02T10:00:00Z" });
    await person.run("update_task", { task_id: id, priority: "low" });

    expect(await refusalOf(2)).toEqual({
      status: 409,
      detail:
        'Change 2 cannot be undone because of later changes: change 3 changed title of #1 "C"; change 4 changed due of #1 "C". Nothing was changed.',
    });
    // What made it can go only with all that came after it.
    expect((await refusalOf(1)).detail).toContain('change 5 changed priority of #1 "C"');
    for (const number of [5, 4, 3, 2, 1]) await undo(number);
    expect(await imagesOf(person)).toEqual({});
  });

  it.each([true, false])("says that the task was deleted since, with its row or not: %s", async (withRow) => {
    const { id } = await person.runForTask("create_task", { title: "A" });
    await person.run("update_task", { task_id: id, title: "B" });
    await (withRow ? deleteRow(person, id) : person.run("delete_task", { task_id: id }));

    expect((await refusalOf(2)).detail).toContain('change 3 deleted #1 "B"');
    await undo(3);
    await undo(2);
    expect(await imagesOf(person)).toMatchObject({ 1: { title: "A" } });
  });

  it("says that a change was undone, and what came after that", async () => {
    const { id } = await person.runForTask("create_task", { title: "A" });
    await person.run("update_task", { task_id: id, title: "B" });
    await undo(2);
    expect(await undo(2)).toEqual({ tasks: [], note: "Change 2 was undone before, by change 3; nothing was changed." });
    await person.run("update_task", { task_id: id, title: "C" });
    expect((await refusalOf(2)).detail).toContain('change 3 undid it for #1 "C"; change 4 changed title of #1 "C"');
  });

  it("does nothing where all is so already", async () => {
    const { id } = await person.runForTask("create_task", { title: "A" });
    await person.run("update_task", { task_id: id, title: "B" });
    await person.run("update_task", { task_id: id, title: "A" });
    const nothing = { tasks: [], note: "All is as before change 2 already; nothing was changed." };

    expect(await undo(2)).toEqual(nothing);
    await person.run("delete_task", { task_id: id });
    expect((await undo(1)).note).toBe("All is as before change 1 already; nothing was changed.");
    expect(await loggedCalls(person.id)).toHaveLength(4);
  });
});

describe("what cannot be undone", () => {
  it("is a change that is not there, or is another person's, or is older than the log", async () => {
    const other = await Person.signUp();
    for (const title of ["A", "B"]) await other.run("create_task", { title });
    await person.run("create_task", { title: "Mine" });
    expect(await refusalOf(2)).toEqual({ status: 404, detail: "There is no change 2; the last is 1." });

    await ownerQuery("update users set log_baseline = 1 where id = $1", [person.id]);
    expect(await refusalOf(1)).toEqual({
      status: 404,
      detail: "Change 1 is not kept: what can be undone begins after change 1.",
    });
    expect((await other.run("list_tasks")).tasks).toHaveLength(2);
  });

  it("is a change of more tasks than an answer has room for", async () => {
    await ownerQuery("insert into tasks (user_id, title) select $1, 'Raw' from generate_series(1, 1001)", [person.id]);
    expect((await refusalOf(1)).detail).toBe("undo names a change of more than 1000 tasks; an undo takes no more back");
  });

  it.each([
    [{ undo: 1, title: "B" }, "undo takes a whole change back: leave out title, or undo"],
    [{ undo: 1, task_id: 1, clear: ["due"] }, "undo takes a whole change back: leave out task_id, clear, or undo"],
    [{ undo: 0 }, "undo must be at least 1"],
    [{ title: "B" }, "task_ids is required, or match, or claim_next, or undo"],
  ])("%j", async (input, detail) => {
    await person.run("create_task", { title: "A" });
    const refused = await person.call("update_task", input);
    expect(refused.status).toBe(400);
    expect((await problemOf(refused)).detail).toBe(detail);
    expect(await loggedCalls(person.id)).toHaveLength(1);
  });

  it("is nothing for who is no caller, or only reads", async () => {
    await person.run("create_task", { title: "A" });
    await expect(sql`select undo_change(1, null)`).rejects.toMatchObject({ code: "42501" });
    const reading = await person.withScopes(["tasks:read"]);
    expect((await reading.call("update_task", { undo: 1 })).status).toBe(403);
    await expect(sql`select standing_changes(${person.id}, 1, 0, null)`).rejects.toMatchObject({ code: "42501" });
  });

  it("looks, in a long log, into the changes alone that have one of its fields", async () => {
    await person.run("create_task", { title: "Old name" });
    await person.run("update_task", { task_id: 1, title: "New name" });
    await ownerQuery(`do $$ begin
      for n in 1..400 loop
        perform set_config('app.taken_changes', '', true);
        update tasks set priority = case n % 2 when 1 then 'high' else 'low' end, version = version + 1
        where user_id = ${person.id};
      end loop;
    end $$`);
    const looked = ownerQuery(`do $$ begin
      set local track_functions = 'all';
      perform standing_changes(${person.id}, 1, 2, '{title}');
      if (select calls > 200 from pg_stat_xact_user_functions where funcname = 'undone_columns') then
        raise exception 'it looked into every change';
      end if;
    end $$`);
    await expect(looked).resolves.toBeDefined();
    expect((await loggedCalls(person.id)).length).toBe(402);
    expect((await undo(2)).tasks).toMatchObject([{ title: "Old name", priority: "low" }]);
    expect((await refusalOf(1)).status).toBe(409);
    await expectWholeLog(person.id);
  });
});
