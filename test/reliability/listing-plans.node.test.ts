import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { claimNext } from "../../src/tasks/claim-tasks.ts";
import { digestTasks } from "../../src/tasks/digest-tasks.ts";
import { countByGroup, type ListRequest, listTasks } from "../../src/tasks/list-tasks.ts";
import { matchTasks } from "../../src/tasks/match-tasks.ts";
import type { TaskFilter } from "../../src/tasks/task-filter.ts";
import { makeMillionTasks } from "../support/million-tasks.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";
import { rowsRead } from "../support/rows-read.ts";
import { cursorSettings, openTaskLists, type TaskLists } from "../support/task-lists.ts";

const PAGE = 20;
/** What a list of one filter and one order reads at most, and any other. */
const FEW = 20 * PAGE;
const MANY = 2_000;
/** How many tasks everybody has but the one with a hundred thousand. */
const TASKS_OF_OTHERS = 90;
/** What a call that has to find all of its tasks reads where an index finds some that are few enough: twice as many as these, and what is found. */
const MATCH = 2 * 5_000 + 2 * 501;

const open = ["pending", "in_progress"] as const;
const every = [...open, "completed", "cancelled"] as const;
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

    /** What the last request to the database read, which is no table whole. */
    async function read(): Promise<number> {
      const { rows, entries, whole } = await rowsRead(lists, worker);
      expect(whole).toEqual([]);
      return Math.max(rows, entries);
    }

    /** Lists two pages, and holds each to what it may read. */
    async function pages(request: Partial<ListRequest>, most: number): Promise<number> {
      let listed = 0;
      for (let page = 0, cursor: string | undefined; page < 2; page++) {
        const { tasks, nextCursor } = await list({ ...request, cursor });
        expect(await read(), `page ${page + 1}`).toBeLessThanOrEqual(most);
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
        ["everything", { statuses: every }],
        ["what is completed", { statuses: ["completed"] }],
        ["what is pending", { statuses: ["pending"] }],
        ["what is deleted", { statuses: every, isDeleted: true }],
      ] satisfies [string, Partial<ListRequest>][])("%s takes few rows", async (_, filter) => {
        expect(await pages({ order, ...filter }, FEW)).toBe(2 * PAGE);
      });

      // By one that few tasks fit, which are sorted.
      it.each([
        ["what is due today", { due: "today" }],
        ["a tag that few have", { tags: ["rare"] }],
        ["any of two tags", { anyTags: ["rare", "none"] }],
        ["what recurs", { isRecurring: true }],
        ["a word that few have", { search: "zeppelin" }],
      ] satisfies [string, Partial<ListRequest>][])("%s takes few rows in any order", async (_, filter) => {
        await pages({ order, ...filter }, FEW);
      });

      // By one that more fit, which are sorted or, where they are many, looked for in the order.
      it.each([
        ["what is in progress", { statuses: ["in_progress"] }],
        ["a priority", { priority: "urgent" }],
        ["what is overdue", { isOverdue: true }],
        ["what is due this week", { due: "this_week" }],
        ["what has no date", { due: "no_date" }],
        ["a window", { dueFrom: "2026-01-01", dueBefore: "2030-01-01T12:00:00Z" }],
        ["a tag that many have", { tags: ["common"] }],
        ["a tag that some have", { tags: ["middling"] }],
        ["a word that many have", { search: "dent" }],
        ["what was completed lately", { statuses: ["completed"], completedFrom: "2026-01-01" }],
        ["two words, a tag and a priority", { search: "call dentist", tags: ["common"], priority: "high" }],
        ["what is inside of words", { search: "eppeli" }],
        [
          "what fits nothing",
          { search: "zeppelin", tags: ["common"], priority: "high", due: "today", statuses: every },
        ],
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
          { statuses: every, order: "created", limit: PAGE, ...request },
          cursorSettings,
        );

      it.each(orders)("lists everything by %s, which reads no task but theirs", async (order) => {
        expect((await listTheirs({ order })).tasks).toHaveLength(PAGE);
        // Each once to be found, and once to be told.
        expect(await read()).toBeLessThanOrEqual(2 * TASKS_OF_OTHERS);
      });

      it.each([
        ["one status", { statuses: ["pending"] }],
        ["a priority that few have", { priority: "urgent" }],
        ["a search that finds nothing", { search: "nowhere" }],
        ["a tag that no task has", { tags: ["nothing"] }],
      ] satisfies [string, Partial<ListRequest>][])("lists %s, which does not either", async (_, filter) => {
        await listTheirs(filter);
        expect(await read()).toBeLessThanOrEqual(2 * TASKS_OF_OTHERS);
      });
    });

    /** The ids of all tasks that fit a filter, page by page. */
    async function all(filter: Partial<ListRequest>): Promise<Set<number>> {
      const ids = new Set<number>();
      let cursor: string | undefined;
      do {
        const page = await list({ ...filter, limit: 100, cursor });
        for (const { id } of page.tasks) ids.add(id);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return ids;
    }

    it("reads every task with a middling tag, page by page", async () => {
      const ids = await all({ tags: ["middling"] });
      const { rows } = await lists.owner.query(
        "select count(*)::integer as count from task_tags where user_id = $1 and tag = 'middling' and is_open",
        [userId],
      );
      expect(rows).toEqual([{ count: ids.size }]);
    });

    it.each([
      ["status", {}],
      ["tag", { statuses: every }],
      ["day", { due: "this_week" }],
      ["tag", { search: "zeppelin" }],
    ] satisfies ["status" | "tag" | "day", Partial<ListRequest>][])(
      "counts by %s of %j are bounded",
      async (grouping, filter) => {
        await countByGroup(lists.as(userId), { statuses: open, ...filter }, grouping);
        // Of each status no more than are counted, which are read once to be found and once to be counted.
        expect(await read()).toBeLessThanOrEqual(4 * 2 * 1_001);
      },
    );

    it.each([
      ["a few by a word", "zeppelin", {}],
      ["a few of a day", undefined, { due: "today" }],
      ["a few by a tag", undefined, { tags: ["rare"] }],
      ["a few by a tag, a priority and a window", undefined, { tags: ["common"], priority: "urgent", due: "today" }],
      ["a few inside of words", "eppeli", {}],
    ] satisfies [string, string | undefined, Partial<TaskFilter>][])("a match finds %s", async (_, search, filter) => {
      const asked = { statuses: open, search, ...filter };
      const listed = await all(asked);
      expect(listed.size).toBeGreaterThan(0);
      const matched = await matchTasks(lists.as(userId), { filter: asked, expectCount: listed.size });
      expect(new Set(matched.map(({ task }) => task.id))).toEqual(listed);
      // What no index finds is looked for in each.
      if (search !== "eppeli") expect(await read()).toBeLessThanOrEqual(MATCH);
    });

    it.each([{}, { tags: ["common"] }, { search: "dent" }, { tags: ["middling"] }, { priority: "urgent" } as const])(
      "a match of %j ends where there are too many",
      async (filter) => {
        const asked = { filter: { statuses: open, ...filter }, expectCount: 3 };
        await expect(matchTasks(lists.as(userId), asked)).rejects.toThrow("More than 500 tasks fit match");
        expect(await read()).toBeLessThanOrEqual(MATCH);
      },
    );

    it("an agent's next tasks are the first that a list of what is ready has, by few rows", async () => {
      const ready = { statuses: open, isReady: true, order: "ready" } as const;
      for (const tags of [undefined, ["middling"]]) {
        const { tasks } = await list({ ...ready, tags, limit: 3 });
        const claim = { tool: "update_task", key: undefined, inputHash: "0".repeat(64) };
        const claimed = await claimNext(lists.as(userId), claim, { count: 3, minutes: 5, tags });
        expect(claimed.tasks.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id));
        expect(await read()).toBeLessThanOrEqual(tags === undefined ? FEW : MATCH);
      }
    });

    it("an agent's next task is found behind however many that are put off", async () => {
      const [own = 0] = await lists.newPeople(1);
      await lists.owner.query(
        `insert into tasks (user_id, title, due_date, scheduled_date)
         select $1::integer, 'Later', current_date + 1, current_date + 1 from generate_series(1, 1500)
         union all select $1, 'Now', current_date + 2, null`,
        [own],
      );
      const claim = { tool: "update_task", key: undefined, inputHash: "0".repeat(64) };
      const { tasks } = await claimNext(lists.as(own), claim, { count: 3, minutes: 5, tags: undefined });
      expect(tasks.map(({ title }) => title)).toEqual(["Now"]);
    });

    it("so is a digest", async () => {
      const { parts } = await digestTasks(lists.as(userId));
      expect(parts.length).toBeGreaterThan(3);
      expect(await read()).toBeLessThanOrEqual(5 * 4 * 1_001);
    });
  },
);
