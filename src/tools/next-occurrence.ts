import { listFirst } from "../excerpt.ts";
import { quote } from "../quote.ts";
import { shorten } from "../shorten.ts";
import type { TaskChange } from "../tasks/task-change.ts";
import { MOST_IN_BRIEF, MOST_WHOLE } from "./task-result.ts";

/** How much of the title of each is told where an answer has tasks in brief, as `weigh` counts. */
const LONGEST_TITLE = 20;

/** What is said of the tasks that were made as others of their series were completed. */
export interface NextOccurrences {
  /** Of each task that was completed, by its id: `next #13 due 2026-12-15`. */
  readonly remarks: ReadonlyMap<number, string>;
  /** As many as an answer has tasks in a sentence, with their titles; undefined where there are none. */
  readonly comment: string | undefined;
}

/** Tells which tasks a call has made by completing others. */
export function tellNext(changes: readonly TaskChange[]): NextOccurrences {
  const next = changes.flatMap(({ task, follows }) => (follows === undefined ? [] : [{ task, follows }]));
  const longest = next.length > MOST_WHOLE ? LONGEST_TITLE : Number.POSITIVE_INFINITY;
  const tell = ({ task }: (typeof next)[number]) => `#${task.id} ${quote(shorten(task.title, longest))}${dueOf(task)}`;
  return {
    remarks: new Map(next.map(({ task, follows }) => [follows, `next #${task.id}${dueOf(task)}`])),
    comment: next.length === 0 ? undefined : `Next: ${listFirst(next, tell, MOST_IN_BRIEF)}.`,
  };
}

function dueOf({ due }: TaskChange["task"]): string {
  return due === undefined ? "" : ` due ${due}`;
}
