import { quote } from "../quote.ts";
import type { TaskChange } from "../tasks/task-change.ts";

/** What is said of the tasks that were made as others of their series were completed. */
export interface NextOccurrences {
  /** Of each task that was completed, by its id: `next #13 due 2026-12-15`. */
  readonly remarks: ReadonlyMap<number, string>;
  /** All of them in a sentence, with their titles; undefined where there are none. */
  readonly comment: string | undefined;
}

/** Tells which tasks a call has made by completing others. */
export function tellNext(changes: readonly TaskChange[]): NextOccurrences {
  const next = changes.flatMap(({ task, follows }) => (follows === undefined ? [] : [{ task, follows }]));
  const told = next.map(({ task }) => `#${task.id} ${quote(task.title)}${dueOf(task)}`);
  return {
    remarks: new Map(next.map(({ task, follows }) => [follows, `next #${task.id}${dueOf(task)}`])),
    comment: told.length === 0 ? undefined : `Next: ${told.join("; ")}.`,
  };
}

function dueOf({ due }: TaskChange["task"]): string {
  return due === undefined ? "" : ` due ${due}`;
}
