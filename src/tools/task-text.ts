import { listIds } from "../excerpt.ts";
import { quote, quoteLines } from "../quote.ts";
import { tellFields } from "../tasks/field-table.ts";
import { MOST_LAPSES, type Task, type WholeTask } from "../tasks/task.ts";
import { taskFields } from "../tasks/task-fields.ts";

/** A task, or as much of it as a list has. */
type TaskInText = Pick<Task, "id" | "title" | "status"> &
  Partial<Pick<Task, "completed_at" | "claimed_by" | "claimed_until" | "set_aside" | "waiting_for">> & {
    readonly version?: number | undefined;
    readonly recurrence_text?: string | undefined;
    readonly next_dues?: readonly string[] | undefined;
  };

/** When it is due and when it may begin come first; the others follow as in their table. */
const { due, scheduled, ...others } = taskFields;
const inLine = { due, scheduled, ...others };

/**
 * A task in one line: `#12 "Buy milk" · pending · due 2026-11-30 · high priority · tags "groceries", "home" · version 3`.
 * What anybody may have written stands in quotation marks, so that a title makes up no field.
 */
export function taskLine(task: TaskInText): string {
  const { id, title, status, version, completed_at: completedAt } = task;
  return [
    `#${id} ${quote(title)}`,
    completedAt === undefined ? status : `${status} ${completedAt}`,
    ...tellFields(inLine, task),
    tellRecurrence(task),
    task.waiting_for !== undefined && `blocked by ${listIds(task.waiting_for)}`,
    tellClaim(task),
    version !== undefined && `version ${version}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** How a task recurs: `every 2 weeks on Tuesday, then 2026-12-15, 2026-12-29`. */
function tellRecurrence({ recurrence_text: text = "", next_dues: dues = [] }: TaskInText): string {
  return dues.length === 0 ? text : `${text}, then ${dues.join(", ")}`;
}

function tellMaker(maker: string | undefined): string {
  return maker === undefined ? "" : ` by ${quote(maker)}`;
}

function tellMore(more: string | undefined): string {
  return more === undefined ? "" : ` and ${more} more`;
}

/** Who holds a task's claim and until when, or that it has lapsed; empty where there is nothing to tell. */
export function tellClaim({ claimed_by: holder, claimed_until: until, set_aside: isSetAside }: TaskInText): string {
  if (isSetAside) return `set aside for a person after ${MOST_LAPSES} lapsed claims`;
  if (holder === undefined) return "";
  return until === undefined
    ? `the claim of ${quote(holder)} has lapsed`
    : `claimed by ${quote(holder)} until ${until}`;
}

/** All that is kept of a task: its line with its dates, and below it its description, each line of that after `> `. */
export function wholeTask(task: WholeTask): string {
  const line = [
    taskLine(task),
    task.subtasks !== undefined && `${task.open_subtasks} of ${task.subtasks} subtasks open`,
    task.blocks !== undefined && `blocks ${listIds(task.blocks)}${tellMore(task.more_blocks)}`,
    task.discovered_from !== undefined && `discovered during #${task.discovered_from}`,
    `created ${task.created_at}${tellMaker(task.created_by)}`,
    `updated ${task.updated_at}${tellMaker(task.changed_by)}`,
  ]
    .filter(Boolean)
    .join(" · ");
  return task.description === "" ? line : `${line}\n${quoteLines(task.description)}`;
}
