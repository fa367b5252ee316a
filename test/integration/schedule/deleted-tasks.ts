import { beforeEach, describe, expect, it } from "vitest";
import { expectWholeLog, loggedCalls, loggedTaskChanges } from "../../support/change-log.ts";
import { ownerQuery } from "../../support/owner.ts";
import { Person } from "../../support/person.ts";
import { letDaysPass, runSchedule } from "../../support/schedule.ts";

let person: Person;

const rowsOf = (who: Person) => ownerQuery("select * from tasks where user_id = $1 order by id", [who.id]);

describe("the schedule", () => {
  beforeEach(async () => {
    person = await Person.signUp();
  });

  it("removes tasks 30 days after they were deleted, and no others, which is no change", async () => {
    for (const title of ["Gone", "Deleted lately", "There"]) await person.run("create_task", { title });
    await person.run("update_task", { task_id: 1, priority: "high" });
    await person.run("delete_task", { task_id: 1 });
    await letDaysPass(person.id, 30.01);
    await person.run("delete_task", { task_id: 2 });
    await letDaysPass(person.id, 0);
    const calls = await loggedCalls(person.id);
    await runSchedule();

    expect(await rowsOf(person)).toMatchObject([{ id: 2 }, { id: 3, title: "There" }]);
    expect(await loggedCalls(person.id)).toEqual(calls);
    await expectWholeLog(person.id);
    const deleted = await person.run("list_tasks", { status: "deleted" });
    expect(deleted).toMatchObject({ tasks: [{ title: "Deleted lately" }] });
    // Whoever has not looked since before the deletion is still told.
    expect(await person.run("list_tasks", { changed_since: 4 })).toMatchObject({
      tasks: [{ id: 1, title: "Gone", deleted_at: expect.any(String) }, { id: 2 }],
    });
  });

  it("leaves a deletion to be undone for as long as the log has it", async () => {
    await person.run("create_task", { title: "Back", tags: ["a"], description: "All of it." });
    const { change } = await person.run("delete_task", { task_id: 1 });
    await letDaysPass(person.id, 31);
    await runSchedule();
    expect(await rowsOf(person)).toEqual([]);

    await person.run("update_task", { undo: change });
    expect(await rowsOf(person)).toMatchObject([{ id: 1, title: "Back", description: "All of it." }]);
    await expectWholeLog(person.id);
    expect((await person.runForTask("create_task", { title: "Next" })).id).toBe(2);
  });

  it("leaves nothing to be undone of what was changed by hand after a deletion", async () => {
    await person.run("create_task", { title: "A" });
    await person.run("delete_task", { task_id: 1 });
    await ownerQuery("update tasks set title = 'B' where user_id = $1", [person.id]);
    await letDaysPass(person.id, 31);
    await runSchedule();

    expect((await loggedTaskChanges(person.id)).at(-1)).toMatchObject({ operation: "delete", after: null });
    await expectWholeLog(person.id);
    expect((await person.call("update_task", { undo: 3 })).status).toBe(200);
    expect(await rowsOf(person)).toEqual([]);
  });

  it("goes on until all are gone, a step at a time", async () => {
    await ownerQuery("insert into tasks (user_id, title) select $1, 'Old' from generate_series(1, 450)", [person.id]);
    await ownerQuery("update tasks set deleted_at = now() where user_id = $1", [person.id]);
    await letDaysPass(person.id, 31);
    const [first] = await ownerQuery("select purge_deleted_tasks(200, now() + interval '1 minute') as taken");
    expect(first).toEqual({ taken: 200 });
    expect(await rowsOf(person)).toHaveLength(250);
    await runSchedule();
    expect(await rowsOf(person)).toHaveLength(0);
    await expectWholeLog(person.id);
  });
});
