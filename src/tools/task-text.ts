import type { Task } from "../tasks/task.ts";

/** A task in one line: `#12 Buy milk · pending · due 2026-11-30 · high · groceries, home`. */
export function taskLine({ id, title, status, priority, due, tags }: Task): string {
  return [
    `#${id} ${title}`,
    status,
    due && `due ${due}`,
    priority !== "none" && `${priority} priority`,
    tags.length > 0 && tags.join(", "),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** A task's line, and its description below where it has one. */
export function taskParagraph(task: Task): string {
  return task.description === "" ? taskLine(task) : `${taskLine(task)}\n\n${task.description}`;
}
