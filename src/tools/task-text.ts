import { quote, quoteLines } from "../quote.ts";
import { tellFields } from "../tasks/field-table.ts";
import type { Task } from "../tasks/task.ts";
import { taskFields } from "../tasks/task-fields.ts";

/** A task, or as much of it as a list has. */
type TaskInText = Pick<Task, "id" | "title" | "status" | "version"> & { readonly completed_at?: string | undefined };

/** When it is due comes first; the others follow as in their table. */
const { due, ...others } = taskFields;
const inLine = { due, ...others };

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
    `version ${version}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** All that is kept of a task: its line with its dates, and below it its description, each line of that after `> `. */
export function wholeTask(task: Task): string {
  const line = `${taskLine(task)} · created ${task.created_at} · updated ${task.updated_at}`;
  return task.description === "" ? line : `${line}\n${quoteLines(task.description)}`;
}
