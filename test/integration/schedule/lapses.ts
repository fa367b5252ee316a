import { env } from "cloudflare:workers";
import { neon } from "@neondatabase/serverless";
import { beforeEach, describe, expect, inject, it } from "vitest";
import { readConfiguration } from "../../../src/config.ts";
import { expectWholeLog, loggedCalls, loggedTaskChanges } from "../../support/change-log.ts";
import { lapse } from "../../support/claims.ts";
import { ownerQuery } from "../../support/owner.ts";
import { PATIENCE } from "../../support/patience.ts";
import { Person } from "../../support/person.ts";
import { runSchedule } from "../../support/schedule.ts";

const sql = neon(readConfiguration(env).DATABASE_URL);
/** One step, as the worker takes it. */
const step = (most: number) => sql`select log_lapsed_claims(${most}, now() + interval '1 minute') as taken`;

let person: Person;
let agent: Person;
let other: Person;

const rowsOf = (who: Person) => ownerQuery("select * from tasks where user_id = $1 order by id", [who.id]);

/** Has a task claimed, and lets the claim lapse, as time does. */
async function claimed(who: Person, id: number): Promise<number> {
  const { change } = await who.run("update_task", { task_id: id, claim_minutes: 30 });
  await lapse(person, id);
  return change ?? 0;
}

describe("a claim that has lapsed", () => {
  beforeEach(async () => {
    person = await Person.signUp();
    [agent, other] = await Promise.all([person.withScopes(["tasks:write", "tasks:read"]), person.signInAgain()]);
  });

  it("is logged by the schedule, once, in a change of its own", async () => {
    for (const title of ["A", "B", "C"]) await person.run("create_task", { title });
    await claimed(agent, 1);
    await claimed(agent, 2);
    await agent.run("update_task", { task_id: 3, claim_minutes: 30 });
    await runSchedule();
    await runSchedule();

    expect(await rowsOf(person)).toMatchObject([
      { claim: "4", claimed_until: null, claimed_by: expect.any(String), claim_lapses: 1, version: 1 },
      { claim: "5", claimed_until: null, claim_lapses: 1 },
      { claim: "6", claimed_until: expect.any(String), claim_lapses: 0 },
    ]);
    expect((await loggedCalls(person.id)).slice(6)).toMatchObject([
      { change: 7, via: "schedule", client: null, tool: null, credential_kind: null },
    ]);
    expect((await loggedTaskChanges(person.id)).slice(-2)).toMatchObject([
      { task_id: 1, change: 7, after: { claim_lapses: 1, claimed_until: null } },
      { task_id: 2, change: 7 },
    ]);
    const { history } = await person.run("get_task", { task_id: 1, history: 1 });
    expect(history).toEqual([
      expect.stringMatching(/^change 7 · \S+ · found that its claim had lapsed · by schedule$/),
    ]);
    expect((await person.run("list_tasks", { changed_since: 6 })).tasks).toHaveLength(2);
    await expectWholeLog(person.id);
  });

  it("is not counted again where the task is taken, and after three the task is set aside", async () => {
    await person.run("create_task", { title: "A" });
    for (const lapses of [1, 2, 3]) {
      await claimed(lapses === 2 ? other : agent, 1);
      await runSchedule();
      expect(await rowsOf(person)).toMatchObject([{ claim_lapses: lapses }]);
    }
    expect((await person.run("list_tasks", { status: "ready" })).tasks).toEqual([]);
    expect((await person.run("list_tasks")).tasks).toMatchObject([{ set_aside: true }]);
  });

  it("still counts for its holder as long as nobody has taken the task over", async () => {
    await person.run("create_task", { title: "A" });
    await person.run("create_task", { title: "B" });
    const first = await claimed(agent, 1);
    const second = await claimed(agent, 2);
    await runSchedule();
    await agent.run("complete_task", { task_id: 1, claim: first });
    await other.run("update_task", { task_id: 2, claim_minutes: 5 });
    expect((await agent.call("complete_task", { task_id: 2, claim: second })).status).toBe(409);

    expect(await rowsOf(person)).toMatchObject([
      { status: "completed", claimed_by: null, claim_lapses: 0 },
      { status: "pending", claim_lapses: 1 },
    ]);
    await expectWholeLog(person.id);
  });

  it("goes on for its holder, who renews it", async () => {
    await person.run("create_task", { title: "A" });
    const claim = await claimed(agent, 1);
    await runSchedule();
    await agent.run("update_task", { task_id: 1, claim, claim_minutes: 10 });
    expect((await other.call("complete_task", { task_id: 1 })).status).toBe(409);
    expect((await person.run("list_tasks")).tasks).toMatchObject([{ claimed_until: expect.any(String) }]);
    await expectWholeLog(person.id);
  });

  it("is no change that can be undone, and stands in no undo's way", async () => {
    await person.run("create_task", { title: "A" });
    await agent.run("update_task", { task_id: 1, title: "B" });
    await claimed(agent, 1);
    await runSchedule();
    await person.run("update_task", { undo: 4 });
    expect(await loggedCalls(person.id)).toHaveLength(4);
    await person.run("update_task", { undo: 2 });
    expect(await rowsOf(person)).toMatchObject([{ title: "A", claim_lapses: 1 }]);
  });

  // PGlite has one connection, so that nobody holds anything there.
  it.skipIf(inject("databaseName") === "pglite")(
    "waits where a call holds the user's row, and others' are counted meanwhile (needs PostgreSQL)",
    async () => {
      const neighbour = await Person.signUp();
      await runSchedule();
      // The one whose row is held is the first to be counted, and a step takes one.
      for (const [each, ago] of [
        [person, "2 minutes"],
        [neighbour, "1 minute"],
      ] as const) {
        await each.run("create_task", { title: "A" });
        await each.run("update_task", { task_id: 1, claim_minutes: 5 });
        await ownerQuery("update tasks set claimed_until = now() - $2::interval where user_id = $1", [each.id, ago]);
      }
      const lapses = async () =>
        [...(await rowsOf(person)), ...(await rowsOf(neighbour))].map(({ claim_lapses: count }) => count);
      // Until the neighbour's is counted, or for a minute.
      const held = ownerQuery(`do $$ begin
      perform from users where id = ${person.id} for no key update;
      for attempt in 1..600 loop
        exit when (select claim_lapses from tasks where user_id = ${neighbour.id}) > 0;
        perform pg_sleep(0.1);
      end loop;
    end $$`);
      const locks = () => sql`select from pg_locks where relation = 'users'::regclass and mode = 'RowShareLock'`;
      await expect.poll(async () => (await locks()).length, { timeout: PATIENCE }).toBeGreaterThan(0);
      await step(1);
      await held;
      expect(await lapses()).toEqual([0, 1]);
      await runSchedule();
      expect(await lapses()).toEqual([1, 1]);
    },
  );

  it("keeps the numbers of a user whole, also where others write at the same time", async () => {
    for (let id = 1; id <= 12; id += 1) await person.run("create_task", { title: `Task ${id}` });
    for (let id = 1; id <= 12; id += 1) await claimed(agent, id);
    const calls = Array.from({ length: 12 }, async (_, index) => {
      const call = await person.call("update_task", { task_id: index + 1, title: `Renamed ${index}` });
      expect(call.status).toBe(200);
      await step(2);
    });
    await Promise.all([...calls, ...Array.from({ length: 8 }, () => step(2))]);
    await runSchedule();
    expect((await rowsOf(person)).map((row) => row.claim_lapses)).toEqual(Array.from({ length: 12 }, () => 1));
    await expectWholeLog(person.id);
  });
});
