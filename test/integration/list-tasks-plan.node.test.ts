import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ListRequest, listTasks } from "../../src/tasks/list-tasks.ts";
import { nodesExplained, type Plan } from "../support/explained-plan.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";
import { cursorSettings, openTaskLists, type TaskLists } from "../support/task-lists.ts";

const OTHERS = 200;
const TASKS_OF_EACH = 250;
/** Made first: their tasks are behind those of everybody else. */
const OWN_TASKS = 40;

const statuses = ["pending", "in_progress", "completed", "cancelled"] as const;
const orders = ["created", "updated", "due", "priority", "position"] as const;

/** How many rows of tasks were looked at, whether they were of use or not: each once to be found, and once to be told. */
function tasksRead(nodes: readonly Plan[]): number {
  return nodes.reduce((sum, { relation, read }) => sum + (relation === "tasks" ? read : 0), 0);
}

describe.skipIf(findPostgresql() === undefined)("a list among 50,000 tasks of others", () => {
  let lists: TaskLists;
  let worker: pg.Client;
  let list: (filter: Partial<ListRequest>) => Promise<unknown>;

  beforeAll(async () => {
    lists = await openTaskLists();
    const addTasks = (ids: readonly number[], count: number, createdAt: string) =>
      lists.owner.query(
        `insert into tasks (user_id, title, created_at, updated_at)
         select user_id, 'One of many', moment, moment
         from unnest($1::integer[]) as user_id, generate_series(1, $2) as number,
           lateral (select $3::timestamptz + number * interval '1 minute' as moment) as made`,
        [ids, count, createdAt],
      );
    const [own = 0] = await lists.newPeople(1);
    await addTasks([own], OWN_TASKS, "2026-01-01T00:00:00Z");
    await addTasks(await lists.newPeople(OTHERS), TASKS_OF_EACH, "2026-06-01T00:00:00Z");
    await lists.owner.query("analyze tasks");
    worker = new pg.Client({ connectionString: lists.workerUrl.href });
    await worker.connect();
    const database = lists.as(own);
    list = (filter) => listTasks(database, { statuses, order: "created", limit: 20, ...filter }, cursorSettings);
  });
  afterAll(async () => {
    await worker?.end();
    await lists?.close();
  });

  /** Has Postgres explain the last request to the database, as the worker's role. */
  async function explainLast(): Promise<Plan[]> {
    const request = lists.proxy.journal.at(-1);
    if (request === undefined) throw new Error("nothing was asked");
    const [setCaller = "", query = "", ...more] = request.statements;
    expect(more).toEqual([]);
    const [call, ...parameters] = request.parameters;
    await worker.query("begin");
    try {
      await worker.query(setCaller, [call]);
      const { rows } = await worker.query(`explain (analyze, format json) ${query}`, parameters);
      return nodesExplained(rows);
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
