import { excerpt } from "../../src/excerpt.ts";
import type { OutputItem } from "../responses-api.ts";
import type { Call } from "./conversation.ts";
import { SHOW_MORE } from "./question.ts";
import { readTaskLines, withoutCursor } from "./task-lines.ts";
import type { Unclear, Wish } from "./wish.ts";

/** What every answer begins with, so that nobody takes it for a language model. */
export const DEMO_LABEL = "[demo model]";

/** What the server says of a call that the person has refused. */
const REFUSED = "Not done: the person said no.";

/** Words for the person. */
export function says(text: string): OutputItem {
  return { type: "text", text: text.includes("\n") ? `${DEMO_LABEL}\n${text}` : `${DEMO_LABEL} ${text}` };
}

/** A call of a tool. */
export function call(name: string, input: object): OutputItem {
  return { type: "call", name, arguments: JSON.stringify(input) };
}

/** Said of a list that is too long to be read to its end. */
const FEWER = "There are more: ask for fewer, such as “show tasks due this week”.";

/** What stands in place of a cursor, which nobody can say. */
const MORE = /^There (?:are|may be) more\.$/m;

/** A page of a list as the tool says it, and how to go on: by `show more`, unless this is the last page that is read. */
export function tellList(page: Call, { selection, isCount }: Extract<Wish, { type: "list" }>, isLast: boolean): string {
  const text = tell([page]).replace(MORE, isLast ? FEWER : SHOW_MORE);
  const tasks = readTaskLines(text);
  const { tags = [] } = selection.filter;
  if (tasks.length === 0 && !text.includes("\n") && !text.startsWith("Error")) {
    return tags.length === 0 ? text : `No such tasks with the tag ${tags.map((tag) => `“${tag}”`).join(" and ")}.`;
  }
  if (!isCount) return text;
  const more = text.endsWith(SHOW_MORE) || text.endsWith(FEWER) ? "More than " : "";
  return [`${more}${tasks.length} ${tasks.length === 1 ? "task" : "tasks"}:`, text].join("\n");
}

const LONGEST_WHAT = 80;

/** Says what was not understood, and why. */
export function describe({ what, hint }: Unclear): string {
  return `I did not understand ${what === "" ? "which" : `“${excerpt(what, LONGEST_WHAT)}”`}: ${hint}.`;
}

/** Whether a call has done what it was to do. */
export function isDone({ output }: Call): boolean {
  return output !== "" && !/^(?:Error|Not done)/.test(output);
}

/** What calls that change tasks have said, and what is to be said where they did. */
export function tellChanges(calls: readonly Call[], notes: readonly string[]): string {
  return [tell(calls), ...(calls.some(isDone) ? notes : [])].join("\n");
}

/** What a list says of the time, and of the last change. */
const CLOCK = /\nIt is \w+day, \S+ in \S+\.(?: Change \d+\.)?$/;

/**
 * What tools have said, without what a list says of the time and its cursor. A task's description is quoted: it may hold
 * anything, even what looks like a task. What the person said no to is said once.
 */
export function tell(calls: readonly Call[]): string {
  const told = calls.map(({ name, output }) => {
    if (output === REFUSED) return "Not done: you said no.";
    if (name === "list_tasks") return withoutCursor(output.replace(CLOCK, ""));
    return name === "get_task" ? output.replaceAll(/\n+(?!> )(?=.)/g, "\n> ") : output;
  });
  return told.filter((line, index) => calls[index]?.output !== REFUSED || told.indexOf(line) === index).join("\n");
}
