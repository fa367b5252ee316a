import { env } from "cloudflare:workers";
import { neon } from "@neondatabase/serverless";
import { beforeEach, describe, expect, it } from "vitest";
import { readConfiguration } from "../../../src/config.ts";
import { expectWholeLog, loggedCalls, loggedTaskChanges, writesBySql } from "../../support/change-log.ts";
import { ownerQuery } from "../../support/owner.ts";
import { Person, problemOf } from "../../support/person.ts";
import { letDaysPass, runSchedule } from "../../support/schedule.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const sql = neon(readConfiguration(env).DATABASE_URL);

let person: Person;

async function baseline(): Promise<number> {
  const [user] = await ownerQuery("select log_baseline::integer from users where id = $1", [person.id]);
  return Number(user?.log_baseline);
}

describe("the schedule", () => {
  beforeEach(async () => {
    person = await Person.signUp();
  });

  it("removes changes that are older than a year, and moves the baseline on", async () => {
    for (const title of ["A", "B"]) await person.run("create_task", { title });
    await person.run("update_task", { task_id: 1, title: "A2", priority: "high" });
    await letDaysPass(person.id, 366);
    await person.run("update_task", { task_id: 1, title: "A3" });
    await runSchedule();

    expect(await baseline()).toBe(3);
    expect((await loggedCalls(person.id)).map(({ change }) => change)).toEqual([4]);
    expect(await loggedTaskChanges(person.id)).toMatchObject([
      { change: 2, task_id: 2, operation: "baseline", before: null, after: { title: "B" } },
      { change: 3, task_id: 1, operation: "baseline", before: null, after: { title: "A2", priority: "high" } },
      { change: 4, task_id: 1, operation: "update" },
    ]);
    await expectWholeLog(person.id);
    expect((await person.run("list_tasks", { changed_since: 2 })).reset).toBe(true);
    expect((await person.run("list_tasks", { changed_since: 3 })).tasks).toMatchObject([{ id: 1, title: "A3" }]);
    const refused = await person.call("update_task", { undo: 3 });
    expect(refused.status).toBe(404);
    expect((await problemOf(refused)).detail).toBe("Change 3 is not kept: what can be undone begins after change 3.");
    await person.run("update_task", { undo: 4 });
    expect((await person.run("list_tasks")).tasks).toMatchObject([{ title: "A2" }, { title: "B" }]);
    await expectWholeLog(person.id);
  });

  it("leaves in the baseline no claim that was overridden", async () => {
    await person.run("create_task", { title: "A" });
    await ownerQuery("update task_changes set overrode = 7 where user_id = $1", [person.id]);
    await letDaysPass(person.id, 366);
    await runSchedule();
    expect(await loggedTaskChanges(person.id)).toMatchObject([{ change: 1, operation: "baseline", overrode: null }]);
  });

  it("keeps them for as long as HISTORY_DAYS says, and never less than deleted tasks", async () => {
    await person.run("create_task", { title: "A" });
    await letDaysPass(person.id, 40);
    await runSchedule({ HISTORY_DAYS: "41" });
    expect(await baseline()).toBe(0);
    await runSchedule({ HISTORY_DAYS: "39" });
    expect(await baseline()).toBe(1);

    await person.run("create_task", { title: "B" });
    await letDaysPass(person.id, 29);
    await ownerQuery("select purge_history(0, 100, now() + interval '1 minute')");
    expect(await baseline()).toBe(1);
    await expectWholeLog(person.id);
  });

  it("goes on beside calls of the same person, and neither loses what the other does", async () => {
    for (let id = 1; id <= 6; id += 1) await person.run("create_task", { title: `Task ${id}` });
    for (let id = 1; id <= 4; id += 1) await person.run("update_task", { task_id: id, priority: "high" });
    await person.run("delete_task", { task_id: 6 });
    await letDaysPass(person.id, 400);
    const steps = Array.from({ length: 6 }, async () => {
      await sql`select purge_history(365, 2, now() + interval '1 minute')`;
      await sql`select purge_deleted_tasks(1, now() + interval '1 minute')`;
    });
    const calls = Array.from({ length: 5 }, async (_, index) => {
      await person.run("update_task", { task_id: index + 1, title: `Renamed ${index}` });
      await person.run("list_tasks", { changed_since: 11 });
    });
    await Promise.all([...steps, ...calls]);
    await expectWholeLog(person.id);
    await runSchedule();
    expect(await baseline()).toBe(11);
    expect(await loggedCalls(person.id)).toHaveLength(5);
    await expectWholeLog(person.id);
  });

  it("takes a change of more tasks than a step may in parts, and the baseline moves on once it is whole", async () => {
    await person.run("create_task", { title: "Before" });
    await ownerQuery("insert into tasks (user_id, title) select $1, 'Raw ' || n from generate_series(1, 2300) as n", [
      person.id,
    ]);
    await ownerQuery("update tasks set title = title || '!', priority = 'high' where user_id = $1", [person.id]);
    await letDaysPass(person.id, 366);
    const images = async () =>
      (await loggedTaskChanges(person.id)).filter(({ operation }) => operation === "baseline").length;
    // By its owner, as the worker would give up on a slow machine.
    const step = () => ownerQuery("select purge_history(365, 200, now() + interval '1 minute') as taken");

    const seen = [];
    for (let parts = 0; parts < 3; parts += 1) {
      expect(await step()).toEqual([{ taken: 1 }]);
      seen.push([await baseline(), await images()]);
      await expectWholeLog(person.id);
    }
    // First that of the one task, as no part of the large one goes with anything else.
    expect(seen).toEqual([
      [1, 1],
      [1, 1001],
      [1, 2001],
    ]);
    await person.run("update_task", { task_id: 1, title: "Meanwhile" });
    expect((await person.run("list_tasks", { changed_since: 3 })).tasks).toMatchObject([{ id: 1 }]);
    await runSchedule();
    expect([await baseline(), await images()]).toEqual([3, 2301]);
    expect((await loggedCalls(person.id)).map(({ change }) => change)).toEqual([4]);
    await expectWholeLog(person.id);
  });

  it("forgets a task whose row is gone", async () => {
    await person.run("create_task", { title: "A" });
    await person.run("delete_task", { task_id: 1 });
    await letDaysPass(person.id, 400);
    await runSchedule();
    await runSchedule();
    expect(await loggedTaskChanges(person.id)).toEqual([]);
    expect(await baseline()).toBe(2);
    await expectWholeLog(person.id);
  });

  it("takes a deleted task whose image is in the baseline", async () => {
    await person.run("create_task", { title: "A" });
    await person.run("create_task", { title: "B" });
    await person.run("delete_task", { task_id: 1 });
    await letDaysPass(person.id, 29);
    await ownerQuery("update changes set at = at - interval '10 days' where user_id = $1", [person.id]);
    await runSchedule({ HISTORY_DAYS: "30" });
    expect(await baseline()).toBe(3);
    expect(await loggedTaskChanges(person.id)).toMatchObject([{ task_id: 2 }, { task_id: 1, operation: "baseline" }]);
    await expectWholeLog(person.id);
    await letDaysPass(person.id, 2);
    await runSchedule();
    expect(await loggedTaskChanges(person.id)).toMatchObject([{ task_id: 2, operation: "baseline" }]);
    await expectWholeLog(person.id);
  });

  it.each([1, 2, 3, 4])(
    "leaves a log that gives the tasks that are there, wherever it begins (seed %i)",
    async (seed) => {
      const random = seededRandom(seed);
      const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)];
      for (let step = 0; step < 40; step += 1) {
        const id = 1 + Math.floor(random() * 8);
        const act = pick([
          () =>
            person.call("create_task", {
              title: `Task ${step}`,
              due: pick(["2026-12-01", "2026-12-01T10:00:00+05:00"]),
            }),
          () => person.call("update_task", { task_id: id, title: `Changed ${step}`, priority: pick(["low", "high"]) }),
          () => person.call("update_task", { task_id: id, clear: ["due", "tags"], claim_minutes: 10 }),
          () => person.call("complete_task", { task_id: id }),
          () => person.call("delete_task", { task_id: id }),
          () => ownerQuery(pick(writesBySql) ?? "", [person.id]),
          () => letDaysPass(person.id, 10 + Math.floor(random() * 20)),
        ]);
        await act?.();
        if (step % 8 === 7) {
          await ownerQuery("select purge_history(60, $1, now() + interval '1 minute')", [1 + Math.floor(random() * 4)]);
          await ownerQuery("select purge_deleted_tasks($1, now() + interval '1 minute')", [
            1 + Math.floor(random() * 3),
          ]);
          await expectWholeLog(person.id);
        }
      }
      await letDaysPass(person.id, 1000);
      await runSchedule();
      await expectWholeLog(person.id);
      expect(await loggedCalls(person.id)).toEqual([]);
      expect((await loggedTaskChanges(person.id)).every(({ operation }) => operation === "baseline")).toBe(true);
    },
  );
});
