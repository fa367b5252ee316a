import { env } from "cloudflare:workers";
import { neon } from "@neondatabase/serverless";
import { beforeEach, describe, expect, it } from "vitest";
import { readConfiguration } from "../../src/config.ts";
import { expectWholeLog, loggedCalls, loggedTaskChanges } from "../support/change-log.ts";
import { answerOf, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

const sql = neon(readConfiguration(env).DATABASE_URL);
type Statement = ReturnType<typeof sql>;

let person: Person;
beforeEach(async () => {
  person = await Person.signUp();
});

/** A call as the release before makes it, in the worker's role: it says nothing of notes and of deleted tasks. */
function oldCall(statements: readonly Statement[], more: Record<string, unknown> = {}) {
  const call = {
    user_id: person.id,
    credential: { kind: "sign_in", id: crypto.randomUUID(), issued_at: new Date().toISOString() },
    origin: { via: "http", request_id: "of the release before" },
    write: { key: `server:${crypto.randomUUID()}`, tool: "update_task", is_kept: false },
    ...more,
  };
  return sql.transaction([
    sql`select set_caller(${JSON.stringify(call)}::jsonb)`,
    ...statements,
    sql`select end_call() as ended`,
  ]);
}

const rowOf = async (id: number) =>
  (await ownerQuery("select * from tasks where user_id = $1 and id = $2", [person.id, id]))[0];

describe("a call", () => {
  it("is logged with who made it, how and why, and answers with its number", async () => {
    const note = "Asked at the counter; they close at six.";
    const made = await person.run("create_task", { title: "Fetch the parcel", note });
    const [task] = made.tasks;
    const { result } = await answerOf(
      await statelessRequest(person, "tools/call", { name: "complete_task", arguments: { task_id: task?.id } }),
    );

    expect(made.change).toBe(1);
    expect(result?.structuredContent).toMatchObject({ change: 2 });
    expect(result?.content).toMatchObject([{ text: expect.stringMatching(/ · change 2$/) }]);
    const calls = await loggedCalls(person.id);
    expect(calls).toMatchObject([
      { change: 1, tool: "create_task", via: "http", credential_kind: "sign_in", note, request_id: expect.any(String) },
      { change: 2, tool: "complete_task", via: "mcp", credential_kind: "sign_in", note: null },
    ]);
    expect(calls[0]?.credential_id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await loggedTaskChanges(person.id)).toEqual([
      {
        ...{ change: 1, task_id: task?.id, operation: "insert", before: null, overrode: null },
        after: expect.objectContaining({ title: "Fetch the parcel", status: "pending", version: 1 }),
      },
      {
        ...{ change: 2, task_id: task?.id, operation: "update", overrode: null },
        before: { status: "pending", version: 1, completed_at: null, updated_at: expect.any(String), changed_by: null },
        after: {
          ...{ status: "completed", version: 2, completed_at: expect.any(String), updated_at: expect.any(String) },
          changed_by: "test (mcp)",
        },
      },
    ]);
    await expectWholeLog(person.id);
  });

  it("that changes nothing has no number, and is not in the log", async () => {
    const { id } = await person.runForTask("create_task", { title: "Stay" });
    const { change, tasks } = await person.run("update_task", { task_id: id, title: "Stay", note: "Looked at it." });
    const refused = await person.call("update_task", { task_id: id, title: "Go", expected_version: 7 });

    expect({ change, tasks }).toMatchObject({ change: undefined, tasks: [{ id, version: 1 }] });
    expect(refused.status).toBe(409);
    expect(await loggedCalls(person.id)).toHaveLength(1);
    await expectWholeLog(person.id);
  });

  it("made again with its key answers with the number of the first", async () => {
    const input = { title: "Once", idempotency_key: "once", note: "First." };
    const { change } = await person.run("create_task", input);
    await person.run("create_task", { title: "In between" });

    expect(await person.run("create_task", input)).toMatchObject({ change, replayed: true });
    expect(await loggedCalls(person.id)).toHaveLength(2);
  });

  it("that touches a task more than once is one row, from what was before to what is after", async () => {
    const { id } = await person.runForTask("create_task", { title: "A", tags: ["x"] });
    const other = await person.runForTask("create_task", { title: "Goes" });
    await oldCall([
      sql`update tasks set title = 'B', version = version + 1 where id = ${id}`,
      sql`update tasks set title = 'C', priority = 'high', version = version + 1 where id = ${id}`,
      sql`update tasks set title = 'gone' where id = ${other.id}`,
      sql`delete from tasks where id = ${other.id}`,
      sql`insert into tasks (user_id, title) values (${person.id}, 'Made')`,
      sql`update tasks set title = 'Made and changed' where title = 'Made'`,
    ]);

    const rows = (await loggedTaskChanges(person.id)).filter(({ change }) => change === 3);
    expect(rows).toMatchObject([
      {
        operation: "update",
        before: { title: "A", priority: "none", version: 1 },
        after: { title: "C", priority: "high", version: 3 },
      },
      { operation: "delete", before: { title: "Goes", version: 1, tags: [] }, after: null },
      { operation: "insert", before: null, after: { title: "Made and changed", version: 1 } },
    ]);
    await expectWholeLog(person.id);
  });

  it.each([
    ["a text that is too long", "x".repeat(501), "note must be 1 to 500 characters long"],
    ["what no database keeps", "a\0b", "note must not contain the character U+0000"],
  ])("takes no note of %s", async (_, note, detail) => {
    const refused = await person.call("create_task", { title: "x", note });

    expect(refused.status).toBe(400);
    expect((await problemOf(refused)).detail).toBe(detail);
    expect(await loggedCalls(person.id)).toEqual([]);
  });
});

describe("a deleted task", () => {
  it("stays in the table and the log, and is there for no tool", async () => {
    const { id } = await person.runForTask("create_task", { title: "Old shoes", idempotency_key: "shoes" });
    const deleted = await person.run("delete_task", { task_id: id, note: "Too small." });

    expect(deleted).toEqual({ tasks: [{ id, title: "Old shoes", status: "pending", version: 1 }], change: 2 });
    expect(await rowOf(id)).toMatchObject({
      ...{ title: "Old shoes", version: 2, idempotency_key: null, last_change: "2" },
      deleted_at: expect.any(String),
    });
    expect((await loggedTaskChanges(person.id))[1]).toMatchObject({
      operation: "delete",
      before: { title: "Old shoes", version: 1, deleted_at: null },
      after: { title: "Old shoes", version: 2, deleted_at: expect.any(String) },
    });
    for (const [tool, input] of [
      ["get_task", {}],
      ["update_task", { title: "New shoes" }],
      ["complete_task", {}],
      ["delete_task", {}],
    ] as const) {
      const refused = await person.call(tool, { task_id: id, ...input });
      expect(refused.status, tool).toBe(404);
      expect((await problemOf(refused)).detail, tool).toBe("Task not found");
    }
    expect((await person.run("list_tasks", { status: "all" })).tasks).toEqual([]);
    expect(await loggedCalls(person.id)).toHaveLength(2);
    await expectWholeLog(person.id);
  });

  it("counts no more, and its row going is no change", async () => {
    const { id } = await person.runForTask("create_task", { title: "Goes" });
    await person.run("delete_task", { task_id: id });
    await ownerQuery("delete from tasks where user_id = $1", [person.id]);

    expect(await ownerQuery("select task_count, last_change::integer from users where id = $1", [person.id])).toEqual([
      { task_count: 0, last_change: 2 },
    ]);
    expect(await loggedCalls(person.id)).toHaveLength(2);
  });

  it("is not there for the release before, which may make its own with the same key", async () => {
    const { id } = await person.runForTask("create_task", { title: "Mine", idempotency_key: "k" });
    await person.run("delete_task", { task_id: id });
    const seen = await oldCall([
      sql`select title from tasks where user_id = ${person.id}`,
      sql`update tasks set title = 'Alive' where user_id = ${person.id} returning id`,
      sql`delete from tasks where user_id = ${person.id} returning id`,
      sql`insert into tasks (user_id, title, idempotency_key) values (${person.id}, 'Again', 'k') returning id`,
    ]);

    expect(seen.slice(1, 4)).toEqual([[], [], []]);
    expect(seen[4]).toEqual([{ id: id + 1 }]);
    expect(await rowOf(id)).toMatchObject({ title: "Mine", version: 2 });
    await expectWholeLog(person.id);
  });

  it("comes back under its id, whether its row was kept or not, and counts again", async () => {
    const kept = await person.runForTask("create_task", { title: "Kept" });
    const gone = await person.runForTask("create_task", { title: "Gone" });
    await person.run("delete_task", { task_id: kept.id });
    await oldCall([sql`delete from tasks where id = ${gone.id}`]);
    await ownerQuery("update tasks set deleted_at = null, version = version + 1 where user_id = $1", [person.id]);
    await ownerQuery(
      `with setting as materialized (select set_config('app.restores', 'on', true) as is_set)
       insert into tasks (user_id, id, title, version) overriding system value
       select $1, $2, 'Gone', 2 from setting where is_set = 'on'`,
      [person.id, gone.id],
    );

    const rows = (await loggedTaskChanges(person.id)).slice(-2);
    expect(rows).toMatchObject([
      { operation: "restore", task_id: kept.id, before: { version: 2 }, after: { version: 3, deleted_at: null } },
      { operation: "restore", task_id: gone.id, before: null, after: { version: 2 } },
    ]);
    const listed = await person.run("list_tasks", { order: "created" });
    expect(listed.tasks.map(({ title }) => title)).toEqual(["Gone", "Kept"]);
    expect((await person.runForTask("create_task", { title: "Next" })).id).toBe(gone.id + 1);
    await expectWholeLog(person.id);
  });
});

describe("what the release before does", () => {
  it("is in the log, with who did it", async () => {
    const [, inserted] = await oldCall([
      sql`insert into tasks (user_id, title) values (${person.id}, 'Old') returning id`,
    ]);
    const id = Number(inserted?.[0]?.id);
    await oldCall([sql`update tasks set title = 'Older', version = version + 1 where id = ${id}`]);
    const [, , ended] = await oldCall([sql`delete from tasks where id = ${id}`]);

    expect(ended).toMatchObject([
      { ended: { change: 3, outcome: [{ operation: "delete", task: { title: "Older" } }] } },
    ]);
    expect(await loggedCalls(person.id)).toMatchObject(
      [1, 2, 3].map((change) => ({ change, tool: "update_task", via: "http", request_id: "of the release before" })),
    );
    expect(await loggedTaskChanges(person.id)).toMatchObject([
      { operation: "insert", after: { title: "Old" } },
      { operation: "update", before: { title: "Old" }, after: { title: "Older" } },
      { operation: "delete", before: { id, title: "Older", tags: [], version: 2 }, after: null },
    ]);
    await expectWholeLog(person.id);
  });
});

describe("a write past the worker", () => {
  it("is in the log, under one number for its transaction and user", async () => {
    const other = await Person.signUp();
    const { id } = await other.runForTask("create_task", { title: "By a call" });
    await ownerQuery("insert into tasks (user_id, title) select owner, 'Raw' from unnest($1::integer[]) as owner", [
      [person.id, other.id, other.id],
    ]);
    await ownerQuery(
      `do $$ begin
         update tasks set title = title || '!' where user_id = any ('{${person.id},${other.id}}');
         update tasks set version = version + 1 where user_id = ${other.id};
         delete from tasks where user_id = ${other.id} and id = ${id};
       end $$`,
    );

    const of = async (userId: number) =>
      (await loggedTaskChanges(userId)).map(({ change, operation }) => `${change} ${operation}`);
    expect(await of(person.id)).toEqual(["1 insert", "2 update"]);
    expect(await of(other.id)).toEqual(["1 insert", "2 insert", "2 insert", "3 delete", "3 update", "3 update"]);
    const [{ role } = {}] = await ownerQuery("select session_user::text as role");
    expect((await loggedCalls(other.id)).slice(1)).toMatchObject(
      [2, 3].map((change) => ({ change, via: "sql", client: role, tool: null, credential_kind: null })),
    );
    await expectWholeLog(person.id);
    await expectWholeLog(other.id);
    expect((await other.run("create_task", { title: "By a call again" })).change).toBe(4);
  });

  it("that changes nothing takes no number, nor does what is no part of what happened", async () => {
    const { id } = await person.runForTask("create_task", { title: "Same", idempotency_key: "k" });
    await ownerQuery("update tasks set title = title, idempotency_key = null where user_id = $1", [person.id]);

    expect(await rowOf(id)).toMatchObject({ last_change: "1", idempotency_key: null });
    await expectWholeLog(person.id);
    expect(await loggedCalls(person.id)).toHaveLength(1);
  });

  it("cannot give a task another id or another person", async () => {
    const other = await Person.signUp();
    await person.run("create_task", { title: "Mine" });
    for (const change of ["id = default", `user_id = ${other.id}`]) {
      await expect(ownerQuery(`update tasks set ${change} where user_id = $1`, [person.id])).rejects.toThrow(
        "a task keeps its id and its user",
      );
    }
  });
});
