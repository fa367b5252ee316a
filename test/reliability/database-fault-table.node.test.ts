import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Account, newAccount, post } from "../support/fault-proxy/account.ts";
import { CALL_SECONDS, type Effect, examples, faults, few } from "../support/fault-proxy/fault-list.ts";
import { type Fate, noFault } from "../support/fault-proxy/fault-proxy.ts";
import {
  approve,
  beginTurn,
  deleteAccount,
  type FaultyCall,
  type PrepareCall,
  signOut,
  signUp,
  storeTurn,
  toolCall,
} from "../support/fault-proxy/faulty-calls.ts";
import { type FaultyServer, startFaultyServer } from "../support/fault-proxy/faulty-server.ts";
import { isLongRun } from "../support/long-run.ts";
import { wait } from "../support/obedient-client.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";

// Each fault upon the request that carries a call out: once, and until the server gives up.

/** Fewer calls than open the breaker, as each comes after an answer. */
const AT_ONCE = 4;

const unkeyed = { isKeyed: false };
const keyed = { isKeyed: true };

type Calls = readonly (readonly [name: string, prepare: PrepareCall])[];
const creates: Calls = [["create_task", toolCall("create_task", "http", unkeyed)]];
const keyedCreates: Calls = [["create_task with a key", toolCall("create_task", "http", keyed)]];
const others: Calls = [
  ["create_task in a session", toolCall("create_task", "session", unkeyed)],
  ["update_task", toolCall("update_task", "http", unkeyed)],
  ["complete_task", toolCall("complete_task", "http", unkeyed)],
  ["delete_task", toolCall("delete_task", "http", unkeyed)],
  ["sign-out", signOut],
  ["chat, begun", beginTurn],
];
const keyedOthers: Calls = [
  ["create_task with a key, stateless", toolCall("create_task", "stateless", keyed)],
  ["update_task with a key", toolCall("update_task", "http", keyed)],
  ["complete_task with a key", toolCall("complete_task", "session", keyed)],
  ["delete_task with a key", toolCall("delete_task", "http", keyed)],
];
const approvals: Calls = [["chat, a yes", approve]];
const stores: Calls = [["chat, stored", storeTurn]];
/** They hash passwords, which keeps an isolate from hearing answers in time where several do so at once. */
const accounts: Calls = [
  ["sign-up", signUp],
  ["account deletion", deleteAccount],
];

interface Outcome {
  readonly told: string;
  readonly times: number;
}

interface Pair {
  readonly name: string;
  readonly prepare: PrepareCall;
  readonly fate: Fate;
  readonly effect: Effect;
}

/** Runs work on each item, some at a time. */
async function inTurn<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const workSome = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, workSome));
}

/** All pairs of calls and faults. */
function pairs(made: Calls, met: typeof faults): Pair[] {
  return made.flatMap(([call, prepare]) =>
    met.map(([fault, fate, effect]) => ({ name: `${call}: ${fault}`, prepare, fate, effect })),
  );
}

describe.skipIf(findPostgresql() === undefined)(
  "a call whose request to the database meets",
  { timeout: 300_000 },
  () => {
    let server: FaultyServer;
    let somebody: Account;
    /** What becomes of the requests of the calls that are under way. */
    const fates = new Map<FaultyCall["isIt"], () => Fate>();

    beforeAll(async () => {
      server = await startFaultyServer({ DATABASE_TIMEOUT: String(CALL_SECONDS) });
      somebody = await newAccount(server);
      server.proxy.follow((request) => [...fates].find(([isIt]) => isIt(request))?.[1]() ?? noFault(request));
    }, 120_000);
    afterAll(async () => {
      await server?.close();
    });

    /** Makes a call whose request meets a fault so often, and tells what its caller is told. */
    async function make(call: FaultyCall, fate: Fate, often: number): Promise<string> {
      let left = often;
      expect((await post(server, "POST", "/mcp/tools/list_tasks", {}, somebody)).status).toBe(200);
      fates.set(call.isIt, () => (left-- > 0 ? fate : { fault: "none" }));
      const told = await call.make();
      fates.delete(call.isIt);
      return told;
    }

    /** Makes such a call, and tells what came of it when nothing of it is on its way any more. */
    async function meet(call: FaultyCall, fate: Fate, often: number): Promise<Outcome> {
      const told = await make(call, fate, often);
      if (often > 0 && fate.seconds !== undefined) await wait(fate.seconds);
      return { told, times: await call.times() };
    }

    /** Has each call meet its fault so often, and tells what came of them by their names. */
    async function outcomesOf(met: readonly Pair[], often: number, atOnce = AT_ONCE): Promise<Record<string, Outcome>> {
      const calls = new Map<string, { readonly told: string; readonly call: FaultyCall }>();
      await inTurn(met, atOnce, async ({ name, prepare, fate }) => {
        const call = await prepare(server);
        calls.set(name, { told: await make(call, fate, often), call });
      });
      await server.proxy.settled();
      const outcomes: Record<string, Outcome> = {};
      for (const [name, { told, call }] of calls) outcomes[name] = { told, times: await call.times() };
      return outcomes;
    }

    function expected(met: readonly Pair[], outcome: (pair: Pair) => Outcome): Record<string, Outcome> {
      return Object.fromEntries(met.map((pair) => [pair.name, outcome(pair)]));
    }

    it("a fault once is carried out once, and nobody hears of the fault", async () => {
      const before = await server.counted("tasks_created_total");
      const met = [
        ...pairs([...creates, ...keyedCreates, ...stores], faults),
        ...pairs([...others, ...keyedOthers, ...approvals], few),
      ];
      expect(await outcomesOf(met, 1)).toEqual(expected(met, () => ({ told: "done", times: 1 })));
      const created = met.filter(({ name }) => name.startsWith("create_task")).length;
      const counted = async () => (await server.counted("tasks_created_total")) - before;
      await expect.poll(counted, { timeout: 10_000 }).toBe(created);
    });

    it("a fault once is carried out once, where a password is hashed too", async () => {
      const met = pairs(accounts, few);
      expect(await outcomesOf(met, 1, 1)).toEqual(expected(met, () => ({ told: "done", times: 1 })));
    });

    it.skipIf(!isLongRun)(
      "faults until the server gives up is told so, as far as that is known, and is never carried out later, with CI=true",
      async () => {
        const met = [...pairs(creates, faults), ...pairs(others, examples)];
        const hashed = pairs(accounts, examples);
        const told = {
          refused: "nothing changed, repeat it",
          "not known, not done": "unknown",
          "not known, done": "unknown",
        };
        const outcomes = {
          ...(await outcomesOf(met, Number.POSITIVE_INFINITY)),
          ...(await outcomesOf(hashed, Number.POSITIVE_INFINITY, 1)),
        };
        expect(outcomes).toEqual(
          expected([...met, ...hashed], ({ effect }) => ({ told: told[effect], times: timesAfter(effect) })),
        );
      },
    );

    it.skipIf(!isLongRun)(
      "faults until the server gives up may be repeated by its key, and is carried out once then, with CI=true",
      async () => {
        const met = [...pairs(keyedCreates, faults), ...pairs(keyedOthers, examples)];
        const before = await server.counted("tasks_created_total");
        const outcomes: Record<string, readonly Outcome[]> = {};
        await inTurn(met, AT_ONCE, async ({ name, prepare, fate }) => {
          const call = await prepare(server);
          const first = await meet(call, fate, Number.POSITIVE_INFINITY);
          outcomes[name] = [first, await meet(call, fate, 0)];
        });
        expect(outcomes).toEqual(
          Object.fromEntries(
            met.map(({ name, effect }) => {
              const told = effect === "refused" ? "nothing changed, repeat it" : "unknown, repeat it";
              const repeated = effect === "not known, done" ? "done before" : "done";
              return [
                name,
                [
                  { told, times: timesAfter(effect) },
                  { told: repeated, times: 1 },
                ],
              ];
            }),
          ),
        );
        // Each counts once, when its caller learns of it, by whichever of the two calls it was made.
        const created = met.filter(({ name }) => name.startsWith("create_task")).length;
        const counted = async () => (await server.counted("tasks_created_total")) - before;
        await expect.poll(counted, { timeout: 10_000 }).toBe(created);
      },
    );

    it.skipIf(!isLongRun)(
      "faults until the server gives up, and is a yes, counts when it is given again, with CI=true",
      async () => {
        const outcomes: Record<string, readonly Outcome[]> = {};
        const met = pairs(approvals, examples);
        await inTurn(met, AT_ONCE, async ({ name, prepare, fate }) => {
          const call = await prepare(server);
          outcomes[name] = [await meet(call, fate, Number.POSITIVE_INFINITY), await meet(call, fate, 0)];
        });
        expect(outcomes).toEqual(
          Object.fromEntries(
            met.map(({ name, effect }) => {
              const told = effect === "refused" ? "nothing changed, repeat it" : "unknown";
              // The task is deleted behind the yes.
              return [
                name,
                [
                  { told, times: 0 },
                  { told: "done", times: 1 },
                ],
              ];
            }),
          ),
        );
      },
    );

    it.skipIf(!isLongRun)(
      "faults when the agent's answer is stored is stored later, and its tokens count once, with CI=true",
      async () => {
        const outcomes: Record<string, number> = {};
        const met = pairs(stores, examples);
        await inTurn(met, AT_ONCE, async ({ name, prepare, fate, effect }) => {
          const call = await prepare(server);
          const { told, times } = await meet(call, fate, Number.POSITIVE_INFINITY);
          expect(told, name).toMatch(/is not saved yet, and will be when it can/);
          expect(times, name).toBe(timesAfter(effect));
          await expect.poll(() => call.times(), { timeout: 60_000, interval: 500 }).toBe(1);
          outcomes[name] = await call.times();
        });
        expect(Object.values(outcomes)).toEqual(met.map(() => 1));
      },
    );

    it("whatever it is, is no error of ours", async () => {
      expect(await server.sentryEvents()).toEqual([]);
    });
  },
);

/** How often a call has been carried out whose every request met a fault. */
function timesAfter(effect: Effect): number {
  return effect === "not known, done" ? 1 : 0;
}
