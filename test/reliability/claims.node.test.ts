import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type ClaimDatabase, type ClaimingAgent, openClaimDatabase } from "../support/claiming-agents.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";
import { seededRandom } from "../support/seeded-random.ts";

const AGENTS = 20;
const TASKS = 500;
const LEASE = 1;
const SEED = 20_262;

/** A task that an agent holds, or held. */
interface Held {
  readonly id: number;
  readonly claim: number;
}

/** Claims the next task; undefined where none is ready. */
async function claimNext(agent: ClaimingAgent): Promise<Held | undefined> {
  // A clock that goes back between looking and taking makes it a conflict.
  let answer = await agent("update_task", { claim_next: true, claim_minutes: LEASE });
  while (answer === undefined) answer = await agent("update_task", { claim_next: true, claim_minutes: LEASE });
  const [task] = answer.tasks;
  return task === undefined ? undefined : { id: task.id, claim: answer.change ?? 0 };
}

/** Finishes a task under its claim, and says whether that was accepted. */
async function finish(agent: ClaimingAgent, { id, claim }: Held): Promise<boolean> {
  return (await agent("complete_task", { task_id: id, claim })) !== undefined;
}

const historySchema = z.array(
  z.object({ task_id: z.int(), claims: z.coerce.number(), completions: z.coerce.number() }),
);

/** How often each task was claimed and completed, by the log. */
async function historyOf({ owner }: ClaimDatabase, userId: number) {
  const { rows } = await owner.query(
    `select task_id, count(*) filter (where operation = 'update' and after ? 'claim') as claims,
       count(*) filter (where after ->> 'status' = 'completed') as completions
     from task_changes where user_id = $1 group by task_id`,
    [userId],
  );
  return historySchema.parse(rows);
}

/** The tasks that were completed by a change whose claim was not the task's last by then. */
async function completedBySuperseded({ owner }: ClaimDatabase, userId: number, finished: readonly Held[]) {
  const { rows } = await owner.query(
    `select done.task_id from task_changes as done
     join jsonb_to_recordset($2) as given (id integer, claim bigint) on given.id = done.task_id
     where done.user_id = $1 and done.after ->> 'status' = 'completed' and given.claim <> (
       select max(taken.change) from task_changes as taken
       where taken.user_id = $1 and taken.task_id = done.task_id and taken.after ? 'claim' and taken.change < done.change
     )`,
    [userId, JSON.stringify(finished)],
  );
  return rows;
}

describe.skipIf(findPostgresql() === undefined)(
  `${AGENTS} agents at once, ${TASKS} tasks`,
  { timeout: 180_000 },
  () => {
    let database: ClaimDatabase;
    beforeAll(async () => {
      database = await openClaimDatabase();
    }, 60_000);
    afterAll(async () => {
      await database?.close();
    });

    const agentsOf = (userId: number) =>
      Array.from({ length: AGENTS }, (_, index) => database.agent(userId, `agent ${index}`));

    it("claim and finish all of them, none twice", async () => {
      const userId = await database.newUser(TASKS);
      const finished: Held[] = [];
      await Promise.all(
        agentsOf(userId).map(async (agent) => {
          for (let held = await claimNext(agent); held !== undefined; held = await claimNext(agent)) {
            expect(await finish(agent, held)).toBe(true);
            finished.push(held);
          }
        }),
      );

      expect(finished).toHaveLength(TASKS);
      expect(new Set(finished.map(({ id }) => id)).size).toBe(TASKS);
      const history = await historyOf(database, userId);
      expect(history).toHaveLength(TASKS);
      expect(history.filter(({ claims, completions }) => claims !== 1 || completions !== 1)).toEqual([]);
    });

    it("do so although some die, some come back late, and the clock jumps", async () => {
      const userId = await database.newUser(TASKS);
      const random = seededRandom(SEED);
      const finished: Held[] = [];
      const paused: { readonly agent: ClaimingAgent; readonly held: Held }[] = [];
      let [died, refused] = [0, 0];
      // Forward past every lease; and back, which prolongs them.
      const jumps = new Map([
        [150, 2],
        [250, -1],
      ]);
      const work = async (agent: ClaimingAgent, stopsAfter: number, stop: (held: Held) => void) => {
        for (let count = 0; ; count += 1) {
          const held = await claimNext(agent);
          if (held === undefined) return;
          if (count === stopsAfter) return stop(held);
          if (!(await finish(agent, held))) {
            refused += 1;
            continue;
          }
          finished.push(held);
          const jump = jumps.get(finished.length);
          if (jump !== undefined) await database.advance(jump);
        }
      };
      const agents = agentsOf(userId);
      await Promise.all(
        agents.map((agent, index) => {
          const stopsAfter = index < 10 ? Math.floor(random() * 8) : Number.POSITIVE_INFINITY;
          return work(agent, stopsAfter, (held) => {
            if (index < 5) died += 1;
            else paused.push({ agent, held });
          });
        }),
      );
      expect({ died, paused: paused.length }).toEqual({ died: 5, paused: 5 });
      // The leases of those that are gone end, and the others go on.
      await database.advance(3);
      await Promise.all(agents.slice(10).map((agent) => work(agent, Number.POSITIVE_INFINITY, () => undefined)));

      for (const { agent, held } of paused) {
        if (await finish(agent, held)) finished.push(held);
        else refused += 1;
        expect(
          await agent("update_task", { task_id: held.id, claim: held.claim, claim_minutes: LEASE }),
        ).toBeUndefined();
      }
      expect(refused).toBeGreaterThan(0);
      expect(finished).toHaveLength(TASKS);
      expect(new Set(finished.map(({ id }) => id)).size).toBe(TASKS);
      expect((await historyOf(database, userId)).filter(({ completions }) => completions !== 1)).toEqual([]);
      expect(await completedBySuperseded(database, userId, finished)).toEqual([]);
    });
  },
);
