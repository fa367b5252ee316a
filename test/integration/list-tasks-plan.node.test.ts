import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startGateway } from "../../local/gateway.ts";
import { openRawPool } from "../../local/raw-pool.ts";
import type { Caller } from "../../src/caller.ts";
import { openDatabase } from "../../src/database/database.ts";
import { type ListRequest, listTasks } from "../../src/tasks/list-tasks.ts";
import { createMigratedDatabase, workerUrlTo } from "../support/cluster-databases.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy/fault-proxy.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";

const OTHERS = 200;
const TASKS_OF_EACH = 250;
/** Made first: their tasks are behind those of everybody else. */
const OWN_TASKS = 40;

const cursorSettings = { JWT_SECRET: "a secret of the tests, 32 characters", SIGN_CURSORS: "on" } as const;
const statuses = ["pending", "in_progress", "completed", "cancelled"] as const;
const orders = ["created", "updated", "due", "priority", "position"] as const;

interface Plan {
  readonly relation: string | undefined;
  readonly rows: number;
  readonly removed: number;
  readonly plans: readonly Plan[];
}

const planSchema: z.ZodType<Plan> = z
  .object({
    "Relation Name": z.string().optional(),
    "Actual Rows": z.number(),
    "Actual Loops": z.number(),
    "Rows Removed by Filter": z.number().default(0),
    "Rows Removed by Index Recheck": z.number().default(0),
    get Plans() {
      return z.array(planSchema).default([]);
    },
  })
  .transform((plan) => ({
    relation: plan["Relation Name"],
    rows: plan["Actual Rows"] * plan["Actual Loops"],
    removed: (plan["Rows Removed by Filter"] + plan["Rows Removed by Index Recheck"]) * plan["Actual Loops"],
    plans: plan.Plans,
  }));
const explainedSchema = z.tuple([z.object({ "QUERY PLAN": z.tuple([z.object({ Plan: planSchema })]) })]);

/** How many rows of tasks were looked at, whether they were of use or not: each once to be found, and once to be told. */
function tasksRead({ relation, rows, removed, plans }: Plan): number {
  const own = relation === "tasks" ? rows + removed : 0;
  return plans.reduce((sum, plan) => sum + tasksRead(plan), own);
}

describe.skipIf(findPostgresql() === undefined)("a list among 50,000 tasks of others", () => {
  const endings: (() => Promise<unknown>)[] = [];
  let proxy: FaultProxy;
  let worker: pg.Client;
  let caller: Caller;
  let list: (filter: Partial<ListRequest>) => Promise<unknown>;

  beforeAll(async () => {
    const { url } = await createMigratedDatabase();
    const owner = new pg.Client({ connectionString: url.href });
    await owner.connect();
    const newUsers = async (count: number) => {
      const { rows } = await owner.query(
        `insert into users (email, name, password_hash)
         select gen_random_uuid() || '@example.com', 'Ada', 'no hash' from generate_series(1, $1) returning id`,
        [count],
      );
      return z
        .array(z.object({ id: z.int() }))
        .parse(rows)
        .map(({ id }) => id);
    };
    const addTasks = (ids: readonly number[], count: number, createdAt: string) =>
      owner.query(
        `insert into tasks (user_id, title, created_at, updated_at)
         select user_id, 'One of many', moment, moment
         from unnest($1::integer[]) as user_id, generate_series(1, $2) as number,
           lateral (select $3::timestamptz + number * interval '1 minute' as moment) as made`,
        [ids, count, createdAt],
      );
    const [own = 0] = await newUsers(1);
    await addTasks([own], OWN_TASKS, "2026-01-01T00:00:00Z");
    await addTasks(await newUsers(OTHERS), TASKS_OF_EACH, "2026-06-01T00:00:00Z");
    await owner.query("analyze tasks");
    await owner.end();

    const pool = openRawPool(workerUrlTo(url));
    endings.push(() => pool.end());
    const gateway = await startGateway(pool);
    endings.push(() => gateway.close());
    proxy = await startFaultProxy(gateway.fetchEndpoint);
    endings.push(() => proxy.close());
    worker = new pg.Client({ connectionString: workerUrlTo(url).href });
    await worker.connect();
    endings.push(() => worker.end());
    const issuedAt = new Date();
    const expiresAt = new Date(issuedAt.getTime() + 3_600_000);
    caller = {
      userId: own,
      credential: { kind: "sign_in", id: crypto.randomUUID(), issuedAt, expiresAt },
      access: "full",
    };
    const database = openDatabase(gateway.connectionString, proxy.fetchEndpoint, 10);
    const userDatabase = database.as(caller, { via: "http", requestId: "test" });
    list = (filter) => listTasks(userDatabase, { statuses, order: "created", limit: 20, ...filter }, cursorSettings);
  });
  afterAll(async () => {
    for (const end of endings.reverse()) await end();
  });

  /** Has Postgres explain the last request to the database, as the worker's role. */
  async function explainLast(): Promise<Plan> {
    const request = proxy.journal.at(-1);
    if (request === undefined) throw new Error("nothing was asked");
    const [setCaller = "", query = "", ...more] = request.statements;
    expect(more).toEqual([]);
    const [call, ...parameters] = request.parameters;
    await worker.query("begin");
    try {
      await worker.query(setCaller, [call]);
      const { rows } = await worker.query(`explain (analyze, format json) ${query}`, parameters);
      return explainedSchema.parse(rows)[0]["QUERY PLAN"][0].Plan;
    } finally {
      await worker.query("rollback");
    }
  }

  it.each(orders)("of everything, ordered by %s, reads no task but those of its person", async (order) => {
    const page = await list({ order });
    expect(page).toMatchObject({ tasks: { length: 20 } });

    expect(tasksRead(await explainLast())).toBeLessThanOrEqual(2 * OWN_TASKS);
  });

  it.each([
    ["one status", { statuses: ["pending"] }],
    ["a priority that no task has", { priority: "urgent" }],
    ["a search that finds nothing", { search: "nowhere" }],
    ["a tag that no task has", { tags: ["nothing"] }],
  ] satisfies [string, Partial<ListRequest>][])("of %s does not either", async (_, filter) => {
    await list(filter);

    expect(tasksRead(await explainLast())).toBeLessThanOrEqual(2 * OWN_TASKS);
  });
});
