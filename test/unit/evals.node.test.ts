import { describe, expect, it } from "vitest";
import { allCases } from "../../evals/cases/all-cases.ts";
import { Days, inWords } from "../../evals/days.ts";
import { between, type End, idOf, idsOf, oneOf, recurs } from "../../evals/eval-case.ts";
import { faultsOfAnswer, faultsOfRows } from "../../evals/score.ts";
import { readTasks, type TaskState } from "../../evals/task-state.ts";

const FRIDAY = new Date("2026-02-27T23:59:00Z");

describe("the days of a case", () => {
  it("are those of the person's clock", () => {
    expect(new Days("America/New_York", FRIDAY).today).toBe("2026-02-27");
    expect(new Days("Pacific/Kiritimati", FRIDAY).today).toBe("2026-02-28");
    expect(new Days("UTC", FRIDAY).day(2)).toBe("2026-03-01");
    expect(new Days("UTC", FRIDAY).at(-1, "17:00")).toBe("2026-02-26T17:00");
  });

  it("know the days of the week, today among them", () => {
    const days = new Days("UTC", FRIDAY);
    expect(days.weekday(0)).toBe("Friday");
    expect(days.until("Friday")).toBe(0);
    expect(days.next("Friday")).toEqual(["2026-02-27", "2026-03-06"]);
    expect(days.next("Thursday")).toEqual(["2026-03-05"]);
    expect(days.nth("Tuesday", 2).slice(0, 2)).toEqual(["2026-03-10", "2026-04-14"]);
  });

  it("know how a month ends, and when the clock is changed", () => {
    expect(new Days("UTC", FRIDAY).lastOfMonth()).toBe("2026-02-28");
    expect(new Days("UTC", new Date("2026-01-31T12:00:00Z")).lastOfMonth(1)).toBe("2026-02-28");
    const london = new Days("Europe/London", FRIDAY);
    expect(london.day(london.clockChange())).toBe("2026-03-29");
    expect(new Days("UTC", FRIDAY).clockChange()).toBe(7);
    expect(inWords("2026-03-01")).toBe("1 March 2026");
  });
});

describe("a case", () => {
  // Every 43 hours of a year: every hour of the day comes.
  const moments = Array.from({ length: 200 }, (_, index) => new Date(FRIDAY.getTime() + index * 43 * 3_600_000));

  it.each(allCases)("$name can be told on every day and at every hour", ({ timeZone, story }) => {
    for (const now of moments) {
      const days = new Days(timeZone, now);
      const { tasks, turns } = story(days);
      const texts = JSON.stringify([tasks, turns]);
      expect(texts).not.toMatch(/undefined|NaN|Invalid/);
      // Nobody knows which day a person means who names the one that it is, unless they mean every one.
      for (const { person } of turns)
        expect(person.replace(/(every|the) second \w+/, ""), days.today).not.toContain(days.weekday(0));
    }
  });
});

function row(id: number, title: string, fields: Partial<TaskState> = {}): TaskState {
  const [task] = readTasks(
    [{ task: JSON.stringify({ id, title, description: "", status: "pending", priority: "none", tags: [] }) }],
    "UTC",
  );
  if (task === undefined) throw new Error("a row was not read");
  return { ...task, ...fields };
}

describe("rows", () => {
  it("are read as the person sees their dates", () => {
    const task = JSON.stringify({
      ...{ id: 1, title: "Call", description: "", status: "pending", priority: "none", tags: ["Phone"] },
      ...{ due_date: null, due_at: "2026-03-29T09:15:00.123+00:00", scheduled_date: "2026-03-28" },
    });
    expect(readTasks([{ task }], "Europe/London")).toMatchObject([
      { due: "2026-03-29T10:15", scheduled: "2026-03-28" },
    ]);
  });

  const before = [row(1, "Paint the door", { tags: ["home"] }), row(2, "Buy paint")];
  const [door = row(0, ""), paint = row(0, "")] = before;
  const passes: readonly (readonly [what: string, after: readonly TaskState[], end: End])[] = [
    ["nothing is to change, and has", before, {}],
    [
      "a task is as it should be",
      [door, { ...paint, status: "completed" }],
      { changed: { 2: { status: "completed" } } },
    ],
    [
      "a list is in another order",
      [{ ...door, tags: ["DIY", "Home"] }, paint],
      { changed: { 1: { tags: ["home", "diy"] } } },
    ],
    ["one of two values is there", [{ ...door, due: "b" }, paint], { changed: { 1: { due: oneOf("a", "b") } } }],
    ["a task is gone that should be", [door], { gone: [2] }],
    [
      "new tasks are there, in any order",
      [...before, row(3, "B", { priority: "high" }), row(4, "A", { parent_id: 3 })],
      { added: [{ title: /a/i, parent_id: idOf(/b/i) }, { title: /b/i }] },
    ],
    [
      "a rule says the same",
      [{ ...door, recurrence: "BYDAY=FR,MO;FREQ=WEEKLY;INTERVAL=1;WKST=SU" }, paint],
      { changed: { 1: { recurrence: recurs("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,FR") } } },
    ],
    ["a number is between two", [{ ...door, position: 1.5 }, paint], { changed: { 1: { position: between(1, 2) } } }],
    [
      "a task waits for another",
      [{ ...door, blocked_by: [2] }, paint],
      { changed: { 1: { blocked_by: idsOf(/buy/i) } } },
    ],
  ];

  it.each(passes)("pass where %s", (_, after, end) => {
    expect(faultsOfRows(before, after, end)).toEqual([]);
  });

  const fails: readonly (readonly [fault: string, after: readonly TaskState[], end: End])[] = [
    ['#2 "Buy paint": status is "completed", not "pending"', [door, { ...paint, status: "completed" }], {}],
    ['#2 "Buy paint": status is "pending", not "completed"', before, { changed: { 2: { status: "completed" } } }],
    ['#1 "Paint the door": tags is [], not ["home"]', [{ ...door, tags: [] }, paint], {}],
    ['#2 "Buy paint" is gone', [door], {}],
    ['#2 "Buy paint" is still there', before, { gone: [2] }],
    ['"Extra" was added, unasked', [...before, row(3, "Extra")], {}],
    ["no new task is title /a/i", before, { added: [{ title: /a/i }] }],
    [
      'no new task is title /a/i; the nearest is "A": due is "2026-01-01", not null',
      [...before, row(3, "A", { due: "2026-01-01" })],
      { added: [{ title: /a/i }] },
    ],
    [
      '#1 "Paint the door": blocked_by is [2,1], not the ids of /buy/i',
      [{ ...door, blocked_by: [2, 1] }, paint],
      { changed: { 1: { blocked_by: idsOf(/buy/i) } } },
    ],
    [
      '#1 "Paint the door": parent_id is 2, not the id of /door/i',
      [{ ...door, parent_id: 2 }, paint],
      { changed: { 1: { parent_id: idOf(/door/i) } } },
    ],
    [
      '#1 "Paint the door": recurrence is "FREQ=MONTHLY;BYDAY=2TU", not one of FREQ=WEEKLY;INTERVAL=2;BYDAY=TU',
      [{ ...door, recurrence: "FREQ=MONTHLY;BYDAY=2TU" }, paint],
      { changed: { 1: { recurrence: recurs("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU") } } },
    ],
    [
      '#1 "Paint the door": position is 2, not between 1 and 2',
      [{ ...door, position: 2 }, paint],
      { changed: { 1: { position: between(1, 2) } } },
    ],
    [
      '#1 "Paint the door": due is "c", not one of a, b',
      [{ ...door, due: "c" }, paint],
      { changed: { 1: { due: oneOf("a", "b") } } },
    ],
  ];

  it.each(fails)("fail: %s", (fault, after, end) => {
    expect(faultsOfRows(before, after, end)).toEqual([fault]);
  });
});

describe("an answer", () => {
  it("is read without its case, accents and kinds of apostrophes", () => {
    expect(
      faultsOfAnswer("Émile’s RÉSUMÉ?", { says: ["emile's", "resume", /sum/i], saysNot: ["anna"], asks: true }),
    ).toEqual([]);
  });

  it("fails where it does not say what it must, says what it must not, or asks nothing", () => {
    expect(faultsOfAnswer("Done.", { says: ["milk", /eggs/], saysNot: ["done", /^D/], asks: true })).toEqual([
      'the answer does not say "milk"',
      "the answer does not say /eggs/",
      'the answer says "done"',
      "the answer says /^D/",
      "the answer asks nothing",
    ]);
  });
});
