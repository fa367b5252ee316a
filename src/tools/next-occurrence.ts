import { listFirst } from "../excerpt.ts";
import { quote } from "../quote.ts";
import { shorten } from "../shorten.ts";
import type { TaskChange } from "../tasks/task-change.ts";
import { MOST_IN_BRIEF, MOST_WHOLE } from "./task-result.ts";

/** How much of the title of each is told where an answer has tasks in brief, as `weigh` counts. */
const LONGEST_TITLE = 20;

/** What is said of the tasks that were made as others of their series were completed, and of those that were the last. */
export interface NextOccurrences {
  /** Of each task that was completed, by its id: `next #13 due 2026-12-15`, or `the last of its series`. */
  readonly remarks: ReadonlyMap<number, string>;
  /** As many as an answer has tasks in a sentence, with their titles; empty where there are none. */
  readonly comment: string;
}

/** Tells which tasks a call has made by completing others, and which series it has brought to their end. */
export function tellNext(changes: readonly TaskChange[]): NextOccurrences {
  const next = changes.flatMap(({ task, follows }) => (follows === undefined ? [] : [{ task, follows }]));
  const last = changes.filter(({ isLast }) => isLast);
  const longest = next.length + last.length > MOST_WHOLE ? LONGEST_TITLE : Number.POSITIVE_INFINITY;
  const tell = ({ task }: Pick<TaskChange, "task">) => `#${task.id} ${quote(shorten(task.title, longest))}`;
  const tellDue = (made: Pick<TaskChange, "task">) => `${tell(made)}${dueOf(made.task)}`;
  return {
    remarks: new Map([
      ...next.map(({ task, follows }) => [follows, `next #${task.id}${dueOf(task)}`] as const),
      ...last.map(({ task }) => [task.id, "the last of its series"] as const),
    ]),
    comment: [
      next.length > 0 && `Next: ${listFirst(next, tellDue, MOST_IN_BRIEF)}.`,
      last.length > 0 &&
        `Last of ${last.length === 1 ? "its" : "their"} series: ${listFirst(last, tell, MOST_IN_BRIEF)}.`,
    ]
      .filter(Boolean)
      .join(" "),
  };
}

function dueOf({ due }: TaskChange["task"]): string {
  return due === undefined ? "" : ` due ${due}`;
}
