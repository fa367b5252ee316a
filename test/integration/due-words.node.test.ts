import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DueWord } from "../../src/tasks/due-window.ts";
import { listTasks } from "../../src/tasks/list-tasks.ts";
import { findPostgresql } from "../support/postgresql-cluster.ts";
import { cursorSettings, openTaskLists, type TaskLists } from "../support/task-lists.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const WORDS: readonly DueWord[] = ["overdue", "today", "tomorrow", "this_week", "no_date"];

/**
 * The days on which the clocks change; Kathmandu's and Kiritimati's change no more, and those of others that they have changed on count.
 * Havana's have midnight twice as they are put back, and Santiago's have none as they are put forward.
 */
const ZONES: Readonly<Record<string, readonly string[]>> = {
  "Asia/Kathmandu": ["1986-01-01", "2026-11-01"],
  "America/New_York": ["2026-03-08", "2026-11-01"],
  "Pacific/Kiritimati": ["1995-01-01", "2026-11-01"],
  "Europe/London": ["2026-03-29", "2026-10-25"],
  "America/Havana": ["2026-03-08", "2026-11-01"],
  "America/Santiago": ["2026-04-05", "2026-09-06"],
};

/** A task, due on a day, at a moment or never. */
interface Due {
  readonly day?: string;
  readonly moment?: Date;
}

/** The clock that hangs in a time zone, read by what knows nothing of ours. */
function dayIn(timeZone: string, moment: Date): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }).format(
    moment,
  );
}

const timeIn = (timeZone: string, moment: Date) => formatOf(timeZone).format(moment);

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const format =
    formats.get(timeZone) ?? new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" });
  formats.set(timeZone, format);
  return format;
}

/** The moments at which the clock shows a time, by any offset that clocks have; none where it skips it. */
function momentsOf(timeZone: string, day: string, time: string): Date[] {
  const quarters = Array.from({ length: 2 * 60 }, (_, index) => (index - 60) * 15 * MINUTE);
  const moments = quarters.map((offset) => new Date(Date.parse(`${day}T${time}:00Z`) - offset));
  return moments.filter((moment) => timeIn(timeZone, moment) === `${day} ${time}`);
}

const plusDays = (day: string, days: number) => new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);

/** Which words a task is found by, told by days of the calendar alone. */
function wordsOf({ day, moment }: Due, now: Date, timeZone: string): DueWord[] {
  const today = dayIn(timeZone, now);
  const on = day ?? (moment && dayIn(timeZone, moment));
  if (on === undefined) return ["no_date"];
  const monday = plusDays(today, -((new Date(today).getUTCDay() + 6) % 7));
  const isOverdue = moment === undefined ? on < today : moment < now;
  return [
    ...(isOverdue ? (["overdue"] as const) : []),
    ...(on === today ? (["today"] as const) : []),
    ...(on === plusDays(today, 1) ? (["tomorrow"] as const) : []),
    ...(on >= monday && on < plusDays(monday, 7) ? (["this_week"] as const) : []),
  ];
}

describe.skipIf(findPostgresql() === undefined)("the words for when a task is due", () => {
  let lists: TaskLists;

  beforeAll(async () => {
    lists = await openTaskLists();
    // What the worker's queries take for the moment: a name that is looked up before PostgreSQL's own.
    await lists.owner.query(`
      create schema test_clock;
      create table test_clock.clock (now_is timestamptz not null);
      insert into test_clock.clock values (now());
      create function test_clock.now() returns timestamptz language sql stable as 'select now_is from test_clock.clock';
      grant usage on schema test_clock to task_worker;
      grant select on test_clock.clock to task_worker;
      alter role task_worker in database ${lists.owner.database} set search_path = test_clock, pg_catalog, public`);
  });
  afterAll(() => lists?.close());

  /** What the worker finds by each word, of tasks that are due like this, at a moment. */
  async function found(userId: number, dues: readonly Due[], now: Date): Promise<DueWord[][]> {
    await lists.owner.query("delete from tasks where user_id = $1", [userId]);
    await lists.owner.query("update test_clock.clock set now_is = $1", [now]);
    await lists.owner.query(
      `insert into tasks (user_id, title, due_date, due_at)
       select $1, number, day, moment from unnest($2::text[], $3::date[], $4::timestamptz[]) as due (number, day, moment)`,
      [userId, dues.map((_, index) => `${index}`), dues.map(({ day }) => day), dues.map(({ moment }) => moment)],
    );
    const words: DueWord[][] = dues.map(() => []);
    for (const due of WORDS) {
      const request = { statuses: ["pending"], due, order: "due", limit: 100 } as const;
      const { tasks } = await listTasks(lists.as(userId), request, cursorSettings);
      for (const { title } of tasks) words[Number(title)]?.push(due);
    }
    return words;
  }

  it.each(Object.entries(ZONES))(
    "go by the calendar of %s, also a minute before and after midnight",
    async (zone, days) => {
      const [userId = 0] = await lists.newPeople(1, zone);
      const minutes = days.flatMap((day) =>
        [-1, 0, 1].flatMap((offset) =>
          ["23:59", "00:01"].flatMap((time) => momentsOf(zone, plusDays(day, offset), time)),
        ),
      );
      expect(minutes.length).toBeGreaterThan(5);
      const due = (now: Date): fc.Arbitrary<Due> =>
        fc.oneof(
          fc.integer({ min: -9, max: 9 }).map((offset) => ({ day: plusDays(dayIn(zone, now), offset) })),
          fc
            .integer({ min: -9 * 1440, max: 9 * 1440 })
            .map((offset) => ({ moment: new Date(now.getTime() + offset * MINUTE) })),
          fc.integer({ min: -2, max: 2 }).map((offset) => ({ moment: new Date(now.getTime() + offset * MINUTE) })),
          fc.constant({}),
        );
      for (const now of minutes) {
        await fc.assert(
          fc.asyncProperty(fc.array(due(now), { minLength: 20, maxLength: 60 }), async (dues) => {
            expect(await found(userId, dues, now), now.toISOString()).toEqual(
              dues.map((each) => wordsOf(each, now, zone)),
            );
          }),
          { numRuns: 2 },
        );
      }
    },
  );
});
