import * as z from "zod";
import { quote, quoteLines, withoutUnseen } from "../quote.ts";
import { CUT, MOMENT_WEIGHT, shorten, weigh } from "../shorten.ts";
import { listFields, pluck, weighFields } from "../tasks/field-table.ts";
import { taskSchema } from "../tasks/task.ts";
import { taskFields } from "../tasks/task-fields.ts";
import type { TaskInList } from "../tasks/task-in-list.ts";
import type { TaskOrder } from "../tasks/task-order.ts";
import { fitDescriptions } from "./fit-descriptions.ts";
import { taskLine } from "./task-text.ts";

const {
  id,
  version,
  completed_at,
  created_at,
  updated_at,
  claimed_by,
  claimed_until,
  set_aside,
  waiting_for,
  recurrence_text,
} = taskSchema.shape;

/** A task as a list shows it: enough to choose by and to act on. */
export const listedTaskSchema = z.strictObject({
  id,
  ...pluck(pluck(taskFields, "list"), "schema"),
  recurrence_text,
  version: version.optional(),
  completed_at,
  waiting_for,
  claimed_by: claimed_by.describe("Lapsed without claimed_until."),
  claimed_until,
  set_aside,
  created_at: created_at.optional(),
  updated_at: updated_at.optional(),
  deleted_at: updated_at.optional(),
  /** Of a deleted task: the change that deleted it, to undo. */
  last_change: z.int().min(1).optional(),
  description: z.string().optional(),
  preview: z.string().optional(),
  cut: z.literal(true).optional().describe("get_task has more."),
});

export type ListedTask = z.output<typeof listedTaskSchema>;

/** How much of its texts is shown of a task, as `weigh` counts. */
interface Size {
  readonly title: number;
  readonly tags: number;
  readonly preview: number;
  /** Whether what is told of a task is no more than what it is chosen by. */
  readonly isBrief?: true;
}

/** From the most that is shown to the least. */
const SIZES: readonly Size[] = [
  ...[125, 80, 50, 30, 0].map((preview) => ({ title: 65, tags: 40, preview })),
  { title: 40, tags: 15, preview: 0 },
  { title: 20, tags: 0, preview: 0 },
  { title: 20, tags: 0, preview: 0, isBrief: true },
];

const {
  scheduled: _scheduled,
  estimate_minutes: _minutes,
  position: _position,
  parent_id: _parent,
  ...essentialFields
} = taskFields;

/** How many of the tasks that block one are shown. */
const MOST_BLOCKERS = 5;

/** How much of the name of who holds a claim is shown, as `weigh` counts. */
const LONGEST_HOLDER = 10;

/** How much is shown of how a task recurs, likewise. */
const LONGEST_RECURRENCE = 25;

/** How many tokens a page may cost for each task that it has room for, and room for how many it has at least. */
const TOKENS_PER_TASK = 115;
const SMALLEST_PAGE = 20;

/** What the JSON of a task costs in tokens beside its fields, at most: with an id and a version of ten digits. */
const COST = {
  task: 22,
  waitingFor: 5,
  blocker: 6,
  holder: 5,
  setAside: 5,
  lastChange: 8,
  preview: 4,
  cut: 4,
  recurrence: 5,
};

/**
 * A page of tasks, their texts as long as the page's budget of tokens allows, whatever the tasks say.
 *
 * @param limit how many tasks the page has room for
 */
export function listPage(tasks: readonly TaskInList[], order: TaskOrder, limit: number): ListedTask[] {
  const previewed = tasks.map((task) => ({ ...task, description: toOneLine(task.description) }));
  const budget = TOKENS_PER_TASK * Math.max(limit, SMALLEST_PAGE);
  let page: ListedTask[] = [];
  for (const size of SIZES) {
    page = previewed.map((task) => toListedTask(task, order, size));
    if (page.reduce((sum, task) => sum + costOf(task), 0) <= budget) break;
  }
  return page;
}

/** As `listPage`, with descriptions in place of previews: whole, or cut as `get_task` cuts those of several tasks. */
export function detailedPage(tasks: readonly TaskInList[], order: TaskOrder, limit: number): ListedTask[] {
  const fitted = fitDescriptions(tasks);
  const withoutDescriptions = tasks.map((task) => ({ ...task, description: "" }));
  return listPage(withoutDescriptions, order, limit).map((task, place) => {
    const { description = "", cut } = fitted[place] ?? {};
    return { ...task, ...(description !== "" && { description }), ...(cut && { cut }) };
  });
}

/** Tasks that have changed, each with what tells whether to look at it: few tokens for what may be asked for often. */
export function changedPage(tasks: readonly TaskInList[]): ListedTask[] {
  const brief = tasks.map((task) => ({ ...task, tags: [], description: "", isDescriptionWhole: true }));
  return listPage(brief, "due", tasks.length).map(({ version: _version, completed_at: _at, ...task }) => task);
}

/** A line for each task, and below them what its marks mean. */
export function listText(tasks: readonly ListedTask[]): string {
  const lines = tasks.map((task) => {
    const line = [
      taskLine(task),
      task.created_at !== undefined && `created ${task.created_at}`,
      task.updated_at !== undefined && `updated ${task.updated_at}`,
      task.deleted_at !== undefined && `deleted ${task.deleted_at} by change ${task.last_change}`,
      task.preview !== undefined && tellBeginning(task.preview),
    ]
      .filter(Boolean)
      .join(" · ");
    return task.description === undefined ? line : `${line}\n${quoteLines(task.description)}`;
  });
  if (tasks.some(({ cut }) => cut)) lines.push(`${CUT} is where something is cut; get_task has all of it.`);
  return lines.join("\n");
}

function toListedTask(task: TaskInList, order: TaskOrder, size: Size): ListedTask {
  const title = shorten(task.title, size.title);
  const tags = firstTags(task.tags, size.tags);
  const whole = task.isDescriptionWhole ? task.description : `${task.description}${CUT}`;
  const preview = size.preview === 0 ? "" : shorten(whole, size.preview);
  const listed = { ...task, title, tags };
  const isCut =
    size.isBrief ||
    (task.waiting_for?.length ?? 0) > MOST_BLOCKERS ||
    title !== task.title ||
    tags.length < task.tags.length ||
    preview !== task.description;
  return {
    id: task.id,
    ...(size.isBrief ? listFields(essentialFields, listed) : listFields(taskFields, listed)),
    ...(task.recurrence_text !== undefined &&
      !size.isBrief && { recurrence_text: shorten(task.recurrence_text, LONGEST_RECURRENCE) }),
    version: task.version,
    ...(task.completed_at !== undefined && { completed_at: task.completed_at }),
    ...(task.waiting_for && { waiting_for: task.waiting_for.slice(0, size.isBrief ? 1 : MOST_BLOCKERS) }),
    ...(task.claimed_by !== undefined && { claimed_by: shorten(task.claimed_by, LONGEST_HOLDER) }),
    ...(task.claimed_until !== undefined && { claimed_until: task.claimed_until }),
    ...(task.set_aside && { set_aside: true as const }),
    ...(order === "created" && { created_at: task.created_at }),
    ...(order === "updated" && { updated_at: task.updated_at }),
    ...(task.deleted_at !== undefined && { deleted_at: task.deleted_at, last_change: task.last_change }),
    ...(preview !== "" && { preview }),
    ...(isCut && { cut: true }),
  };
}

/** As many tags, from the first on, as weigh no more than they may. */
function firstTags(tags: readonly string[], weight: number): string[] {
  let left = weight;
  const end = tags.findIndex((tag) => {
    left -= weigh(tag);
    return left < 0;
  });
  return tags.slice(0, end === -1 ? tags.length : end);
}

/** How a description begins, in a task's line; empty where there is none. */
export function tellBeginning(description: string): string {
  const line = shorten(toOneLine(description), SIZES[0]?.preview ?? 0);
  return line === "" ? "" : `begins ${quote(line)}`;
}

function toOneLine(text: string): string {
  return withoutUnseen(text.replace(/\s+/gu, " ")).trim();
}

function costOf({ preview, cut, ...task }: ListedTask): number {
  const { completed_at, claimed_until, created_at, updated_at, deleted_at } = task;
  const moments = [completed_at, claimed_until, created_at, updated_at, deleted_at].filter(
    (moment) => moment !== undefined,
  );
  return [
    COST.task,
    weighFields(taskFields, task),
    moments.length * MOMENT_WEIGHT,
    task.claimed_by === undefined ? 0 : COST.holder + weigh(task.claimed_by),
    task.waiting_for === undefined ? 0 : COST.waitingFor + COST.blocker * task.waiting_for.length,
    task.set_aside ? COST.setAside : 0,
    task.last_change === undefined ? 0 : COST.lastChange,
    task.recurrence_text === undefined ? 0 : COST.recurrence + weigh(task.recurrence_text),
    preview === undefined ? 0 : COST.preview + weigh(preview),
    cut ? COST.cut : 0,
  ].reduce((sum, cost) => sum + cost, 0);
}
