import * as fc from "fast-check";
import { expect } from "vitest";
import type { DatedList, DatedTask } from "./dated-list.ts";
import { anyDay, anyWhen, dayOf, notations, plusDays, type When, written, ZONES } from "./when.ts";

/** Rules with the days from one occurrence to the next. */
const RULES = [
  ["FREQ=DAILY", 1],
  ["FREQ=WEEKLY;INTERVAL=3", 21],
] as const;

/** What changes something else of a task. */
const OTHER_EDITS: readonly Readonly<Record<string, unknown>>[] = [
  { title: "Another title" },
  { description: "Some\nlines", clear: ["tags"] },
  { append: "and another line" },
  { status: "in_progress", priority: "urgent" },
  { status: "cancelled" },
  { tags: ["a", "b"], estimate_minutes: 45 },
  { add_tags: ["c"], remove_tags: ["a"] },
  { position: 0.5 },
  { clear: ["description", "priority", "tags", "estimate_minutes", "position", "blocked_by"] },
];

export const anyStep = fc.record({
  deed: fc.constantFrom<keyof typeof deeds>(
    ...([
      "create",
      "create",
      "createSeveral",
      "edit",
      "editSeveral",
      "set",
      "set",
      "clear",
      "claim",
      "claimNext",
    ] as const),
    ...([
      "complete",
      "complete",
      "complete",
      "reopen",
      "delete",
      "moveByMatch",
      "moveByMatch",
      "completeByMatch",
    ] as const),
  ),
  /** Where the person is by then; where they were, without. */
  timeZone: fc.option(fc.constantFrom(...ZONES), { nil: undefined, freq: 2 }),
  which: fc.nat(),
  field: fc.constantFrom("due", "scheduled"),
  due: anyWhen,
  scheduled: anyWhen,
  day: anyDay,
  notation: fc.constantFrom(...notations),
  rule: fc.option(fc.constantFrom(...RULES), { nil: undefined }),
  isFromCompletion: fc.boolean(),
  edit: fc.constantFrom(...OTHER_EDITS),
  /** Whether it is undone at once. */
  isUndone: fc.boolean(),
});
export type Step = typeof anyStep extends fc.Arbitrary<infer Value> ? Value : never;

/** What a call has to say; undefined where there was nothing to do. */
type Dates = Pick<DatedTask, "due" | "scheduled">;

type Deed = (list: DatedList, step: Step) => Promise<Awaited<ReturnType<DatedList["person"]["run"]>> | undefined>;

const isOpen = ({ status }: DatedTask) => status === "pending" || status === "in_progress";

function pick(list: DatedList, { which }: Step, fits: (task: DatedTask) => boolean = () => true): number | undefined {
  const fitting = list.living.filter(fits);
  return fitting[which % fitting.length]?.id;
}

/** A new task as a call says it, and as it has to be. */
function newTask({ due, scheduled, notation, rule, isFromCompletion }: Step, { timeZone }: DatedList) {
  const [dueText, scheduledText] = [written(due, notation, timeZone), written(scheduled, notation, timeZone)];
  // That rules keep to the clock is another test's.
  const recurs = rule !== undefined && typeof due === "string" && due > "1990-01-01" && due < "2100-01-01";
  const recurrence = recurs
    ? { recurrence: rule[0], recurrence_from: isFromCompletion ? "completion" : "due" }
    : undefined;
  return {
    input: { title: "Dated", due: dueText.text, scheduled: scheduledText.text, ...recurrence },
    task: { due: dueText.means, scheduled: scheduledText.means },
    series: recurs ? { number: 1, place: due, isFromCompletion, days: rule[1] } : undefined,
  };
}

function expectNew(list: DatedList, id: number, { task, series }: ReturnType<typeof newTask>): void {
  list.expect(id, { ...task, ...(series && { series: { first: id, ...series } }) });
}

const create: Deed = async (list, step) => {
  const made = newTask(step, list);
  const answer = await list.person.run("create_task", made.input);
  expectNew(list, answer.tasks[0]?.id ?? 0, made);
  return answer;
};

/** One with a subtask, and one that is the subtask of another. */
const createSeveral: Deed = async (list, step) => {
  const made = newTask(step, list);
  const other = { ...newTask({ ...step, due: step.scheduled, scheduled: step.due }, list), series: undefined };
  const { due, scheduled } = other.input;
  const tasks = [
    { ...made.input, subtasks: [{ title: "Below", due, scheduled }] },
    { title: "Beside", due, scheduled, parent_id: list.tasks.get(1)?.isDeleted === false ? 1 : undefined },
  ];
  const answer = await list.person.run("create_task", { tasks });
  if (answer.failed !== undefined) return answer;
  const [first = 0, second = 0, third = 0] = answer.tasks.map(({ id }) => id);
  expectNew(list, first, made);
  for (const id of [second, third]) expectNew(list, id, other);
  return answer;
};

const edit: Deed = async (list, step) => {
  const id = pick(list, step);
  if (id === undefined) return undefined;
  const answer = await list.person.run("update_task", { task_id: id, ...step.edit });
  list.expect(id, typeof step.edit.status === "string" ? { status: step.edit.status } : {});
  return answer;
};

const editSeveral: Deed = async (list, step) => {
  const { title: _title, ...fields } = step.edit;
  const ids = list.living.map(({ id }) => id).slice(0, 3);
  if (ids.length === 0 || Object.keys(fields).length === 0) return undefined;
  const answer = await list.person.run("update_task", { task_ids: ids, ...fields });
  for (const id of ids) list.expect(id, typeof fields.status === "string" ? { status: fields.status } : {});
  return answer;
};

const set: Deed = async (list, step) => {
  const id = pick(list, step);
  if (id === undefined || step.due === undefined) return undefined;
  const { text, means } = written(step.due, step.notation, list.timeZone);
  const answer = await list.person.run("update_task", { task_id: id, [step.field]: text });
  list.expect(id, { [step.field]: means });
  return answer;
};

const clear: Deed = async (list, step) => {
  const id = pick(list, step);
  if (id === undefined) return undefined;
  const answer = await list.person.run("update_task", { task_id: id, clear: [step.field] });
  list.expect(id, { [step.field]: undefined });
  return answer;
};

const claim: Deed = async (list, step) => {
  const id = pick(list, step, isOpen);
  if (id === undefined) return undefined;
  const { change } = await list.person.run("update_task", { task_id: id, claim_minutes: 5 });
  return list.person.run("update_task", { task_id: id, claim: change, release: true });
};

const claimNext: Deed = async (list) => {
  const answer = await list.person.run("update_task", { claim_next: 2 });
  if (answer.change !== undefined) {
    list.check(answer.tasks, "claimed");
    await list.person.run("update_task", { claim: answer.change, release: true });
  }
  return answer;
};

/** Expects that a task is completed, and the next one where it recurs. */
async function expectCompleted(list: DatedList, id: number, completedAt: string | undefined): Promise<void> {
  const { due, scheduled, series } = list.tasks.get(id) ?? {};
  list.expect(id, { status: "completed" });
  if (series === undefined || completedAt === undefined) return;
  const number = series.number + 1;
  if (list.living.some(({ series: other }) => other?.first === series.first && other.number === number)) return;
  const today = dayOf(new Date(completedAt), list.timeZone);
  let place = series.isFromCompletion ? plusDays(today, series.days) : plusDays(series.place, series.days);
  while (!series.isFromCompletion && place < today) place = plusDays(place, series.days);
  const next = Math.max(...list.tasks.keys()) + 1;
  list.expect(next, {
    due: place,
    scheduled: await scheduledAfter(list, next, place, { due: due ?? series.place, scheduled }),
  });
  list.expect(next, { series: { ...series, number, place } });
}

/**
 * When the next one may begin: so much later as it is due, unless that is no day which a task may have. Where a time of
 * day is in that, what it has to be is not told here.
 */
async function scheduledAfter(list: DatedList, next: number, place: string, { due, scheduled }: Dates): Promise<When> {
  if (scheduled === undefined || due === undefined) return undefined;
  const days = (Date.parse(place) - Date.parse(dayOf(due, list.timeZone))) / 86_400_000;
  const day = plusDays(dayOf(scheduled, list.timeZone), days);
  if (typeof scheduled === "string" && typeof due === "string") return isInReach(day) ? day : undefined;
  const { scheduled: now } = await list.person.runForTask("get_task", { task_id: next });
  if (now === undefined) {
    expect(isInReach(plusDays(day, -1)) && isInReach(plusDays(day, 1)), `${day} is in reach`).toBe(false);
    return undefined;
  }
  expect(now.includes("T")).toBe(typeof scheduled !== "string");
  return now.includes("T") ? new Date(now) : now;
}

/** Years have four digits, and a day is one wherever its person is. */
function isInReach(day: string): boolean {
  return day >= "1900-01-02" && day <= "9999-12-30";
}

const complete: Deed = async (list, step) => {
  const id = pick(list, step, isOpen);
  if (id === undefined) return undefined;
  const answer = await list.person.run("complete_task", { task_id: id });
  await expectCompleted(list, id, answer.tasks[0]?.completed_at);
  return answer;
};

const reopen: Deed = async (list, step) => {
  const id = pick(list, step, (task) => !isOpen(task));
  if (id === undefined) return undefined;
  const answer = await list.person.run("update_task", { task_id: id, status: "pending" });
  list.expect(id, { status: "pending" });
  return answer;
};

const remove: Deed = async (list, step) => {
  const id = pick(list, step);
  if (id === undefined) return undefined;
  const answer = await list.person.run("delete_task", { task_id: id });
  list.expect(id, { isDeleted: true });
  return answer;
};

/** What is due on the day of some task, and what finds it. */
function onOneDay(list: DatedList, step: Step) {
  const due = list.tasks.get(pick(list, step, (task) => isOpen(task) && task.due !== undefined) ?? 0)?.due;
  if (due === undefined) return undefined;
  const day = dayOf(due, list.timeZone);
  const isThen = (task: DatedTask) => task.due !== undefined && dayOf(task.due, list.timeZone) === day;
  const ids = list.living.filter((task) => isOpen(task) && isThen(task)).map(({ id }) => id);
  return { ids, found: { match: { due_from: day, due_before: plusDays(day, 1) }, expect_count: ids.length } };
}

const moveByMatch: Deed = async (list, step) => {
  const which = onOneDay(list, step);
  if (which === undefined) return undefined;
  const answer = await list.person.run("update_task", { ...which.found, [step.field]: step.day });
  for (const id of which.ids) list.expect(id, { [step.field]: step.day });
  return answer;
};

const completeByMatch: Deed = async (list, step) => {
  const which = onOneDay(list, step);
  if (which === undefined) return undefined;
  const answer = await list.person.run("complete_task", which.found);
  for (const id of which.ids)
    await expectCompleted(list, id, answer.tasks.find((task) => task.id === id)?.completed_at);
  return answer;
};

export const deeds = {
  ...{ create, createSeveral, edit, editSeveral, set, clear, claim, claimNext },
  ...{ complete, reopen, delete: remove, moveByMatch, completeByMatch },
} satisfies Readonly<Record<string, Deed>>;

/** What is answered with no more of a task than it is known by. */
const ending: ReadonlySet<keyof typeof deeds> = new Set(["complete", "delete", "completeByMatch"]);

/** Takes a step, undoes it where it says so, and holds what each answer shows to what is expected. */
export async function take(list: DatedList, step: Step): Promise<void> {
  if (step.timeZone !== undefined) await list.moveTo(step.timeZone);
  const before = new Map(list.tasks);
  const answer = await deeds[step.deed](list, step);
  if (answer === undefined) return;
  list.check(answer.tasks, step.deed, ending.has(step.deed));
  if (!step.isUndone || answer.change === undefined || step.deed.startsWith("claim")) return;
  const undone = await list.person.run("update_task", { undo: answer.change });
  for (const id of list.tasks.keys()) list.expect(id, before.get(id) ?? { isDeleted: true });
  list.check(undone.tasks, `undo of ${step.deed}`);
}
