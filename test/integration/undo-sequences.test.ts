import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { expectWholeLog } from "../support/change-log.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { deleteRow, imagesOf } from "../support/undoing.ts";

let person: Person;
beforeEach(async () => {
  person = await Person.signUp();
});

const lastChange = async () =>
  Number((await ownerQuery("select last_change from users where id = $1", [person.id]))[0]?.last_change);

/** Makes up to 30 changes at random, of every kind, and gives what was there before each. */
async function changeAtRandom(random: () => number, more: string[] = []): Promise<Map<number, object>> {
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)];
  const before = new Map<number, object>();
  for (let step = 0; step < 45 && before.size < 30; step += 1) {
    const [images, last] = await Promise.all([imagesOf(person), lastChange()]);
    const id = Number(pick(Object.keys(images)) ?? 0);
    const raw = [
      `update tasks set tags = '{t${step}}', version = version + 1 where user_id = $1 and deleted_at is null`,
      ...more,
    ];
    const act = pick([
      () => person.call("create_task", { title: `Task ${step}`, tags: pick([[], ["a"]]) }),
      () => person.call("update_task", { task_id: id, title: `Title ${step}`, priority: pick(["low", "high"]) }),
      () => person.call("update_task", { task_id: id, due: pick(["2026-12-01", "2026-12-01T10:00:00+05:00"]) }),
      () => person.call("update_task", { task_id: id, status: pick(["pending", "cancelled"]), clear: ["due"] }),
      () => person.call("complete_task", { task_id: id }),
      () => person.call("delete_task", { task_id: id }),
      () => person.call("update_task", { undo: Math.ceil(random() * Math.max(1, last)) }),
      () => deleteRow(person, id),
      () => ownerQuery(pick(raw) ?? "", [person.id]),
    ]);
    await (id === 0 ? person.call("create_task", { title: `First ${step}` }) : act?.());
    const change = await lastChange();
    if (change > last) before.set(change, images);
  }
  return before;
}

const purge = "delete from tasks where user_id = $1 and deleted_at is not null";

describe("any sequence of changes", () => {
  it.each([1, 2])("undone in reverse restores what was before each (seed %i)", async (seed) => {
    const before = await changeAtRandom(seededRandom(seed), [purge]);
    expect(before.size).toBeGreaterThan(15);
    for (const [change, images] of [...before].reverse()) {
      const undone = await person.call("update_task", { undo: change });
      expect(undone.status, `change ${change}: ${await undone.clone().text()}`).toBe(200);
      expect(await imagesOf(person), `change ${change}`).toEqual(images);
    }
    expect(await imagesOf(person)).toEqual({});
    await expectWholeLog(person.id);
  });

  it.each([4, 5])("undone in any order restores or refuses, and never half-does (seed %i)", async (seed) => {
    const random = seededRandom(seed);
    await changeAtRandom(random);
    let [restored, refused] = [0, 0];
    let [images, last] = await Promise.all([imagesOf(person), lastChange()]);
    for (let step = 0; step < 25; step += 1) {
      const change = Math.ceil(random() * last);
      const undone = await person.call("update_task", { undo: change });
      const [after, now] = await Promise.all([imagesOf(person), lastChange()]);
      if (undone.status === 409) {
        refused += 1;
        expect((await problemOf(undone)).detail).toMatch(
          /^Change \d+ cannot be undone because of later changes: change /,
        );
      } else {
        expect(undone.status, await undone.clone().text()).toBe(200);
      }
      if (now === last) {
        expect(after).toEqual(images);
      } else {
        restored += 1;
        await expectUndone(change, images, after);
      }
      images = after;
      last = now;
    }
    expect(restored).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
    await expectWholeLog(person.id);
  });
});

/** Makes sure that each task that a change was about is as before it, in what it changed, and all else as it was. */
async function expectUndone(change: number, images: object, after: Record<string, unknown>): Promise<void> {
  const rows = await ownerQuery(
    `select task_id, case
       when before is null or before ->> 'deleted_at' is not null then null
       else (
         select jsonb_object_agg(name, before -> name)
         from unnest(case
           when after is null or after ->> 'deleted_at' is not null then array['title', 'status', 'due_date', 'due_at', 'tags']
           else undone_columns(before, after)
         end) as name
         where name <> 'completed_at'
       )
     end as fields,
     (before is null or before ->> 'deleted_at' is not null) as was_absent
     from task_changes where user_id = $1 and change = $2`,
    [person.id, change],
  );
  const changed = new Set(rows.map(({ task_id: id }) => String(id)));
  for (const { task_id: id, fields, was_absent: wasAbsent } of rows) {
    const task = after[String(id)];
    if (wasAbsent === true) expect(task, `#${id}`).toBeUndefined();
    else expect(task, `#${id}`).toMatchObject({ ...z.record(z.string(), z.unknown()).nullable().parse(fields) });
  }
  const others = (all: object) => Object.entries(all).filter(([id]) => !changed.has(id));
  expect(others(after)).toEqual(others(images));
}
