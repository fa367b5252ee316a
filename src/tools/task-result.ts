import * as z from "zod";
import type { FailedItem } from "../tasks/refused-items.ts";
import { tellFailed } from "../tasks/refused-items.ts";
import { type Task, taskSchema } from "../tasks/task.ts";
import { fitTogether } from "./fit-descriptions.ts";
import { type ListedTask, listPage, listText } from "./listed-task.ts";
import { taskLine } from "./task-text.ts";

/** How many tasks are told whole, and how many in brief; of those after that it is told how many they are. */
export const MOST_WHOLE = 5;
export const MOST_IN_BRIEF = 25;

/** Whether a text of a task is not all here. */
export const cutSchema = z.literal(true).optional();

const { description, tags, priority, created_at, updated_at } = taskSchema.shape;

const failure = { error: z.string(), message: z.string() };

/** Which tasks a call has not read or changed, and why. */
export const failedSchema = z.array(z.strictObject({ task_id: z.int(), ...failure })).optional();

/** A task as a change of it is answered: of many, in brief. */
const changedTaskSchema = taskSchema.extend({
  description: description.optional(),
  priority: priority.optional(),
  tags: tags.optional(),
  created_at: created_at.optional(),
  updated_at: updated_at.optional(),
  cut: cutSchema,
});

/** Nobody works on it yet. */
const createdTaskSchema = changedTaskSchema.omit({ claimed_by: true, claimed_until: true, set_aside: true });

/** A task that is done with: what it is known by. */
const endedTaskSchema = z.strictObject({
  ...changedTaskSchema.pick({ id: true, title: true }).shape,
  status: z.string(),
  ...changedTaskSchema.pick({ due: true, version: true, completed_at: true, cut: true }).shape,
});

const callResult = {
  more: z.int().optional(),
  failed: failedSchema,
  replayed: z.literal(true).optional(),
  change: z.int().min(1).optional(),
  note: z.string().optional(),
};

/** What the tools that change tasks answer, by what they do. */
export const taskResultSchemas = {
  created: z.strictObject({
    tasks: z.array(createdTaskSchema),
    ...callResult,
    failed: z.array(z.strictObject({ index: z.int(), ...failure })).optional(),
  }),
  changed: z.strictObject({ tasks: z.array(changedTaskSchema), ...callResult }),
  ended: z.strictObject({ tasks: z.array(endedTaskSchema), ...callResult }),
} as const;

/** What a call has come to, and the words for it. */
interface Told {
  /** None where they are no longer kept whole. */
  readonly tasks: readonly Task[];
  /** What is answered of each as data. */
  readonly answers: keyof typeof taskResultSchemas;
  readonly change: number | undefined;
  /** Such as `Created`. */
  readonly verb: string;
  /** What is said of the whole call before that, such as that it is a repeat; undefined where there is nothing. */
  readonly before: string | undefined;
  /** What stands in place of the verb, and alone where no task is answered. */
  readonly said: string | undefined;
  /** What of a task was changed. */
  readonly describe: (task: Task) => string;
  /** Whether the change's number is that of a claim too: what is claimed is told whole, to be worked on. */
  readonly isClaim: boolean;
  /** What was not done of several items; undefined where the call was about one. */
  readonly failed: readonly FailedItem[] | undefined;
  /** Those of the tasks that were so before. */
  readonly unchanged: ReadonlySet<number>;
}

/** The tasks and failures of an answer as data, what makes a text of it all, and what is to be said of failures that are not listed. */
export function tellResult(told: Told) {
  const { tasks, answers, failed = [], isClaim } = told;
  const page = isClaim || fitWhole(tasks) ? undefined : inBrief(tasks.slice(0, MOST_IN_BRIEF));
  const more = page === undefined ? 0 : tasks.length - page.length;
  const shown = page ?? [...tasks];
  const structured = {
    tasks: answers === "ended" ? shown.map(toEnded) : shown,
    ...(more > 0 && { more }),
    ...(failed.length > 0 && { failed: failed.slice(0, MOST_IN_BRIEF) }),
  };
  const moreFailed = failed.length - MOST_IN_BRIEF;
  const unlisted = moreFailed > 0 ? `${failed.length} failed, of which ${MOST_IN_BRIEF} are listed.` : undefined;
  const toText = () =>
    [
      ...(page === undefined ? linesOf(told) : linesInBrief(told, page, more)),
      ...failed.slice(0, MOST_IN_BRIEF).map((item) => `Failed ${tellFailed(item)}.`),
      ...(moreFailed > 0 ? [`and ${moreFailed} more failed.`] : []),
    ].join("\n");
  return { structured, toText, unlisted };
}

function toEnded(task: Task | ListedTask): object {
  const { id, title, status, due, version, completed_at: completedAt } = task;
  return {
    ...{ id, title, status, version },
    ...(due !== undefined && { due }),
    ...(completedAt !== undefined && { completed_at: completedAt }),
    ...("cut" in task && { cut: task.cut }),
  };
}

function fitWhole(tasks: readonly Task[]): boolean {
  return tasks.length <= 1 || (tasks.length <= MOST_WHOLE && fitTogether(tasks));
}

function inBrief(tasks: readonly Task[]): ListedTask[] {
  const brief = tasks.map((task) => ({ ...task, description: "", isDescriptionWhole: true }));
  return listPage(brief, "due", tasks.length);
}

/** A line for each task, and behind them the number of the change. */
function linesOf({ tasks, verb, before, said = verb, describe, change, isClaim, unchanged }: Told): string[] {
  const lines = tasks.map((task) => {
    const deed = before === undefined && said === verb && unchanged.has(task.id) ? "Unchanged" : said;
    return [`${deed} ${taskLine(task)}`, describe(task)].filter(Boolean).join(" · ");
  });
  const numbered = `${lines.length === 0 ? said : lines.join("\n")}${tellNumber(change, isClaim)}`;
  const told = [before, numbered].filter(Boolean).join(" ");
  return told === "" ? [] : [told];
}

/** First what holds of all of them, with the number of the change. */
function linesInBrief(
  { tasks, verb, before, said = verb, describe, change, ...told }: Told,
  page: ListedTask[],
  more: number,
) {
  // Where nothing changed, as where a claim is renewed, what is said holds of all.
  const unchanged: ReadonlySet<number> = change === undefined ? new Set() : told.unchanged;
  const described = new Map(tasks.map((task) => [task.id, describe(task)]));
  const remarks = [...described].filter(([id]) => !unchanged.has(id)).map(([, remark]) => remark);
  const common = new Set(remarks).size === 1 ? remarks[0] : undefined;
  const count = tasks.filter(({ id }) => !unchanged.has(id)).length;
  const deed = [before, said, `${count} tasks`].filter(Boolean).join(" ");
  const heads = [deed, common].filter(Boolean).join(" · ");
  const lines = listText(page)
    .split("\n")
    .map((line, place) => {
      const task = page[place];
      if (task === undefined) return line;
      const remark = unchanged.has(task.id) ? "unchanged" : common === undefined && described.get(task.id);
      return [line, remark].filter(Boolean).join(" · ");
    });
  return [`${heads}${tellNumber(change, false)}:`, ...lines, ...(more > 0 ? [`and ${more} more.`] : [])];
}

function tellNumber(change: number | undefined, isClaim: boolean): string {
  return change === undefined ? "" : `${isClaim ? ` · claim ${change}` : ""} · change ${change}`;
}
