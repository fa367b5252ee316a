import * as fc from "fast-check";
import { expect, it } from "vitest";
import { expectWholeLog } from "../support/change-log.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";

const RUNS = 20;

/** A task as it is before the call. */
const taskArbitrary = fc.record({
  status: fc.constantFrom("pending", "in_progress", "completed", "cancelled"),
  tags: fc.constantFrom(0, 1, 19, 20),
  description: fc.constantFrom(0, 5, 9_997, 10_000),
  isHeld: fc.boolean(),
  isDeleted: fc.boolean(),
});
type TaskBefore = typeof taskArbitrary extends fc.Arbitrary<infer Value> ? Value : never;

const deedArbitrary = fc.constantFrom<[tool: string, input: Record<string, unknown>]>(
  ["complete_task", {}],
  ["delete_task", {}],
  ["update_task", { status: "pending" }],
  ["update_task", { status: "completed", due: "2026-12-01" }],
  ["update_task", { clear: ["tags", "description"] }],
  ["update_task", { add_tags: ["TAG 0", "new"], append: "x" }],
  ["update_task", { remove_tags: ["tag 0"], priority: "high" }],
  ["update_task", { claim_minutes: 5 }],
  ["update_task", { claim_minutes: 5, add_tags: ["a", "b"] }],
  ["complete_task", { claim: 77 }],
);

/** Somebody who has these tasks, numbered from 1 on. */
async function personWith(tasks: readonly TaskBefore[]): Promise<Person> {
  const person = await Person.signUp();
  for (const { status, tags, description, isHeld, isDeleted } of tasks) {
    await ownerQuery(
      `insert into tasks (user_id, title, status, completed_at, tags, description)
       values ($1, 'A task', $2, case when $2 = 'completed' then now() end, $3, $4)`,
      [person.id, status, Array.from({ length: tags }, (_, index) => `tag ${index}`), "x".repeat(description)],
    );
    await ownerQuery(
      `update tasks set deleted_at = case when $3 then now() end, claim = case when $2 then 77 end,
         claimed_by = case when $2 then 'Other' end, claimed_until = case when $2 then now() + interval '1 hour' end
       where user_id = $1 and id = (select max(id) from tasks where user_id = $1)`,
      [person.id, isHeld && !isDeleted && ["pending", "in_progress"].includes(status), isDeleted],
    );
  }
  return person;
}

function rowsOf({ id }: Person) {
  return ownerQuery(
    `select id, status, priority, tags, md5(description) as description, due_date, version, deleted_at is null as is_there,
       completed_at is not null as is_completed, claimed_by, claim = 77 as is_first_claim
     from tasks where user_id = $1 order by id`,
    [id],
  );
}

it("does what single calls do one after another, and with atomic all of it or nothing", {
  timeout: 120_000,
}, async () => {
  const idsArbitrary = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 6 });
  const states = fc.array(taskArbitrary, { minLength: 2, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(states, idsArbitrary, deedArbitrary, async (state, ids, [tool, input]) => {
      const [several, single, atomic] = await Promise.all([personWith(state), personWith(state), personWith(state)]);
      const before = await rowsOf(atomic);
      const { failed = [], change } = await several.run(tool, { task_ids: ids, ...input });
      const refused: number[] = [];
      for (const id of ids) {
        const { ok } = await single.call(tool, { task_id: id, ...input });
        if (!ok) refused.push(id);
      }
      expect(failed.map(({ task_id: id }) => id)).toEqual(refused);
      const after = await rowsOf(several);
      expect(after).toEqual(await rowsOf(single));

      const whole = await atomic.call(tool, { task_ids: ids, atomic: true, ...input });
      expect(whole.status).toBe(refused.length === 0 ? 200 : 409);
      expect(await rowsOf(atomic)).toEqual(refused.length === 0 ? after : before);

      await expectWholeLog(several.id);
      if (change === undefined || "claim_minutes" in input) return;
      await several.run("update_task", { undo: change });
      const withoutVersions = (rows: Awaited<ReturnType<typeof rowsOf>>) =>
        rows.map(({ version: _version, claimed_by: _holder, ...row }) => row);
      expect(withoutVersions(await rowsOf(several))).toEqual(withoutVersions(before));
    }),
    { numRuns: RUNS },
  );
});
