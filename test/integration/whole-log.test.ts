import { env } from "cloudflare:workers";
import { neon } from "@neondatabase/serverless";
import { beforeEach, describe, expect, inject, it } from "vitest";
import { readConfiguration } from "../../src/config.ts";
import { expectWholeLog, loggedCalls, loggedTaskChanges, writesBySql } from "../support/change-log.ts";
import { ownerQuery } from "../support/owner.ts";
import { PASSWORD, Person } from "../support/person.ts";
import { seededRandom } from "../support/seeded-random.ts";

const sql = neon(readConfiguration(env).DATABASE_URL);

let person: Person;
beforeEach(async () => {
  person = await Person.signUp();
});

describe("the log", () => {
  it("is its user's to read, and nobody's to write", async () => {
    await person.run("create_task", { title: "Secret" });
    const stranger = await Person.signUp();
    const as = (userId: number, statement: ReturnType<typeof sql>) =>
      sql.transaction([sql`select set_config('app.user_id', ${String(userId)}, true)`, statement]);

    expect(await sql`select change from changes`).toEqual([]);
    expect(await as(stranger.id, sql`select change from task_changes`)).toEqual([expect.anything(), []]);
    expect(await as(person.id, sql`select task_id from task_changes`)).toEqual([expect.anything(), [{ task_id: 1 }]]);
    for (const write of [
      sql`insert into changes (user_id, change, via) values (${person.id}, 9, 'forged')`,
      sql`update task_changes set after = null`,
      sql`delete from changes`,
      sql`delete from task_changes`,
      sql`select log_task_change(null, '{}')`,
      sql`select log_task_changes(null, '{}')`,
      sql`select change_number(${person.id})`,
    ]) {
      await expect(as(person.id, write)).rejects.toMatchObject({ code: "42501" });
    }
  });

  it("ends with the account, and is not in its way", async () => {
    const { id } = await person.runForTask("create_task", { title: "a" });
    await person.run("create_task", { title: "b" });
    await person.run("delete_task", { task_id: id });
    const neighbour = await Person.signUp();
    await neighbour.run("create_task", { title: "stays" });

    const gone = await person.send("/api/auth/me", { method: "DELETE", body: { password: PASSWORD } });
    expect(gone.status).toBe(204);
    expect(await loggedCalls(person.id)).toEqual([]);
    expect(await loggedTaskChanges(person.id)).toEqual([]);
    await ownerQuery("delete from users where id = $1", [neighbour.id]);
    expect(await loggedCalls(neighbour.id)).toEqual([]);
  });

  // PGlite does one thing at a time: what takes it seconds keeps the calls of all other tests waiting, past their deadline.
  const MANY = inject("databaseName") === "pglite" ? 130 : 1_300;

  it("has a write by SQL of many tasks of two people under one number of each, and none for rows that go later", async () => {
    const neighbour = await Person.signUp();
    const both = [person.id, neighbour.id];
    await ownerQuery("insert into tasks (user_id, title) select unnest($1::int[]), 'x' from generate_series(1, $2)", [
      both,
      MANY,
    ]);
    await ownerQuery("update tasks set title = 'y', deleted_at = now() where user_id = any ($1)", [both]);
    await ownerQuery("delete from tasks where user_id = any ($1) and id <= 5", [both]);
    await person.run("create_task", { title: "And one more" });

    for (const id of both) {
      const numbered = await ownerQuery(
        "select change::int, operation, count(*)::int from task_changes where user_id = $1 group by 1, 2 order by 1",
        [id],
      );
      const expected = [
        { change: 1, operation: "insert", count: MANY },
        { change: 2, operation: "delete", count: MANY },
        { change: 3, operation: "insert", count: 1 },
      ];
      expect(numbered).toEqual(id === person.id ? expected : expected.slice(0, 2));
      expect((await loggedCalls(id)).map(({ change }) => change)).toEqual(id === person.id ? [1, 2, 3] : [1, 2]);
      const [counted] = await ownerQuery("select task_count from users where id = $1", [id]);
      expect(counted).toEqual({ task_count: id === person.id ? 1 : 0 });
    }
  });

  it("counts tasks that are there, and no row that an insert meets in place of one that comes", async () => {
    const meets = "insert into tasks (user_id, title, idempotency_key) values ($1, 'Once', 'once') on conflict";
    const key = "(user_id, idempotency_key) where idempotency_key is not null";
    await person.run("create_task", { title: "Once", idempotency_key: "once" });
    await ownerQuery(`${meets} do nothing`, [person.id]);
    // As the release before repeats a create.
    await ownerQuery(`${meets} ${key} do update set idempotency_key = excluded.idempotency_key`, [person.id]);
    await ownerQuery(`${meets} ${key} do update set title = 'Twice'`, [person.id]);
    await ownerQuery("insert into tasks (user_id, title, deleted_at) values ($1, 'Never there', now())", [person.id]);
    await ownerQuery(
      `merge into tasks using (values ('once'), ('other')) as wanted (key)
       on user_id = $1 and idempotency_key = wanted.key
       when matched then update set deleted_at = now()
       when not matched then insert (user_id, title, idempotency_key) values ($1, 'Other', wanted.key)`,
      [person.id],
    );

    expect(await ownerQuery("select task_count from users where id = $1", [person.id])).toEqual([{ task_count: 1 }]);
    await expectWholeLog(person.id);
  });

  const SEEDS = [1, 2, 3];
  it.each(SEEDS)("replayed from its baseline gives exactly the tasks that are there (seed %i)", async (seed) => {
    const random = seededRandom(seed);
    const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)];
    for (let step = 0; step < 30; step += 1) {
      const live = await ownerQuery("select id from tasks where user_id = $1 and deleted_at is null", [person.id]);
      const id = Number(pick(live)?.id ?? 1);
      const act = pick([
        () =>
          person.call("create_task", { title: `Task ${step}`, due: pick(["2026-12-01", "2026-12-01T10:00:00+05:00"]) }),
        () => person.call("update_task", { task_id: id, title: `Changed ${step}`, priority: pick(["low", "high"]) }),
        () =>
          person.call("update_task", { task_id: id, status: pick(["pending", "cancelled"]), clear: ["due", "tags"] }),
        () => person.call("complete_task", { task_id: id }),
        () => person.call("delete_task", { task_id: id }),
        () => ownerQuery(pick(writesBySql) ?? "", [person.id]),
      ]);
      await act?.();
    }
    expect((await loggedCalls(person.id)).length).toBeGreaterThan(10);
    await expectWholeLog(person.id);
  });
});
