import { readTaskLines, type TaskLine } from "./task-lines.ts";

/** What an answer asks in return, so that the next message may be its answer. */
export type Question =
  | { readonly type: "which"; readonly name: string; readonly tasks: readonly TaskLine[] }
  | { readonly type: "day" }
  /** Not asked, but open: whether to show the next page. */
  | { readonly type: "more" };

/** What such questions are made of, before and behind the name. */
const WHICH = ["Which “", "” do you mean? Say “the first”, or its number."] as const;
const PERHAPS = ["I find no task “", "”. Do you mean one of these? Say “the first”, or its number."] as const;
const PERHAPS_THIS = ["I find no task “", "”. Do you mean this one?"] as const;
const DAY = "To which day shall I move it?";
const MOST_SHOWN = 10;

/** What a list ends with of which there is more. */
export const SHOW_MORE = "There are more: say “show more”.";

/** Asks which of several tasks a name means. */
export function askWhich(name: string, tasks: readonly TaskLine[]): string {
  return [WHICH.join(name), ...showTasks(tasks)].join("\n");
}

/** Asks whether a task is meant whose title is not quite what was said. */
export function askPerhaps(name: string, tasks: readonly TaskLine[]): string {
  return [(tasks.length === 1 ? PERHAPS_THIS : PERHAPS).join(name), ...showTasks(tasks)].join("\n");
}

/** Asks for the day to move a task to. */
export function askDay(reason: string | undefined): string {
  return reason === undefined ? DAY : `${reason} ${DAY}`;
}

/** The question that an answer ends with. What comes from tasks begins with a number or a quote, so it forges none. */
export function readQuestion(text: string): Question | undefined {
  const [first = ""] = text.split("\n");
  for (const [before, behind] of [WHICH, PERHAPS, PERHAPS_THIS]) {
    if (!first.startsWith(before) || !first.endsWith(behind)) continue;
    return { type: "which", name: first.slice(before.length, -behind.length), tasks: readTaskLines(text) };
  }
  if (first.endsWith(DAY)) return { type: "day" };
  return text.split("\n").at(-1) === SHOW_MORE ? { type: "more" } : undefined;
}

function showTasks(tasks: readonly TaskLine[]): string[] {
  const lines = tasks.slice(0, MOST_SHOWN).map(({ line }) => line);
  return tasks.length > MOST_SHOWN ? [...lines, `… and ${tasks.length - MOST_SHOWN} more.`] : lines;
}
