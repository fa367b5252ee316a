import { quote } from "../quote.ts";
import { shorten } from "../shorten.ts";
import type { TaskChange } from "../tasks/task-change.ts";

/** How many are told, and of how many the whole titles; of more as much of the title of each, as `weigh` counts. */
const MOST_TOLD = 25;
const MOST_AT_LENGTH = 5;
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
  const longest = next.length > MOST_AT_LENGTH ? LONGEST_TITLE : Number.POSITIVE_INFINITY;
  const told = next
    .slice(0, MOST_TOLD)
    .map(({ task }) => `#${task.id} ${quote(shorten(task.title, longest))}${dueOf(task)}`);
  const more = next.length - told.length;
  return {
    remarks: new Map(next.map(({ task, follows }) => [follows, `next #${task.id}${dueOf(task)}`])),
    comment: told.length === 0 ? undefined : `Next: ${told.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`,
  };
}

function dueOf({ due }: TaskChange["task"]): string {
  return due === undefined ? "" : ` due ${due}`;
}
