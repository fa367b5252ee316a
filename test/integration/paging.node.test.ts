import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listTasks } from "../../src/tasks/list-tasks.ts";
import type { ListOrder } from "../../src/tasks/task-order.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";
import { cursorSettings, openTaskLists, type TaskLists } from "../support/task-lists.ts";

const ORDERS: readonly ListOrder[] = ["due", "priority", "ready", "created", "updated", "position"];
const OPEN = ["pending", "in_progress"] as const;
/** Among them days that a clock skipped (Apia's 30 December 2011), and midnights, at which a day and a moment are due together. */
const DAYS = ["2011-12-29", "2011-12-30", "2011-12-31", "2026-11-01"];
const MOMENTS = ["2011-12-30T10:00:00Z", "2011-12-29T10:00:00Z", "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z"];

interface Drawn {
  readonly day: string | undefined;
  readonly moment: string | undefined;
  readonly priority: string;
  readonly position: number | undefined;
  readonly tag: boolean;
}

const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    due: fc.oneof(
      fc.constantFrom(...DAYS).map((day) => ({ day, moment: undefined })),
      fc.constantFrom(...MOMENTS).map((moment) => ({ day: undefined, moment })),
      fc.constant({ day: undefined, moment: undefined }),
    ),
    priority: fc.constantFrom("none", "low", "urgent"),
    position: fc.option(fc.integer({ min: -3, max: 40 }), { nil: undefined }),
    tag: fc.boolean(),
  })
  .map(({ due, ...rest }) => ({ ...due, ...rest }));

/** What happens between two pages. */
const deed = fc.record({
  what: fc.constantFrom("create", "change", "delete", "complete"),
  which: fc.nat({ max: 60 }),
  as: drawn,
});

describe.skipIf(findPostgresql() === undefined)("pages of a list that changes meanwhile", () => {
  let lists: TaskLists;

  beforeAll(async () => {
    lists = await openTaskLists();
  });
  afterAll(() => lists?.close());

  const insert = (userId: number, tasks: readonly Drawn[]) =>
    lists.owner.query(
      `insert into tasks (user_id, title, due_date, due_at, priority, position, tags, updated_at)
       select $1, 'One of many', (one ->> 'day')::date, (one ->> 'moment')::timestamptz, one ->> 'priority', (one ->> 'position')::double precision,
         case when (one ->> 'tag')::boolean then '{tag}' else '{}' end::text[], now() - interval '1 day' * (number % 4)
       from jsonb_array_elements($2::jsonb) with ordinality as drawn (one, number)`,
      [userId, JSON.stringify(tasks)],
    );

  async function happen(
    userId: number,
    { what, which, as }: { what: string; which: number; as: Drawn },
  ): Promise<void> {
    if (what === "create") return void (await insert(userId, [as]));
    const row = `where user_id = ${userId} and id = ${which + 1}`;
    if (what === "delete") {
      await lists.owner.query(
        `update tasks set deleted_at = coalesce(deleted_at, now()), version = version + 1 ${row}`,
      );
    } else if (what === "complete") {
      const completed = "status = 'completed', completed_at = coalesce(completed_at, now())";
      await lists.owner.query(`update tasks set ${completed}, version = version + 1 ${row}`);
    } else {
      await lists.owner.query(
        `update tasks set due_date = $1, due_at = $2, priority = $3, position = $4, updated_at = now(), version = version + 1,
           tags = case when tags = '{}' then '{tag}' else '{}' end::text[] ${row}`,
        [as.day, as.moment, as.priority, as.position],
      );
    }
  }

  it.each(ORDERS)("by %s neither skip nor repeat what stays as it is", async (order) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(drawn, { minLength: 10, maxLength: 40 }),
        fc.array(fc.array(deed, { maxLength: 4 }), { minLength: 12, maxLength: 12 }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom("Pacific/Apia", "America/New_York"),
        fc.boolean(),
        async (tasks, deeds, limit, zone, isTagged) => {
          const [userId = 0] = await lists.newPeople(1, zone);
          await insert(userId, tasks);
          const before = await versions(userId);
          const listed: number[] = [];
          let cursor: string | undefined;
          let page = 0;
          do {
            const request = { statuses: OPEN, order, limit, cursor, ...(isTagged && { tags: ["TAG"] }) };
            const { tasks: found, nextCursor } = await listTasks(lists.as(userId), request, cursorSettings);
            listed.push(...found.map(({ id }) => id));
            cursor = nextCursor;
            if (cursor !== undefined) for (const each of deeds[page++] ?? []) await happen(userId, each);
          } while (cursor !== undefined);
          const after = await versions(userId);
          const stayed = [...before].filter(
            ([id, { version, tagged }]) => after.get(id)?.version === version && (!isTagged || tagged),
          );
          for (const [id] of stayed) expect([id, listed.filter((each) => each === id).length]).toEqual([id, 1]);
          // Whatever else happened, no page of an order that nothing moves in repeats a task.
          if (order === "created") expect(new Set(listed).size).toBe(listed.length);
        },
      ),
      { numRuns: 12 },
    );
  });

  async function versions(userId: number): Promise<Map<number, { version: number; tagged: boolean }>> {
    const { rows } = await lists.owner.query(
      "select id, version, tags <> '{}' as tagged from tasks where user_id = $1 and status <> 'completed' and deleted_at is null",
      [userId],
    );
    return new Map(rows.map(({ id, version, tagged }) => [id, { version, tagged }]));
  }
});
