import { quote, quoteLines } from "../quote.ts";
import type { Task } from "../tasks/task.ts";

interface TaskInText extends Pick<Task, "id" | "title" | "status" | "version"> {
  readonly priority?: Task["priority"] | undefined;
  readonly due?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly completed_at?: string | undefined;
}

/**
 * A task in one line: `#12 "Buy milk" · pending · due 2026-11-30 · high priority · tags "groceries", "home" · version 3`.
 * What anybody may have written stands in quotation marks, so that a title makes up no field.
 */
export function taskLine({ id, title, status, priority, due, tags, version, completed_at: completedAt }: TaskInText) {
  return [
    `#${id} ${quote(title)}`,
    completedAt === undefined ? status : `${status} ${completedAt}`,
    due !== undefined && `due ${due}`,
    priority !== undefined && priority !== "none" && `${priority} priority`,
    tags !== undefined && tags.length > 0 && `tags ${tags.map(quote).join(", ")}`,
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
