import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestTasks } from "../../src/tasks/digest-tasks.ts";
import { countByGroup, type ListRequest, listTasks } from "../../src/tasks/list-tasks.ts";
import { nodesExplained } from "../support/explained-plan.ts";
import { makeMillionTasks } from "../support/million-tasks.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";
import { cursorSettings, openTaskLists, type TaskLists } from "../support/task-lists.ts";

const PAGE = 20;
/** What a list of one filter and one order reads at most, and any other. */
const FEW = 20 * PAGE;
const MANY = 2_000;
/** How many tasks everybody has but the one with a hundred thousand. */
const TASKS_OF_OTHERS = 90;

const open = ["pending", "in_progress"] as const;
const all = [...open, "completed", "cancelled"] as const;
const orders = ["due", "priority", "created", "updated", "position"] as const;

describe.skipIf(findPostgresql() === undefined)(
  "with a million tasks, of which one person has a hundred thousand",
  () => {
    let lists: TaskLists;
    let worker: pg.Client;
    let userId: number;

    beforeAll(async () => {
      lists = await openTaskLists();
      userId = await makeMillionTasks(lists.owner);
      worker = new pg.Client({ connectionString: lists.workerUrl.href });
      await worker.connect();
    });
    afterAll(async () => {
      await worker?.end();
      await lists?.close();
    });

    const list = (request: Partial<ListRequest>) =>
      listTasks(lists.as(userId), { statuses: open, order: "due", limit: PAGE, ...request }, cursorSettings);

    /** Has Postgres explain the last request to the database, as the worker's role; returns how many rows of tables it read. */
    async function rowsRead(): Promise<number> {
      const request = lists.proxy.journal.at(-1);
      if (request === undefined) throw new Error("nothing was asked");
      const [setCaller = "", ...queries] = request.statements;
      const call = request.parameters.find((parameter) => String(parameter).includes('"user_id"'));
      let parameters = request.parameters.slice(request.parameters.indexOf(call ?? "") + 1);
      let rows = 0;
      await worker.query("begin");
      try {
        await worker.query(setCaller, [call]);
        for (const query of queries) {
          const count = Math.max(0, ...[...query.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
          const { rows: explained } = await worker.query(
            `explain (analyze, buffers, format json) ${query}`,
            parameters.slice(0, count),
          );
          parameters = parameters.slice(count);
          const scans = nodesExplained(explained).filter(({ relation }) => relation !== undefined);
          expect(scans.filter(({ node }) => node === "Seq Scan").map(({ relation }) => relation)).toEqual([]);
          rows += scans.reduce((sum, { read }) => sum + read, 0);
        }
        return rows;
      } finally {
        await worker.query("rollback");
      }
    }

    /** Lists two pages, and holds each to what it may read. */
    async function pages(request: Partial<ListRequest>, most: number): Promise<number> {
      let listed = 0;
      for (let page = 0, cursor: string | undefined; page < 2; page++) {
        const { tasks, nextCursor } = await list({ ...request, cursor });
        expect(await rowsRead(), `page ${page + 1}`).toBeLessThanOrEqual(most);
        listed += tasks.length;
        cursor = nextCursor;
        if (cursor === undefined) break;
      }
      return listed;
    }

    describe.each(orders)("by %s", (order) => {
      // By one filter that the order has an index for, or that many tasks fit.
      it.each([
        ["what is open", {}],
        ["everything", { statuses: all }],
        ["what is completed", { statuses: ["completed"] }],
        ["what is pending", { statuses: ["pending"] }],
        ["what is deleted", { statuses: all, isDeleted: true }],
      ] satisfies [string, Partial<ListRequest>][])("%s takes few rows", async (_, filter) => {
        expect(await pages({ order, ...filter }, FEW)).toBe(2 * PAGE);
      });

      // By one that has an index of its own, whose tasks are sorted or, where they are many, looked for in the order.
      it.each([
        ["what is in progress", { statuses: ["in_progress"] }],
        ["a priority", { priority: "urgent" }],
        ["what is overdue", { isOverdue: true }],
        ["what is due today", { due: "today" }],
        ["what is due this week", { due: "this_week" }],
        ["what has no date", { due: "no_date" }],
        ["a window", { dueFrom: "2026-01-01", dueBefore: "2030-01-01T12:00:00Z" }],
        ["a tag that many have", { tags: ["common"] }],
        ["a tag that some have", { tags: ["middling"] }],
        ["a tag that few have", { tags: ["rare"] }],
        ["any of two tags", { anyTags: ["rare", "none"] }],
        ["what recurs", { isRecurring: true }],
        ["a word that many have", { search: "dent" }],
        ["a word that few have", { search: "zeppelin" }],
        ["what was completed lately", { statuses: ["completed"], completedFrom: "2026-01-01" }],
        ["two words, a tag and a priority", { search: "call dentist", tags: ["common"], priority: "high" }],
        ["what is inside of words", { search: "eppeli" }],
        ["what fits nothing", { search: "zeppelin", tags: ["common"], priority: "high", due: "today", statuses: all }],
      ] satisfies [string, Partial<ListRequest>][])("%s takes no more than its bound", async (_, filter) => {
        await pages({ order, ...filter }, MANY);
      });
    });

    it.each([
      ["a priority", { priority: "urgent" }],
      ["a priority, by priority", { priority: "urgent", order: "priority" }],
      ["what is overdue", { isOverdue: true }],
      ["what is due today", { due: "today" }],
      ["what is due this week", { due: "this_week" }],
      ["what has no date", { due: "no_date" }],
      ["a window", { dueFrom: "2026-01-01", dueBefore: "2030-01-01T12:00:00Z" }],
      ["what is ready", { isReady: true, order: "ready" }],
    ] satisfies [string, Partial<ListRequest>][])(
      "%s takes few rows in the order that has it together",
      async (_, filter) => {
        expect(await pages(filter, FEW)).toBeGreaterThanOrEqual(PAGE);
      },
    );

    describe("somebody with ninety tasks among those of ten thousand others", () => {
      const listTheirs = (request: Partial<ListRequest>) =>
        listTasks(
          lists.as(userId + 5_000),
          { statuses: all, order: "created", limit: PAGE, ...request },
          cursorSettings,
        );

      it.each(orders)("lists everything by %s, which reads no task but theirs", async (order) => {
        expect((await listTheirs({ order })).tasks).toHaveLength(PAGE);
        // Each once to be found, and once to be told.
        expect(await rowsRead()).toBeLessThanOrEqual(2 * TASKS_OF_OTHERS);
      });

      it.each([
        ["one status", { statuses: ["pending"] }],
        ["a priority that few have", { priority: "urgent" }],
        ["a search that finds nothing", { search: "nowhere" }],
        ["a tag that no task has", { tags: ["nothing"] }],
      ] satisfies [string, Partial<ListRequest>][])("lists %s, which does not either", async (_, filter) => {
        await listTheirs(filter);
        expect(await rowsRead()).toBeLessThanOrEqual(2 * TASKS_OF_OTHERS);
      });
    });

    it("reads every task with a middling tag, page by page", async () => {
      const ids = new Set<number>();
      let cursor: string | undefined;
      do {
        const page = await list({ tags: ["middling"], limit: 100, cursor });
        for (const { id } of page.tasks) ids.add(id);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      const { rows } = await lists.owner.query(
        "select count(*)::integer as count from task_tags where user_id = $1 and tag = 'middling' and is_open",
        [userId],
      );
      expect(rows).toEqual([{ count: ids.size }]);
    });

    it.each([
      ["status", {}],
      ["tag", { statuses: all }],
      ["day", { due: "this_week" }],
      ["tag", { search: "zeppelin" }],
    ] satisfies ["status" | "tag" | "day", Partial<ListRequest>][])(
      "counts by %s of %j are bounded",
      async (grouping, filter) => {
        await countByGroup(lists.as(userId), { statuses: open, ...filter }, grouping);
        // Of each status no more than are counted, which are read once to be found and once to be counted.
        expect(await rowsRead()).toBeLessThanOrEqual(4 * 2 * 1_001);
      },
    );

    it("so is a digest", async () => {
      const { parts } = await digestTasks(lists.as(userId));
      expect(parts.length).toBeGreaterThan(3);
      expect(await rowsRead()).toBeLessThanOrEqual(5 * 4 * 1_001);
    });
  },
);
